package sockets_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// standard is a webhook of the Standard profile.
func standard(url string, change ...func(*webhook.Webhook)) webhook.Webhook {
	w := webhook.Webhook{Scope: scope, Name: "Ops", URL: url, Secrets: []webhook.Secret{webhook.NewSecret(standardSecret)}, Events: []string{"*"}, Active: true}
	for _, f := range change {
		f(&w)
	}
	return w
}

// put stores a webhook unchanged, without the Manager.
func (h *host) put(w webhook.Webhook) webhook.Webhook {
	h.t.Helper()
	h.puts++
	w.ID, w.Version = fmt.Sprintf("whk_%d", h.puts), 1
	if err := h.store.(webhook.Registry).Create(context.Background(), w, 0); err != nil {
		h.t.Fatal(err)
	}
	return w
}

// try makes a request to a webhook.
func (h *host) try(w webhook.Webhook) webhook.Attempt {
	h.t.Helper()
	a, err := h.hooks.Test(context.Background(), w.Scope, w.ID)
	if err != nil {
		h.t.Error(err)
	}
	return a
}

func clientTLS(t testing.TB, c tls.Certificate) webhook.ClientTLS {
	t.Helper()
	chain, key, err := hostile.PEM(c)
	if err != nil {
		t.Fatal(err)
	}
	return webhook.ClientTLS{Certificate: chain, Key: webhook.NewSecret(key)}
}

// mtls is a receiver that requires certificates, with a token endpoint beside it.
type mtls struct {
	*network
	mu   sync.Mutex
	seen []string // path, identifier and owner of the certificate
}

func newMTLS(t *testing.T, auth tls.ClientAuthType, http2 bool) *mtls {
	m := &mtls{network: &network{t: t, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}}
	lis, err := net.Listen("tcp4", publicIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: lis, EnableHTTP2: http2, Config: &http.Server{Handler: http.HandlerFunc(m.serve), ErrorLog: log.New(io.Discard, "", 0)},
		TLS: &tls.Config{Certificates: []tls.Certificate{m.ca.Issue(hookHost)}, ClientAuth: auth, ClientCAs: m.ca.Pool()}}
	s.StartTLS()
	t.Cleanup(s.Close)
	m.dns.Set(hookHost, hostile.Addrs(publicIP))
	port := lis.Addr().(*net.TCPAddr).Port
	m.profile = webhook.Standard()
	m.profile.Allow = withAllowed(m.profile, uint16(port)).Allow
	m.profile.Form.AllowToken, m.profile.HTTP2 = m.profile.Allow, http2
	m.opts = webhook.Options{Timeout: 20 * time.Second, Poll: 5 * time.Millisecond, Resolver: m.dns.Resolver(), RootCAs: m.ca.Pool(), AllowClearKeys: true}
	return m
}

func (m *mtls) url(path string, port uint16) string {
	return "https://" + net.JoinHostPort(hookHost, strconv.Itoa(int(port))) + "/" + path
}

func (m *mtls) at(path string) string { return m.url(path, m.profile.Allow.Ports[0]) }

func (m *mtls) serve(w http.ResponseWriter, r *http.Request) {
	who := "none"
	if len(r.TLS.PeerCertificates) > 0 {
		who = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	m.mu.Lock()
	m.seen = append(m.seen, r.URL.Path[1:]+" as "+who)
	m.mu.Unlock()
	if r.URL.Path == "/token" {
		_, _ = io.WriteString(w, `{"access_token":"t"}`)
	}
}

func (m *mtls) takeSeen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.seen
	m.seen = nil
	return out
}

// Rule: requests of two webhooks at one host with two identities, and of one without, are
// interleaved. The receiver sees each with its own certificate and with no other's, while one of
// them is changed.
func TestClientCertOfEachWebhook(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP1", true: "HTTP2"}[http2], func(t *testing.T) {
			t.Parallel()
			m := newMTLS(t, tls.VerifyClientCertIfGiven, http2)
			sent := 0
			var delivered atomic.Int64
			m.opts.Observer = &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) {
				if d.State == webhook.StateDelivered && d.Tries == 1 {
					delivered.Add(1)
				}
			}}
			h := runningHost(t, m.profile, m.opts)
			var hooks []webhook.Webhook
			for _, name := range []string{"a", "b", "none"} {
				w := standard(m.at(name))
				if name != "none" {
					w.TLS = clientTLS(t, m.ca.Client(name))
				}
				w, err := h.hooks.Add(t.Context(), w)
				if err != nil {
					t.Fatal(err)
				}
				hooks = append(hooks, w)
			}
			send := func(n int) []string {
				t.Helper()
				for range n {
					sent++
					e, err := payload.New(scope, payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Deactivate",
						ActionTypes: []string{"addToGroups"}, DeepLink: "https://your-site.atlassian.net/"}, id("event-%d", sent))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := h.Dispatch(t.Context(), e); err != nil {
						t.Fatal(err)
					}
				}
				hostile.Await(t, "the deliveries", func() bool { return delivered.Load() == int64(3*sent) })
				return m.takeSeen()
			}
			for _, s := range send(700) {
				if path, who, _ := strings.Cut(s, " as "); path != who {
					t.Fatalf("a request to %s came as %s", path, who)
				}
			}
			// A changed identity is used from the next request on.
			in := hooks[0].Clone()
			in.Version, in.TLS = 0, clientTLS(t, m.ca.Client("a2"))
			if _, err := h.hooks.Edit(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			for _, s := range send(30) {
				if s != "a as a2" && s != "b as b" && s != "none as none" {
					t.Fatalf("after the change: %s", s)
				}
			}
		})
	}
}

