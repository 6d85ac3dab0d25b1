package wire_test

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// Rule: an unresolved name is the name's fault as long as a name server answers anything, and this
// side's when none does.
func TestNameServers(t *testing.T) {
	t.Parallel()
	closed := func(l *lab) {
		lis, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer lis.Close()
		l.opts.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, lis.LocalAddr().String())
		}}
	}
	dumb := func(l *lab) {
		l.dns.Set(hookHost, hostile.Lookup{Silent: true})
		l.dns.Set("", hostile.Lookup{Silent: true})
	}
	no := func(l *lab) {
		l.opts.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, os.NewSyscallError("connect", syscall.ENETUNREACH)
		}}
	}
	set := func(answer hostile.Lookup) func(*lab) { return func(l *lab) { l.dns.Set(hookHost, answer) } }
	tests := []struct {
		name  string
		set   func(*lab)
		want  string
		hangs bool
	}{
		{"not found", set(hostile.Lookup{NotFound: true}), "dns no_such_host", false},
		{"no addresses", set(hostile.Lookup{}), "dns no_such_host", false},
		{"server failure", set(hostile.Lookup{ServerFailure: true}), "dns dns_server", false},
		{"silent about this name", set(hostile.Lookup{Silent: true}), "dns dns_timeout", true},
		{"silent about all names", dumb, "egress no_resolver", true},
		{"nothing listens", closed, "egress no_resolver", false},
		{"no way to it", no, "egress no_resolver", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{})
			tt.set(l)
			if tt.hangs {
				l.opts.Dial = short
			}
			by := l.transport()
			if got := l.post(by); got != tt.want {
				t.Errorf("a request: %s, want %s", got, tt.want)
			}
			if got := outcome(nil, by.Lookup(t.Context(), hookHost)); got != tt.want {
				t.Errorf("a look-up: %s, want %s", got, tt.want)
			}
			if n := l.server.Connections(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// Rule: many requests that fail at once probe the name server once.
func TestNameServerIsAskedOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, hostile.Options{})
	l.dns.Set(hookHost, hostile.Lookup{ServerFailure: true})
	by := l.transport()
	for range 5 {
		if got := l.post(by); got != "dns dns_server" {
			t.Error(got)
		}
	}
	root := 0
	for _, q := range l.dns.Queries() {
		if q.Name == "" {
			root++
		}
	}
	if root != 1 {
		t.Errorf("%d questions for the root", root)
	}
}
