package hostile

import (
	"context"
	"testing"
	"time"
)

// Await returns once done returns true, and fails the test when that takes longer than on a busy
// machine.
func Await(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("still waiting for %s", what)
		}
	}
}
