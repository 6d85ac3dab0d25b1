package wire_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// testProxy is a proxy. serve decides the treatment of a connection.
type testProxy struct {
	lis   net.Listener
	serve func(p *testProxy, c net.Conn)
	to    string // target of tunnels
	wg    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   []net.Conn
	asked  []string
}

func newTestProxy(t *testing.T, to string, secure *tls.Config, serve func(*testProxy, net.Conn)) *testProxy {
	t.Helper()
	lis, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		lis = tls.NewListener(lis, secure)
	}
	p := &testProxy{lis: lis, serve: serve, to: to}
	p.wg.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			if p.track(c) {
				p.wg.Go(func() {
					defer c.Close()
					p.serve(p, c)
				})
			}
		}
	})
	t.Cleanup(p.stop)
	return p
}

func (p *testProxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.open = append(p.open, c)
	return true
}

// stop ends the proxy.
func (p *testProxy) stop() {
	_ = p.lis.Close()
	p.mu.Lock()
	p.closed = true
	for _, c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *testProxy) url(scheme string) *url.URL {
	return &url.URL{Scheme: scheme, Host: p.lis.Addr().String()}
}

func (p *testProxy) record(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, what)
}

func (p *testProxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// join connects a connection to the target.
func (p *testProxy) join(c net.Conn, from io.Reader) {
	target, err := net.Dial("tcp4", p.to)
	if err != nil || !p.track(target) {
		return
	}
	p.wg.Go(func() {
		_, _ = io.Copy(target, from)
		_ = target.Close()
	})
	_, _ = io.Copy(c, target)
}

// hush reads everything and writes nothing.
func hush(_ *testProxy, c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// answering reads a request and answers with a status, or forwards it for 200.
func answering(status string) func(*testProxy, net.Conn) {
	return func(p *testProxy, c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		p.record(r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization"))
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+" banner-canary\r\nContent-Length: 0\r\n\r\n")
		if strings.HasPrefix(status, "200") {
			p.join(c, in)
		}
	}
}

// only treats CONNECT with f and answers everything else.
func only(f func(*testProxy, net.Conn)) func(*testProxy, net.Conn) {
	return func(p *testProxy, c net.Conn) {
		first := make([]byte, len("CONNECT"))
		if _, err := io.ReadFull(c, first); err != nil {
			return
		}
		if string(first) == "CONNECT" {
			f(p, c)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
	}
}

// Rule: the failures of a proxy are distinguished from those of the target, some of which it
// reports.
func TestProxyFailures(t *testing.T) {
	t.Parallel()
	hangUp := func(*testProxy, net.Conn) {}
	text := func(s string) func(*testProxy, net.Conn) {
		return func(_ *testProxy, c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, s)
		}
	}
	tests := []struct {
		name  string
		serve func(*testProxy, net.Conn)
		want  string
		hangs bool
	}{
		{"works", answering("200"), "200", false},
		{"hangs up", hangUp, "egress proxy", false},
		{"resets", func(_ *testProxy, c net.Conn) { reset(c.(*net.TCPConn)) }, "egress proxy", false},
		{"says nothing", hush, "egress proxy", true},
		{"is another server", text("SSH-2.0-OpenSSH_9.9 banner-canary\r\n"), "egress proxy", false},
		{"has a header without end", func(p *testProxy, c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-Big: 0123456789\r\n", 100)); err != nil {
					return
				}
			}
		}, "egress proxy", false},
		{"speaks before the target may", text("HTTP/1.1 200 OK\r\n\r\nbanner-canary"), "egress proxy", false},
		{"wants credentials", answering("407"), "egress proxy_auth", false},
		{"knows no CONNECT", answering("405"), "egress proxy", false},
		{"has not implemented it", answering("501"), "egress proxy", false},
		{"redirects", answering("302"), "egress proxy", false},
		{"forbids the target", answering("403"), "protocol proxy_refused", false},
		{"forbids it by law", answering("451"), "protocol proxy_refused", false},
		{"cannot reach the target", answering("502"), "connect unreachable", false},
		{"cannot reach the target, 503", answering("503"), "connect unreachable", false},
		{"cannot reach the target, 500", answering("500"), "connect unreachable", false},
		{"knows no such target", answering("404"), "connect unreachable", false},
		{"target is too slow", answering("504"), "connect timeout", false},
		{"waits for the target", only(hush), "connect timeout", true},
		{"hangs up when the target does", only(hangUp), "connect closed", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{})
			p := newTestProxy(t, l.server.Addr(), nil, tt.serve)
			l.opts.Proxy = p.url("http")
			if tt.hangs {
				l.opts.Dial = short
			}
			if got := l.post(l.transport()); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Rule: a fault of the target behind a working proxy is the target's.
func TestTargetBehindProxy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		do   hostile.Behavior
		want string
	}{
		{hostile.ResetBeforeHeaders(), "protocol closed"}, // a proxy passes a reset on as an end
		{hostile.PlainHTTP(), "tls not_tls"},
		{hostile.AlertHandshake(), "tls handshake"},
		{hostile.Status(503), "503"},
	} {
		t.Run(tt.do.Name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{Then: tt.do})
			l.opts.Proxy = newTestProxy(t, l.server.Addr(), nil, answering("200")).url("http")
			if got := l.post(l.transport()); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Rule: an unreachable proxy of either protocol is this side's fault until it is back. The request
// to it has the target by name, and its credentials.
func TestProxyGoesAway(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{Script: hostile.Repeat(1, hostile.CloseIdle())})
			serve, secure := answering("200"), (*tls.Config)(nil)
			want := "CONNECT " + hookHost + ":" + l.port() + " Basic dXNlcjpwOnc="
			switch scheme {
			case "https":
				secure = &tls.Config{Certificates: []tls.Certificate{l.ca.Issue("127.0.0.1")}}
			case "socks5":
				serve = socksServer{user: "user", password: "p:w"}.serve
				want = "user p:w " + hookHost + ":" + l.port()
			}
			p := newTestProxy(t, l.server.Addr(), secure, serve)
			l.opts.Proxy = p.url(scheme)
			l.opts.Proxy.User = url.UserPassword("user", "p:w")
			by := l.transport()
			if got := l.post(by); got != "200" {
				t.Fatal(got)
			}
			if diff := cmp.Diff([]string{want}, p.requests()); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
			p.stop()
			for range 2 {
				if got := l.post(by); got != "egress proxy" {
					t.Errorf("without the proxy: %s", got)
				}
			}
			again, err := net.Listen("tcp4", p.lis.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if secure != nil {
				again = tls.NewListener(again, secure)
			}
			back := &testProxy{lis: again, to: p.to, serve: serve}
			t.Cleanup(back.stop)
			back.wg.Go(func() {
				if c, err := again.Accept(); err == nil && back.track(c) {
					back.serve(back, c)
				}
			})
			if got := l.post(by); got != "200" {
				t.Errorf("the proxy is back: %s", got)
			}
		})
	}
}

// Rule: nothing is sent to a proxy whose certificate does not verify, and one whose name has no
// address is no fault of the target.
func TestProxyThatIsNotTheOne(t *testing.T) {
	t.Parallel()
	l := newLab(t, hostile.Options{})
	p := newTestProxy(t, l.server.Addr(), &tls.Config{Certificates: []tls.Certificate{l.ca.Issue("other.example.com")}}, answering("200"))
	l.opts.Proxy = p.url("https")
	if got := l.post(l.transport()); got != "egress proxy" || len(p.requests()) != 0 {
		t.Errorf("another certificate: %s, asked for %q", got, p.requests())
	}
	l.opts.Proxy = &url.URL{Scheme: "http", Host: "proxy.example.com:3128"}
	if got := l.post(l.transport()); got != "egress proxy" {
		t.Errorf("unknown name: %s", got)
	}
}
