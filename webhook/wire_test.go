package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// Rule: HTTP/2, where one connection carries the requests of all webhooks, is for the one profile
// whose receivers have one owner. Other profiles speak HTTP/1.1.
func TestHTTPVersionOfProfiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		profile webhook.Profile
		want    string
	}{
		{webhook.Automation(), "HTTP/2.0"},
		{webhook.Standard(), "HTTP/1.1"},
		{jira.Profile(), "HTTP/1.1"},
		{connect.Profile(), "HTTP/1.1"},
		{webhook.Profile{Name: "own"}, "HTTP/1.1"},
	} {
		t.Run(tt.profile.Name, func(t *testing.T) {
			t.Parallel()
			e := webhooktest.New(t, &webhooktest.Options{Generic: true})
			p := tt.profile
			p.Allow, p.Prepare.Sign, p.Prepare.Target, p.Retry = allowlist.Public(), nil, nil, retry.None()
			h := realHostStopped(t, p, webhook.Options{DialContext: e.DialContext, RootCAs: e.RootCAs()})
			w := someWebhook()
			w.URL = e.URL()
			for range 3 {
				if a := webhook.Send(t.Context(), h.Dispatcher, w, sample(w)); !a.OK() {
					t.Fatalf("%+v", a)
				}
			}
			for _, r := range e.Requests() {
				if r.Proto != tt.want {
					t.Errorf("%s, want %s", r.Proto, tt.want)
				}
			}
		})
	}
}

// Rule: with two tenants at one host, an endpoint that breaks its connection, as with a header that
// is too large, does not affect the requests of the other.
func TestEndpointBreaksItsOwnConnectionAlone(t *testing.T) {
	t.Parallel()
	huge := make([]byte, 80<<10)
	for i := range huge {
		huge[i] = 'x'
	}
	e := webhooktest.New(t, &webhooktest.Options{Generic: true, Script: func(_ int, r webhooktest.Request) webhooktest.Response {
		if r.Path == "/hostile" {
			return webhooktest.Response{Status: 200, Header: http.Header{"X-Big": {string(huge)}}}
		}
		return webhooktest.Response{Status: 200}
	}})
	p := webhook.Standard()
	p.Prepare.Sign = nil
	h := realHostStopped(t, p, webhook.Options{DialContext: e.DialContext, RootCAs: e.RootCAs()})
	var both sync.WaitGroup
	for _, path := range []string{"hostile", "healthy"} {
		w := someWebhook()
		w.ID, w.URL = path, "https://"+webhooktest.GenericHost+"/"+path
		both.Go(func() {
			for i := range 40 {
				a := webhook.Send(t.Context(), h.Dispatcher, w, sample(w))
				if path == "healthy" && !a.OK() {
					t.Errorf("healthy request %d: %+v", i, a)
				}
				if path == "hostile" && a.Code != webhook.CodeProtocol {
					t.Errorf("hostile request %d: %+v", i, a)
				}
			}
		})
	}
	both.Wait()
	if n := len(e.Requests()); n != 80 {
		t.Errorf("%d requests for 80 attempts: an answer that is not understood is no dead connection", n)
	}
}

// pipes is a listener of connections in memory, which may be used in a synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	mu    sync.Mutex
	dials []time.Time
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.mu.Lock()
	p.dials = append(p.dials, time.Now())
	p.mu.Unlock()
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// agedProfiles are the profiles whose connections TestConnectionAge counts.
var agedProfiles = map[string]webhook.Profile{"HTTP1": webhook.Standard()}

// Rule: under steady traffic a connection lives for five minutes, for Options.MaxConnAge where
// that is set, and for as long as it lasts where that is negative.
func TestConnectionAge(t *testing.T) {
	t.Parallel()
	cert, trust := certified()
	for name, tt := range map[string]struct {
		age  time.Duration
		want int // connections in an hour
	}{"default": {0, 12}, "two minutes": {2 * time.Minute, 30}, "no limit": {-1, 1}} {
		for version, profile := range agedProfiles {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { connectionAge(t, cert, trust, profile, tt.age, tt.want) })
			})
		}
	}
}

// certified returns the certificate of package httptest for example.com, and a pool that trusts it.
func certified() (tls.Certificate, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	trust := x509.NewCertPool()
	trust.AddCert(s.Certificate())
	return s.TLS.Certificates[0], trust
}

func connectionAge(t *testing.T, cert tls.Certificate, trust *x509.CertPool, p webhook.Profile, age time.Duration, want int) {
	lis := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	served := make(chan error)
	go func() { served <- server.ServeTLS(lis, "", "") }()
	p.Allow, p.Prepare.Sign = allowlist.Public(), nil
	h := realHostStopped(t, p, webhook.Options{DialContext: lis.dial, RootCAs: trust, MaxConnAge: age})
	w := someWebhook()
	w.URL = "https://example.com/hook"
	const every = 1900 * time.Millisecond // no request at the moment that a connection's time is up
	for range time.Hour / every {
		if a := webhook.Send(t.Context(), h.Dispatcher, w, sample(w)); !a.OK() {
			t.Fatalf("%+v", a)
		}
		time.Sleep(every)
	}
	if len(lis.dials) != want {
		t.Errorf("%d connections in an hour, want %d: %v", len(lis.dials), want, lis.dials)
	}
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	time.Sleep(time.Hour) // for timers of net/http
}

// Rule: an endpoint that offers HTTP/2 gets HTTP/2, and one connection carries all requests.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, nil)
	h := realHost(t, webhook.Automation(), webhook.Options{DialContext: e.DialContext, RootCAs: e.RootCAs(), Poll: 5 * time.Millisecond})
	h.add("one", at(e.URL()), signedWith(e.Secret()))
	for i := range 20 {
		h.dispatch(id("evt_%d", i))
	}
	if _, err := e.Wait(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	h.stop()
	if n := h.count(webhook.StateDelivered); n != 20 {
		t.Errorf("%d of 20 are delivered", n)
	}
	for _, r := range e.Requests() {
		if r.Proto != "HTTP/2.0" || r.Problem != "" {
			t.Errorf("request %d: %s, %s", r.N, r.Proto, r.Problem)
		}
	}
}

func signedWith(s webhook.Secret) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{s} }
}
