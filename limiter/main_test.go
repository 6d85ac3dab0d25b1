package limiter_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/postrider/postrider/limiter"
)

// TestMain fails the run when a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if code == 0 {
		if stacks := leaked(before); stacks != "" {
			fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", stacks)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked gives goroutines that are on their way out a moment to end.
func leaked(before int) string {
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

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
