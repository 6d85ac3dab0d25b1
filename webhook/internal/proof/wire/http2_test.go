package wire_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// http2Server speaks HTTP/2. The test decides the treatment of the n-th request, counted from 1.
type http2Server struct {
	*httptest.Server
	mu    sync.Mutex
	conns int         // that are open
	seen  [][3]string // of each request: protocol, source, body
}

type connKey struct{}

func newHTTP2(t *testing.T, l *lab, do func(n int, w http.ResponseWriter, conn *net.TCPConn)) *http2Server {
	t.Helper()
	lis, err := net.Listen("tcp4", publicIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	return serveHTTP2(t, l, lis, do)
}

func serveHTTP2(t *testing.T, l *lab, lis net.Listener, do func(n int, w http.ResponseWriter, conn *net.TCPConn)) *http2Server {
	t.Helper()
	s := &http2Server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, [3]string{r.Proto, r.RemoteAddr, string(body)})
		n := len(s.seen)
		s.mu.Unlock()
		do(n, w, r.Context().Value(connKey{}).(*net.TCPConn))
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{l.ca.Issue(hookHost)}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c.(*tls.Conn).NetConn())
	}
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch state {
		case http.StateNew:
			s.conns++
		case http.StateClosed:
			s.conns--
		}
	}
	_ = s.Listener.Close()
	s.Listener = lis
	s.StartTLS()
	t.Cleanup(s.Close)
	l.opts = l.options(s.port())
	l.opts.HTTP2 = true
	return s
}

func (s *http2Server) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

func (s *http2Server) port() int { return s.Listener.Addr().(*net.TCPAddr).Port }

func (s *http2Server) requests() [][3]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// Rule: with HTTP/2 as with HTTP/1, a request on a used connection that has died is sent once more,
// on its own connection. A server that ends only the request has not died.
func TestRepeatHTTP2(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(n int, w http.ResponseWriter, c *net.TCPConn)
		want []string // of posts, one after the other
		made []bool   // by request at the server: on another connection than the one before
	}{
		{"reset while in use", func(n int, _ http.ResponseWriter, c *net.TCPConn) {
			if n == 2 {
				reset(c)
			}
		}, []string{"200", "200", "200"}, []bool{true, false, true, true}},
		{"closed while in use", func(n int, _ http.ResponseWriter, c *net.TCPConn) {
			if n == 2 {
				_ = c.Close()
			}
		}, []string{"200", "200"}, []bool{true, false, true}},
		{"reset again", func(n int, _ http.ResponseWriter, c *net.TCPConn) {
			if n == 2 || n == 3 {
				reset(c)
			}
		}, []string{"200", "protocol reset", "200"}, []bool{true, false, true, true}},
		{"reset of a fresh one", func(n int, _ http.ResponseWriter, c *net.TCPConn) {
			if n == 1 {
				reset(c)
			}
		}, []string{"protocol reset", "200"}, []bool{true, true}},
		{"stream reset", func(n int, _ http.ResponseWriter, c *net.TCPConn) {
			if n == 2 {
				panic(http.ErrAbortHandler)
			}
		}, []string{"200", "protocol reset", "200"}, []bool{true, false, false}},
		{"421", func(n int, w http.ResponseWriter, c *net.TCPConn) {
			if n == 2 || n == 4 || n == 5 {
				w.WriteHeader(421)
			}
		}, []string{"200", "200", "421"}, []bool{true, false, true, true, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := &lab{t: t, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}
			l.dns.Set(hookHost, hostile.Addrs(publicIP))
			s := newHTTP2(t, l, tt.do)
			by := l.transport()
			for i, want := range tt.want {
				got := post(t.Context(), by, s.port())
				if got == "protocol closed" && want == "protocol reset" {
					got = want // the reset may have overtaken the frame
				}
				if got != want {
					t.Errorf("request %d: %q, want %q", i+1, got, want)
				}
			}
			var made []bool
			last := ""
			for _, r := range s.requests() {
				proto, from, body := r[0], r[1], r[2]
				if proto != "HTTP/2.0" || body != message {
					t.Errorf("request %q", r)
				}
				made, last = append(made, from != last), from
			}
			if diff := cmp.Diff(tt.made, made); diff != "" {
				t.Errorf("requests on another connection (-want +got):\n%s", diff)
			}
		})
	}
}
