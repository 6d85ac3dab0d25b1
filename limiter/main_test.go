package limiter_test

import (
	"context"
	"testing"

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

// reserve takes n slots and gives back at the end those that were not used.
func reserve(tb testing.TB, l *limiter.Limiter, n int) *limiter.Grant {
	tb.Helper()
	g, err := l.Reserve(context.Background(), n)
	if err != nil {
		tb.Fatal(err)
	}
	if g.N() != n {
		tb.Fatalf("Reserve(%d) granted %d slots", n, g.N())
	}
	tb.Cleanup(g.Close)
	return g
}
