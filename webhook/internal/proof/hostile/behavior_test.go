package hostile_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func contains(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

// Faults without a status for the sender.
func TestFaultsWithoutAStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		b        hostile.Behavior
		requests int // requests that reach the server
		limits   limits
		want     func(error) bool
	}{
		{hostile.CloseOnAccept(), 0, limits{}, is(io.EOF, syscall.ECONNRESET, syscall.EPIPE)},
		{hostile.ResetOnAccept(), 0, limits{}, is(syscall.ECONNRESET, syscall.EPIPE)},
		{hostile.HangHandshake(), 0, limits{handshake: short}, contains("TLS handshake timeout")},
		{hostile.ResetHandshake(), 0, limits{}, is(syscall.ECONNRESET)},
		{hostile.AlertHandshake(), 0, limits{}, contains("tls: handshake failure")},
		{hostile.PlainHTTP(), 0, limits{}, contains("first record does not look like a TLS handshake")},
		{hostile.CloseBeforeHeaders(), 1, limits{}, is(io.EOF)},
		{hostile.ResetBeforeHeaders(), 1, limits{}, is(syscall.ECONNRESET)},
		{hostile.HangBeforeHeaders(), 1, limits{header: short}, isTimeout},
		{hostile.SlowHeaders(10 * time.Millisecond), 1, limits{header: short}, isTimeout},
		{hostile.BigHeaders(80 << 10), 1, limits{}, contains("server response headers exceeded 65536 bytes")},
		{hostile.EndlessHeaders(), 1, limits{}, contains("server response headers exceeded 65536 bytes")},
		{hostile.EndlessInformational(0), 1, limits{}, contains("server response headers exceeded 65536 bytes")},
		{hostile.EndlessInformational(10 * time.Millisecond), 1, limits{header: short}, isTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.b.Name, func(t *testing.T) {
			t.Parallel()
			ca := hostile.NewAuthority(t)
			s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Script: hostile.Repeat(1, tt.b)})
			got := newClient(t, ca, tt.limits).post(t, "https://"+s.Addr())
			if got.err == nil || !tt.want(got.err) {
				t.Errorf("status %d, error %v: not the fault of that name", got.status, got.err)
			}
			if all, err := s.Wait(t.Context(), tt.requests); err != nil || len(all) != tt.requests {
				t.Errorf("the server read %d requests, %v; want %d", len(all), err, tt.requests)
			}
			if got := newClient(t, ca, limits{}).post(t, "https://"+s.Addr()); got.err != nil || got.status != 200 {
				t.Errorf("after the script: status %d, %v; want 200", got.status, got.err)
			}
			if n := s.Connections(); n != 2 {
				t.Errorf("%d connections, want one for each attempt", n)
			}
		})
	}
}

