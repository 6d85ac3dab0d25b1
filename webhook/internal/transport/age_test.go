package transport

import (
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/hostile"
)

// Rule: a name that moves to another address is followed under steady traffic, without a request
// that fails, and what leads to the old address is closed.
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

// Rule: a connection whose time is up is closed when its request has been answered, not under it.
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
			hostile.Await(t, "the end of the connection's time", func() bool {
				by.kept.mu.Lock()
				defer by.kept.mu.Unlock()
				return by.kept.current == nil
			})
			if got := post(t.Context(), by, s.port()); got != "200" {
				t.Errorf("a request beside it: %s", got)
			}
			if all := s.requests(); all[0][1] == all[1][1] {
				t.Error("the request beside it went out on a connection whose time was up")
			}
			close(release)
			wg.Wait()
			if slow != "200" {
				t.Errorf("the request in flight: %s", slow)
			}
			hostile.Await(t, "the end of all connections", func() bool { return s.open() == 0 })
			if n := len(s.requests()); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Rule: a generation of connections lasts for its age, for ever without one, and its last request
// gives it back.
func TestPool(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		age  time.Duration
		want int
	}{"five minutes": {5 * time.Minute, 12}, "no limit": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				made := 0
				p := pool{age: tt.age, make: func() *http.Transport { made++; return &http.Transport{} }}
				held := p.take()
				for range 3600 {
					p.take().give()
					time.Sleep(time.Second)
				}
				if made != tt.want {
					t.Errorf("%d generations in an hour, want %d", made, tt.want)
				}
				if held.retired != (tt.age > 0) || held.inUse != 1 {
					t.Errorf("the first one: %+v", held)
				}
				held.give()
				p.retire(nil)
				p.retire(nil)
				if p.take().retired {
					t.Error("a generation that has ended was handed out")
				}
			})
		})
	}
}