// Rule: the sender's own certificate is used for webhooks without one; a token endpoint sees none.
func TestClientCertOfTheSender(t *testing.T) {
	t.Parallel()
	m := newMTLS(t, tls.RequestClientCert, false)
	own := m.ca.Client("own")
	m.opts.ClientCertificate = func(context.Context) (*tls.Certificate, error) { return &own, nil }
	h := newHost(t, m.profile, m.opts)
	auth := oauthAt(m.at("token"))
	for _, tt := range []struct {
		tls  webhook.ClientTLS
		want string
	}{
		{webhook.ClientTLS{}, "hook as own"},
		{webhook.ClientTLS{RootCAs: m.ca.PEM()}, "hook as own"},
		{clientTLS(t, m.ca.Client("a")), "hook as a"},
	} {
		w := standard(m.at("hook"))
		w.Auth, w.TLS = auth, tt.tls
		w.Auth.OAuth.Scopes = []string{tt.want[len("hook as "):]}
		a := h.try(h.put(w))
		for i, got := range m.takeSeen() {
			if want := []string{"token as none", tt.want}[min(i, 1)]; got != want && got != tt.want {
				t.Errorf("%s, want %s", got, want)
			} else if strings.HasPrefix(got, "token") && got != "token as none" {
				t.Error(got)
			}
		}
		if !a.OK() {
			t.Errorf("%+v", a)
		}
	}
}

// Rule: an unusable certificate ends attempts with config, and is never left out. A certificate
// that the receiver refuses ends them as tls, with a word about certificates.
func TestClientCertUnusable(t *testing.T) {
	t.Parallel()
	m := newMTLS(t, tls.RequireAndVerifyClientCert, false)
	h := newHost(t, m.profile, m.opts)
	good := clientTLS(t, m.ca.Client("a"))
	for name, tt := range map[string]struct {
		tls    webhook.ClientTLS
		code   webhook.Code
		detail webhook.Detail
	}{
		"no key":              {webhook.ClientTLS{Certificate: good.Certificate}, webhook.CodeConfig, ""},
		"damaged":             {webhook.ClientTLS{Certificate: "x", Key: good.Key}, webhook.CodeConfig, ""},
		"authorities damaged": {webhook.ClientTLS{Certificate: good.Certificate, Key: good.Key, RootCAs: "x"}, webhook.CodeConfig, ""},
		"none":                {webhook.ClientTLS{}, webhook.CodeTLS, webhook.DetailClientCertRequired},
		"of a stranger":       {clientTLS(t, hostile.NewAuthority(t).Client("a")), webhook.CodeTLS, webhook.DetailClientCertRequired},
		"ended":               {clientTLS(t, m.ca.Client("a", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), webhook.CodeTLS, webhook.DetailClientCertRequired},
		"other authorities":   {webhook.ClientTLS{Certificate: good.Certificate, Key: good.Key, RootCAs: hostile.NewAuthority(t).PEM()}, webhook.CodeTLSVerify, webhook.DetailAuthority},
		"good":                {good, webhook.CodeOK, ""},
	} {
		w := standard(m.at("hook"))
		w.TLS = tt.tls
		a := h.try(h.put(w))
		if a.Code != tt.code || a.Detail != tt.detail {
			t.Errorf("%s: %s %s, want %s %s", name, a.Code, a.Detail, tt.code, tt.detail)
		}
		if n := len(m.takeSeen()); (n > 0) != (tt.code == webhook.CodeOK) {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// Rule: a private authority does not permit a private address.
func TestClientCertKeepsTheGuard(t *testing.T) {
	t.Parallel()
	m := newMTLS(t, tls.NoClientCert, false)
	m.dns.Set(hookHost, hostile.Addrs(forbiddenIP))
	h := newHost(t, m.profile, m.opts)
	w := standard(m.at("hook"))
	w.TLS = webhook.ClientTLS{RootCAs: m.ca.PEM()}
	if a := h.try(h.put(w)); a.Code != webhook.CodeBlockedAddress {
		t.Errorf("%+v", a)
	}
}
