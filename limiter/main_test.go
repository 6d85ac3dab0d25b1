package limiter_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/leak"
	"github.com/postrider/postrider/limiter"
)

// TestMain fails the run when goroutines are left behind.
func TestMain(m *testing.M) { leak.Main(m) }

func newLimiter(tb testing.TB, o *limiter.Options) *limiter.Limiter {
	tb.Helper()
	l, err := limiter.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// patience bounds the wait for a slot that is free or soon becomes free, so that a faulty
// limiter fails the test instead of hanging it. In a bubble of synctest the wait takes no
// time.
const patience = time.Minute

// reserve takes n slots, and frees unused ones at the end of the test.
func reserve(tb testing.TB, l *limiter.Limiter, n int) *limiter.Grant {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g, err := l.Reserve(ctx, n)
	if err != nil {
		tb.Fatalf("no slot of %d came free: %v", n, err)
	}
	if g.N() != n {
		tb.Fatalf("Reserve(%d) granted %d slots", n, g.N())
	}
	tb.Cleanup(g.Close)
	return g
}