func TestMalformedAnswers(t *testing.T) {
	t.Parallel()
	for _, b := range hostile.Malformed() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			ca := hostile.NewAuthority(t)
			s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Then: b})
			if got := newClient(t, ca, limits{}).post(t, "https://"+s.Addr()); got.err == nil {
				t.Errorf("net/http takes it for status %d", got.status)
			} else if isTimeout(got.err) || errors.Is(got.err, syscall.ECONNRESET) {
				t.Errorf("%v: want an error about what was read", got.err)
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// Faults after the status: it counts for any body.
func TestFaultsOfTheBody(t *testing.T) {
	t.Parallel()
	none := func(err error) bool { return err == nil }
	tests := []struct {
		make func(code int) hostile.Behavior
		body func(n int) bool
		lim  limits
		want func(error) bool
	}{
		{hostile.ResetMidBody, func(n int) bool { return n == 10 }, limits{}, is(syscall.ECONNRESET)},
		{hostile.CutBody, func(n int) bool { return n == 10 }, limits{}, is(io.ErrUnexpectedEOF)},
		{func(c int) hostile.Behavior { return hostile.SlowBody(c, 10*time.Millisecond) }, func(n int) bool { return n < 100 }, limits{body: short}, is(errSlow)},
		{hostile.HangBody, func(n int) bool { return n == 0 }, limits{body: short}, is(errSlow)},
		{hostile.EndlessBody, func(n int) bool { return n == 64<<10 }, limits{}, none},
		{hostile.BrokenChunk, func(n int) bool { return n == 5 }, limits{}, contains("invalid byte in chunk length")},
		{hostile.GzipBomb, func(n int) bool { return n > 32<<10 && n <= 64<<10 }, limits{}, none},
	}
	for _, tt := range tests {
		for _, code := range []int{200, 503} {
			b := tt.make(code)
			t.Run(b.Name, func(t *testing.T) {
				t.Parallel()
				ca := hostile.NewAuthority(t)
				s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Then: b})
				got := newClient(t, ca, tt.lim).post(t, "https://"+s.Addr())
				if got.err != nil || got.status != code {
					t.Fatalf("status %d, %v; want %d", got.status, got.err, code)
				}
				if !tt.body(got.body) || !tt.want(got.bodyErr) {
					t.Errorf("%d bytes of body, then %v: not the fault of that name", got.body, got.bodyErr)
				}
			})
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		b      hostile.Behavior
		status int
		header http.Header
	}{
		{hostile.Status(200), 200, nil},
		{hostile.Status(204), 204, nil},
		{hostile.Status(304), 304, nil},
		{hostile.Status(307, hostile.Location("https://127.0.0.2/")), 307, http.Header{"Location": {"https://127.0.0.2/"}}},
		{hostile.Status(429, hostile.RetryAfter("Fri, 31 Dec 9999 23:59:59 GMT")), 429, http.Header{"Retry-After": {"Fri, 31 Dec 9999 23:59:59 GMT"}}},
		{hostile.Status(503, hostile.RetryAfter("-1")), 503, http.Header{"Retry-After": {"-1"}}},
		{hostile.Status(599), 599, nil},
		{hostile.Status(600), 600, nil},
		{hostile.Status(999), 999, nil},
		{hostile.Answer(401, "who are you"), 401, nil},
		{hostile.Informational(100, 102, 103), 200, nil},
		{hostile.SwitchingProtocols(), 101, nil},
		{hostile.EarlyAnswer(413), 413, nil},
	}
	for _, tt := range tests {
		t.Run(tt.b.Name, func(t *testing.T) {
			t.Parallel()
			ca := hostile.NewAuthority(t)
			s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Then: tt.b})
			var l limits
			if tt.status == 101 {
				l.body = short // the body ends with the connection
			}
			got := newClient(t, ca, l).post(t, "https://"+s.Addr())
			if got.err != nil || got.status != tt.status {
				t.Fatalf("status %d, %v; want %d", got.status, got.err, tt.status)
			}
			for name, want := range tt.header {
				if v := got.header.Values(name); len(v) != 1 || v[0] != want[0] {
					t.Errorf("%s = %q, want %q", name, v, want)
				}
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// endlessReader blocks after its first bytes until it is closed.
type endlessReader struct {
	first  io.Reader
	closed chan struct{}
}

func (r *endlessReader) Read(p []byte) (int, error) {
	if n, err := r.first.Read(p); n > 0 || err == nil {
		return n, nil
	}
	<-r.closed
	return 0, io.ErrClosedPipe
}

func (r *endlessReader) Close() error {
	select {
	case <-r.closed:
	default:
		close(r.closed)
	}
	return nil
}

func TestEarlyAnswerDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Then: hostile.EarlyAnswer(413)})
	body := &endlessReader{first: strings.NewReader("x"), closed: make(chan struct{})}
	defer body.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Addr(), body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 1 << 20
	if got := newClient(t, ca, limits{}).do(r); got.err != nil || got.status != 413 {
		t.Errorf("status %d, %v; want 413 while the body is still being sent", got.status, got.err)
	}
}

func TestResetOnReuse(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Script: hostile.Repeat(1, hostile.ResetOnReuse())})
	c := newClient(t, ca, limits{})
	var errs []error
	for range 3 {
		errs = append(errs, c.post(t, "https://"+s.Addr()).err)
	}
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("errors %v; want the second request alone to fail", errs)
	}
	if n, conns := len(s.Requests()), s.Connections(); n != 2 || conns != 2 {
		t.Errorf("%d requests on %d connections, want 2 on 2", n, conns)
	}
}

func TestCloseIdle(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t)
	s := hostile.New(t, hostile.Options{Certificate: ca.Issue("127.0.0.1"), Then: hostile.CloseIdle()})
	c := newClient(t, ca, limits{})
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.do(r); got.err != nil || got.status != 200 || got.header.Get("Connection") != "" {
			t.Fatalf("status %d, %v, Connection %q; want an answer that promises more", got.status, got.err, got.header.Get("Connection"))
		}
	}
	if n := s.Connections(); n != 2 {
		t.Errorf("%d connections, want a new one for the second request", n)
	}
}
