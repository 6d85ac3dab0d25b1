package wire_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
	"github.com/postrider/postrider/webhook/internal/transport"
)

// mutual is a receiver that requests certificates, and records the owner of each request.
type mutual struct {
	*lab
	server *httptest.Server
	port   int

	mu    sync.Mutex
	wrong []string // requests that came with another's certificate
}

func newMutual(t *testing.T, auth tls.ClientAuthType, http2 bool) *mutual {
	m := &mutual{lab: &lab{t: t, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}}
	lis, err := net.Listen("tcp4", publicIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	m.server = &httptest.Server{Listener: lis, EnableHTTP2: http2, Config: &http.Server{Handler: http.HandlerFunc(m.serve), ErrorLog: log.New(io.Discard, "", 0)},
		TLS: &tls.Config{Certificates: []tls.Certificate{m.ca.Issue(hookHost)}, ClientAuth: auth, ClientCAs: m.ca.Pool()}}
	m.server.StartTLS()
	t.Cleanup(m.server.Close)
	m.port = lis.Addr().(*net.TCPAddr).Port
	m.dns.Set(hookHost, hostile.Addrs(publicIP))
	m.opts = m.options(m.port)
	m.opts.HTTP2 = http2
	return m
}

func shown(r *http.Request) string {
	if len(r.TLS.PeerCertificates) == 0 {
		return "none"
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}

func (m *mutual) serve(w http.ResponseWriter, r *http.Request) {
	if got := shown(r); got != r.Header.Get("X-Identity") {
		m.mu.Lock()
		m.wrong = append(m.wrong, fmt.Sprintf("%s with the certificate of %s", r.Header.Get("X-Identity"), got))
		m.mu.Unlock()
	}
	_, _ = io.WriteString(w, r.Proto)
}

// send makes a request with an identity, "" for none, and returns the result.
func (m *mutual) send(by *transport.Transport, as string) string {
	x := transport.Begin(context.Background(), []byte(message))
	req := x.Request()
	req.Method, req.Header = http.MethodPost, http.Header{"X-Identity": {as}}
	req.URL = &url.URL{Scheme: "https", Host: fmt.Sprintf("%s:%d", hookHost, m.port), Path: "/hook"}
	return outcome(by.Send(x, req))
}

func (m *mutual) identity(name string) (transport.ID, transport.Identity) {
	c := m.ca.Client(name)
	return transport.ID(sha256.Sum256([]byte(name))), transport.Identity{Certificate: &c}
}

// Rule: two identities at one host never share a connection: thousands of interleaved requests of
// both, and of requests without an identity, each arrive with their own certificate.
func TestIdentitiesAreApart(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP1", true: "HTTP2"}[http2], func(t *testing.T) {
			t.Parallel()
			m := newMutual(t, tls.VerifyClientCertIfGiven, http2)
			common := m.transport()
			s := transport.NewIdentities(common)
			names := []string{"a", "b", "c"}
			type who struct {
				id transport.ID
				transport.Identity
			}
			known := map[string]who{}
			for _, name := range names {
				id, identity := m.identity(name)
				known[name] = who{id, identity}
			}
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() {
					for i := range 500 {
						if n := (i + worker) % 4; n < 3 {
							name := names[n]
							use := s.Take(known[name].id, known[name].Identity)
							if got := m.send(use.Transport, name); got != "200" {
								t.Errorf("%s: %s", name, got)
							}
							use.Give()
						} else if got := m.send(common, "none"); got != "200" {
							t.Errorf("none: %s", got)
						}
					}
				})
			}
			wg.Wait()
			if len(m.wrong) > 0 {
				t.Errorf("%d of 4,000 requests came with another identity, such as %s", len(m.wrong), m.wrong[0])
			}
			for _, w := range known {
				use := s.Take(w.id, w.Identity)
				use.CloseIdleConnections()
				use.Give()
			}
		})
	}
}

// Rule: authorities of an identity replace all others: they do not accept the certificate of
// another authority, and skip no name.
func TestIdentityRootCAs(t *testing.T) {
	t.Parallel()
	m := newMutual(t, tls.NoClientCert, false)
	other := hostile.NewAuthority(t)
	common := m.transport()
	if got := m.send(common.As(transport.Identity{RootCAs: other.Pool()}), "none"); got != "tls_verify authority" {
		t.Errorf("another authority: %s", got)
	}
	m.opts.RootCAs = other.Pool()
	own := m.transport()
	if got := m.send(own, "none"); got != "tls_verify authority" {
		t.Errorf("the operator's: %s", got)
	}
	private := own.As(transport.Identity{RootCAs: m.ca.Pool()})
	defer private.CloseIdleConnections()
	if got := m.send(private, "none"); got != "200" {
		t.Errorf("its own: %s", got)
	}
	m.server.TLS.Certificates[0] = m.ca.Issue("other.example.com")
	private.CloseIdleConnections()
	if got := m.send(private, "none"); got != "tls_verify hostname" {
		t.Errorf("another name: %s", got)
	}
}

