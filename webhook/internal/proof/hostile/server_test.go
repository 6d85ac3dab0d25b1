package hostile_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

func TestCertificatesThatDoNotVerify(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	expired := func(err error) bool {
		var e x509.CertificateInvalidError
		return errors.As(err, &e) && e.Reason == x509.Expired
	}
	unknown := func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }
	other := func(err error) bool { return errors.As(err, new(x509.HostnameError)) }
	for name, tt := range map[string]struct {
		cert tls.Certificate
		want func(error) bool
	}{
		"expired":           {ca.Expired("127.0.0.1"), expired},
		"not yet valid":     {ca.NotYetValid("127.0.0.1"), expired},
		"self-signed":       {hostile.SelfSigned(t, "127.0.0.1"), unknown},
		"unknown authority": {hostile.NewAuthority(t).Issue("127.0.0.1"), unknown},
		"other host":        {ca.Issue("other.example.com", "127.0.0.2"), other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hostile.New(t, hostile.Options{Certificate: tt.cert})
			got := newClient(t, ca, limits{}).post(t, "https://"+s.Addr())
			if !errors.As(got.err, new(*tls.CertificateVerificationError)) || !tt.want(got.err) {
				t.Errorf("error %v: not the fault of that name", got.err)
			}
			if n := len(s.Requests()); n != 0 {
				t.Errorf("%d requests, want none", n)
			}
			if n := s.Connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

func TestRequestsAreRecordedExactly(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	s := hostile.New(t, hostile.Options{IP: "127.0.0.2", Certificate: ca.Issue("127.0.0.2")})
	c := newClient(t, ca, limits{})
	for _, target := range []string{"/a%2Fb;c?x=1&y", "/second"} {
		if got := c.post(t, "https://"+s.Addr()+target); got.err != nil {
			t.Fatal(got.err)
		}
	}
	all, err := s.Wait(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Conn                          int
		Line, Host, ContentType, Body string
	}
	var got []seen
	for _, r := range all {
		got = append(got, seen{r.Conn, r.Line, r.Host, r.Header.Get("Content-Type"), string(r.Body)})
	}
	want := []seen{
		{1, "POST /a%2Fb;c?x=1&y HTTP/1.1", s.Addr(), "application/json", payload},
		{1, "POST /second HTTP/1.1", s.Addr(), "application/json", payload},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if conns, h := s.Connections(), s.Handshakes(); conns != 1 || h != 1 {
		t.Errorf("%d connections, %d handshakes, want one of each: the connection is kept", conns, h)
	}
}

func TestScriptGoesStepByStep(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	script := []hostile.Behavior{hostile.Status(503), hostile.CloseOnAccept(), hostile.Status(429), hostile.ResetBeforeHeaders(), hostile.ResetHandshake()}
	s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Script: script, Then: hostile.Status(202)})
	c := newClient(t, ca, limits{})
	var got []int
	for range 7 {
		got = append(got, c.post(t, "https://"+s.Addr()).status)
	}
	if diff := cmp.Diff([]int{503, 0, 429, 0, 0, 202, 202}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if n := len(s.Requests()); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

func TestCloseEndsEveryBehavior(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	for _, b := range []hostile.Behavior{hostile.HangBeforeHeaders(), hostile.HangBody(200), hostile.EndlessBody(200), hostile.SlowBody(200, 1<<40), hostile.SlowHeaders(1 << 40), hostile.EndlessInformational(1 << 40)} {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Then: b})
			tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
			defer tr.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Addr(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				if resp, err := tr.RoundTrip(r); err == nil {
					defer resp.Body.Close()
					buf := make([]byte, 1<<10)
					for err == nil {
						_, err = resp.Body.Read(buf)
					}
				}
			})
			if _, err := s.Wait(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			s.Close() // the test would time out if this waited for the behavior
			wg.Wait()
		})
	}
}

func TestCloseEndsAHangingHandshake(t *testing.T) {
	t.Parallel()
	s := hostile.New(t, hostile.Options{Certificate: hostile.SelfSigned(t, "127.0.0.1"), Then: hostile.HangHandshake()})
	conn, err := net.Dial("tcp4", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	s.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes, want the end", n)
	}
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want context.Canceled", err)
	}
	s.Close()
	if _, err := s.Wait(t.Context(), 1); !errors.Is(err, hostile.ErrClosed) {
		t.Errorf("Wait = %v, want ErrClosed", err)
	}
}

func TestCounter(t *testing.T) {
	t.Parallel()
	c := hostile.NewCounter(t, "127.0.0.3", 0)
	for want := range 4 {
		if got := c.Connections(); got != want {
			t.Fatalf("Connections = %d, want %d", got, want)
		}
		conn, err := net.Dial("tcp4", c.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}

// Rule: SamePort listens on one port of each address, and a Server and a Counter use them.
func TestSamePort(t *testing.T) {
	t.Parallel()
	both := hostile.SamePort(t, "127.0.0.2", "127.0.0.3")
	s := hostile.New(t, hostile.Options{Listener: both[0], Certificate: hostile.SelfSigned(t, "localhost")})
	c := hostile.Watch(t, both[1])
	if s.Port() == 0 || s.Port() != c.Port() || s.Addr() == c.Addr() {
		t.Errorf("%s and %s, want one port of two addresses", s.Addr(), c.Addr())
	}
}
