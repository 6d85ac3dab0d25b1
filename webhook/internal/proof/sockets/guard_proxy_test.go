package sockets_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// connectProxy is a forward proxy that connects every CONNECT to one address and records the
// requested one.
type connectProxy struct {
	lis    net.Listener
	to     string // "" answers 403
	conns  sync.WaitGroup
	mu     sync.Mutex
	asked  []string
	opened []net.Conn
}

func newConnectProxy(t *testing.T, to string) *connectProxy {
	t.Helper()
	lis, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &connectProxy{lis: lis, to: to}
	p.conns.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			p.keep(c)
			p.conns.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = lis.Close()
		p.mu.Lock()
		for _, c := range p.opened {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.conns.Wait()
	})
	return p
}

func (p *connectProxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened = append(p.opened, c)
}

func (p *connectProxy) serve(c net.Conn) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	if p.to == "" {
		_, _ = io.WriteString(c, "HTTP/1.1 403 "+bannerCanary+"\r\nContent-Length: 0\r\n\r\n")
		return
	}
	server, err := net.Dial("tcp4", p.to)
	if err != nil {
		return
	}
	p.keep(server)
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	p.conns.Go(func() {
		_, _ = io.Copy(server, c)
		_ = server.Close()
	})
	_, _ = io.Copy(c, server)
}

func (p *connectProxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *connectProxy) url() *url.URL { return &url.URL{Scheme: "http", Host: p.lis.Addr().String()} }

const inChild = "POSTRIDER_TEST_CHILD"

// Rule: proxies in the environment are ignored, because behind one the guard would see the proxy's
// address in place of the target's. The test needs its own process, because net/http reads the
// environment once.
func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	t.Parallel()
	if os.Getenv(inChild) != "" {
		n := newNetwork(t, hostile.Options{})
		h := n.host()
		w := h.add("one", at(n.url(hookHost)))
		if got := h.end(h.dispatch()); got != "delivered tries=1" {
			t.Error(got)
		}
		if a, err := h.hooks.Test(context.Background(), scope, w.ID); err != nil || !a.OK() {
			t.Errorf("test: %+v, %v", a, err)
		}
		return
	}
	watched := hostile.NewCounter(t, "127.0.0.1", 0)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), inChild+"=1", "NO_PROXY=", "no_proxy=")
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"} {
		child.Env = append(child.Env, name+"=http://"+watched.Addr())
	}
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	if c := watched.Connections(); c != 0 {
		t.Errorf("%d connections to the proxy", c)
	}
}

// Rule: a proxy is an explicit option, which includes the judge of the target's address: the proxy
// itself, or a look-up before each request in which every address must pass.
func TestProxyOption(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		check   webhook.ProxyCheck
		resolve hostile.Lookup
		deny    bool
		want    string
		asked   int
	}{
		{"by the proxy", webhook.ByProxy, hostile.Lookup{NotFound: true}, false, "delivered tries=1", 1}, // the proxy resolves the name
		{"the proxy refuses", webhook.ByProxy, hostile.Addrs(publicIP), true, "failed protocol exhausted tries=4", 4},
		{"by look-up", webhook.ByLookup, hostile.Addrs(publicIP), false, "delivered tries=1", 1},
		{"by look-up, forbidden", webhook.ByLookup, hostile.Addrs(forbiddenIP), false, "failed blocked_address tries=1", 0},
		{"by look-up, one of two forbidden", webhook.ByLookup, hostile.Addrs(publicIP, forbiddenIP), false, "failed blocked_address tries=1", 0},
		{"by look-up, not found", webhook.ByLookup, hostile.Lookup{NotFound: true}, false, "failed dns exhausted tries=4", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, hostile.Options{})
			n.dns.Set(hookHost, tt.resolve)
			to := n.server.Addr()
			if tt.deny {
				to = ""
			}
			proxy := newConnectProxy(t, to)
			n.opts.Proxy = &webhook.Proxy{URL: proxy.url(), AddressesCheckedBy: tt.check}
			h := n.host()
			h.add("one", at(n.url(hookHost)))
			sent := h.dispatch()
			if got := h.end(sent); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			asked := proxy.seen()
			if len(asked) != tt.asked {
				t.Errorf("the proxy was asked for %q, want %d times", asked, tt.asked)
			}
			for _, a := range asked {
				if want := fmt.Sprintf("CONNECT %s:%d", hookHost, n.server.Port()); a != want {
					t.Errorf("the proxy was asked for %q, want %q", a, want)
				}
			}
			if _, as := h.delivery(sent); tt.deny && as[0].Snippet != "" {
				t.Errorf("the proxy's words are shown: %q", as[0].Snippet)
			}
			n.wantUntouched()
		})
	}
}