// Rule: the sender's own certificate is read at each handshake in which a server requests one.
// After a failure or a panic nothing is sent; without a certificate none is shown.
func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	m := newMutual(t, tls.RequestClientCert, false)
	own := m.ca.Client("own")
	for name, c := range map[string]struct {
		ask  func(context.Context) (*tls.Certificate, error)
		as   string
		want string
	}{
		"a certificate": {func(context.Context) (*tls.Certificate, error) { return &own, nil }, "own", "200"},
		"none":          {func(context.Context) (*tls.Certificate, error) { return nil, nil }, "none", "200"},
		"no func":       {nil, "none", "200"},
		"an error":      {func(context.Context) (*tls.Certificate, error) { return nil, errors.New("canary") }, "own", "config"},
		"a panic":       {func(context.Context) (*tls.Certificate, error) { panic("canary") }, "own", "config"},
	} {
		m.opts.ClientCertificate = c.ask
		if got := m.send(m.transport(), c.as); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if len(m.wrong) > 0 {
		t.Errorf("%q", m.wrong)
	}
}

// Rule: a certificate outside of the server's list of authorities is shown all the same, because
// nothing is sent without it. A server refuses a certificate with an alert, which may also come
// after the request was written.
func TestRefusedCertificate(t *testing.T) {
	t.Parallel()
	stranger := hostile.NewAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, id := range map[string]func(m *mutual) transport.Identity{
			"none": func(*mutual) transport.Identity { return transport.Identity{} },
			"of another authority": func(*mutual) transport.Identity {
				c := stranger.Client("x")
				return transport.Identity{Certificate: &c}
			},
		} {
			m := newMutual(t, tls.RequireAndVerifyClientCert, false)
			m.server.TLS.MinVersion, m.server.TLS.MaxVersion = version, version
			want := "tls client_cert_required"
			if name == "none" && version == tls.VersionTLS12 {
				want = "tls handshake" // RFC 5246 has no alert for that
			}
			if got := m.send(m.transport().As(id(m)), "x"); got != want {
				t.Errorf("%s with %s: %s, want %s", name, tls.VersionName(version), got, want)
			}
			if len(m.wrong) > 0 {
				t.Errorf("%s: a request got through: %q", name, m.wrong)
			}
		}
	}
}

// Rule: an https proxy that requests a certificate sees neither that of an identity nor the
// sender's own, and is verified with the operator's authorities.
func TestProxySeesNoCertificate(t *testing.T) {
	t.Parallel()
	m := newMutual(t, tls.RequireAndVerifyClientCert, false)
	operator := hostile.NewAuthority(t)
	var mu sync.Mutex
	var seen []string
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, shown(r))
		mu.Unlock()
		to, err := net.Dial("tcp", net.JoinHostPort(publicIP, fmt.Sprint(m.port)))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		from, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = to.Close()
			return
		}
		go func() { _, _ = io.Copy(to, buf); _ = to.Close() }()
		go func() { _, _ = io.Copy(from, to); _ = from.Close() }()
	}))
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{operator.Issue("127.0.0.1")}, ClientAuth: tls.RequestClientCert}
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.StartTLS()
	defer proxy.Close()
	m.opts.Proxy = &url.URL{Scheme: "https", Host: proxy.Listener.Addr().String()}
	m.opts.RootCAs = operator.Pool()
	own := m.ca.Client("own")
	m.opts.ClientCertificate = func(context.Context) (*tls.Certificate, error) { return &own, nil }
	_, a := m.identity("a")
	a.RootCAs = m.ca.Pool()
	by := m.transport().As(a)
	if got := m.send(by, "a"); got != "200" {
		t.Errorf("an identity: %s", got)
	}
	sender := m.transport().As(transport.Identity{RootCAs: m.ca.Pool()})
	if got := m.send(sender, "own"); got != "200" {
		t.Errorf("the sender's own: %s", got)
	}
	by.CloseIdleConnections()
	sender.CloseIdleConnections()
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 || seen[0] != "none" || seen[1] != "none" || len(m.wrong) > 0 {
		t.Errorf("the proxy saw %q, the receiver %q", seen, m.wrong)
	}
}
