package wire_test

import (
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// Rule: a name that moves to another address is followed under steady traffic, without a failed
// request, and connections to the old address are closed.
func TestNameThatMoves(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP1", true: "HTTP2"}[http2], func(t *testing.T) {
			t.Parallel()
			var old, moved *http2Server
			l := &lab{t: t, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}
			ports := hostile.SamePort(t, publicIP, movedIP)
			old = serveHTTP2(t, l, ports[0], func(int, http.ResponseWriter, *net.TCPConn) {})
			moved = serveHTTP2(t, l, ports[1], func(int, http.ResponseWriter, *net.TCPConn) {})
			l.dns.Set(hookHost, hostile.Addrs(publicIP))
			l.opts.HTTP2, l.opts.MaxAge = http2, 20*time.Millisecond
			by := l.transport()
			send := func() {
				if got := post(t.Context(), by, old.port()); got != "200" {
					t.Errorf("a request failed: %s", got)
				}
			}
			send()
			l.dns.Set(hookHost, hostile.Addrs(movedIP))
			hostile.Await(t, "a request at the new address", func() bool {
				send()
				return len(moved.requests()) > 0
			})
			hostile.Await(t, "the end of what leads to the old one", func() bool { return old.open() == 0 })
		})
	}
}

// Rule: a connection at its greatest age is closed after its request has been answered, not before.
func TestAgeWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP1", true: "HTTP2"}[http2], func(t *testing.T) {
			t.Parallel()
			l := &lab{t: t, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}
			l.dns.Set(hookHost, hostile.Addrs(publicIP))
			arrived, release := make(chan bool), make(chan bool)
			s := newHTTP2(t, l, func(n int, w http.ResponseWriter, _ *net.TCPConn) {
				if n == 1 {
					arrived <- true
					<-release
				}
				_, _ = w.Write([]byte("ok"))
			})
			l.opts.HTTP2, l.opts.MaxAge = http2, time.Millisecond
			by := l.transport()
			var slow string
			var wg sync.WaitGroup
			wg.Go(func() { slow = post(t.Context(), by, s.port()) })
			<-arrived
			if n := s.open(); n != 1 {
				t.Errorf("%d connections are counted", n)
			}
			beside := 0
			hostile.Await(t, "a request beside it, on a connection of its own", func() bool {
				beside++
				if got := post(t.Context(), by, s.port()); got != "200" {
					t.Errorf("a request beside it: %s", got)
				}
				all := s.requests()
				return all[0][1] != all[len(all)-1][1]
			})
			close(release)
			wg.Wait()
			if slow != "200" {
				t.Errorf("the request in flight: %s", slow)
			}
			hostile.Await(t, "the end of all connections", func() bool { return s.open() == 0 })
			if n := len(s.requests()); n != 1+beside {
				t.Errorf("%d requests, want %d", n, 1+beside)
			}
		})
	}
}
