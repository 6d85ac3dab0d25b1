package wire_test

import (
	"context"
	"net"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// Rule: a dialer of the host, for requests or for name servers, that panics or returns nothing is
// this side's fault, and the process goes on.
func TestDialersOfTheHost(t *testing.T) {
	t.Parallel()
	panics := func(context.Context, string, string) (net.Conn, error) { panic("dial-canary") }
	nothing := func(context.Context, string, string) (net.Conn, error) { return nil, nil }
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){"panics": panics, "nothing": nothing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{})
			l.opts.DialContext = dial
			if got := l.post(l.transport()); got != "egress local" {
				t.Errorf("DialContext: %s", got)
			}
			l.opts.DialContext, l.opts.Resolver = nil, &net.Resolver{PreferGo: true, Dial: dial}
			if got := l.post(l.transport()); got != "egress no_resolver" {
				t.Errorf("Resolver.Dial: %s", got)
			}
		})
	}
}
