package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// inGate makes dials through a gate that take the given times and end with err. It returns, after every
// dial has ended, the times at which they began, and how many did not begin.
func inGate(t *testing.T, took []time.Duration, err error, address func(i int) string, x func(i int) *Exchange) (began []time.Duration, refused int) {
	t.Helper()
	var mu sync.Mutex
	start := time.Now()
	g := gate{doors: make(map[string]*door)}
	var all sync.WaitGroup
	for i, d := range took {
		dial := g.around(func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			began = append(began, time.Since(start))
			mu.Unlock()
			time.Sleep(d)
			return nil, err
		})
		all.Go(func() {
			if _, err := dial(context.WithoutCancel(x(i)), "tcp", address(i)); errors.Is(err, errNotNeeded) {
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
		synctest.Wait()
	}
	all.Wait()
	if len(g.doors) != 0 {
		t.Errorf("%d doors are kept", len(g.doors))
	}
	return began, refused
}

// Rule: an address has gateWidth dials at a time. One that ends, or takes longer than gateTime, lets the
// next one begin. Other addresses do not wait.
func TestGate(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	one := func(int) string { return "hooks.example.com:443" }
	for _, tt := range []struct {
		name    string
		dials   int
		takes   time.Duration
		err     error
		address func(i int) string
		last    time.Duration
	}{
		{"as many as fit", gateWidth, 10 * ms, net.ErrClosed, one, 0},
		{"one more waits for the first", gateWidth + 1, 10 * ms, net.ErrClosed, one, 10 * ms},
		{"failures", 3 * gateWidth, 10 * ms, net.ErrClosed, one, 20 * ms},
		{"successes", 3 * gateWidth, 10 * ms, nil, one, 20 * ms},
		{"hanging ones", 3 * gateWidth, time.Minute, net.ErrClosed, one, 2 * gateTime},
		{"other addresses", 3 * gateWidth, time.Minute, net.ErrClosed, func(i int) string { return []string{"a:443", "b:443", "c:443"}[i%3] }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				took := slices.Repeat([]time.Duration{tt.takes}, tt.dials)
				began, _ := inGate(t, took, tt.err, tt.address, func(int) *Exchange { return Begin(t.Context(), nil) })
				if len(began) != tt.dials || began[len(began)-1] != tt.last {
					t.Errorf("%d dials, the last one after %v; want %d, %v", len(began), began[len(began)-1], tt.dials, tt.last)
				}
			})
		})
	}
}

// Rule: a request that has found another connection meanwhile, or is over, is not dialled for. One that
// lost its first connection is.
func TestGate_notNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took := make([]time.Duration, gateWidth+3)
		for i := range gateWidth {
			took[i] = 10 * time.Millisecond
		}
		ended, cancel := context.WithCancel(t.Context())
		xs := make([]*Exchange, len(took))
		for i := range xs {
			xs[i] = Begin(t.Context(), nil)
		}
		xs[gateWidth+1] = Begin(ended, nil)
		xs[gateWidth+2].connections.Add(1)
		time.AfterFunc(5*time.Millisecond, func() {
			cancel()
			xs[gateWidth].connections.Add(1)
		})
		began, refused := inGate(t, took, net.ErrClosed, func(int) string { return "a:443" }, func(i int) *Exchange { return xs[i] })
		if len(began) != gateWidth+1 || refused != 2 {
			t.Errorf("%d dials and %d refused, want %d and 2", len(began), refused, gateWidth+1)
		}
	})
}

// pipes is a listener of connections in memory.
type pipes struct {
	made   chan net.Conn
	closed func()
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.made
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error   { p.closed(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// Rule: requests that come at once to a server of HTTP/2 share the first connections, and none is
// opened for each of them.
func TestGate_sharedConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := make(chan net.Conn)
		listener := &pipes{made, sync.OnceFunc(func() { close(made) })}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		_ = s.Listener.Close()
		s.Listener, s.EnableHTTP2 = listener, true
		s.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		var dials atomic.Int32
		to := New(Options{HTTP2: true, RootCAs: roots, MaxIdle: 300, MaxIdlePerHost: 300, Dial: time.Minute, TLS: time.Minute,
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				dials.Add(1)
				time.Sleep(10 * time.Millisecond)
				client, server := net.Pipe()
				listener.made <- server
				return client, nil
			}})
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				x := Begin(t.Context(), nil)
				req := x.Request()
				req.Method, req.Header, req.URL = http.MethodPost, http.Header{}, &url.URL{Scheme: "https", Host: "example.com", Path: "/"}
				resp, err := to.Send(x, req)
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // dials that no request waits for end
		to.CloseIdleConnections()
		time.Sleep(time.Minute)
		s.Close()
		if n := dials.Load(); n > 100 { // some begin before the first one is known
			t.Errorf("%d connections for 200 requests, want at most 100", n)
		}
	})
}
