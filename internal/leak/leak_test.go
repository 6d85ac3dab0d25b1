package leak_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/postrider/postrider/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// Rule: bubbles of synctest may look names up, in any order.
func TestLookUps(t *testing.T) {
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			r := net.Resolver{PreferGo: true, Dial: refuse}
			if _, err := r.LookupHost(t.Context(), "hooks.invalid."); err == nil {
				t.Error("a name was found without a name server")
			}
		})
	}
}

// Rule: a goroutine that does not end is found, with its stack.
func TestLeft(t *testing.T) {
	stop := make(chan struct{})
	go forgotten(stop)
	stacks := leak.Left()
	close(stop)
	if !strings.Contains(stacks, "forgotten") {
		t.Errorf("the goroutine was not found in:\n%s", stacks)
	}
}

func forgotten(stop chan struct{}) { <-stop }
