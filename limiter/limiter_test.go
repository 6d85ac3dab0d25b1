package limiter_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/limiter"
)

func TestNew(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		o     *limiter.Options
		field string // "": valid
	}{
		{"nil", nil, ""},
		{"zero", &limiter.Options{}, ""},
		{"negative total", &limiter.Options{Total: -1}, "Total"},
		{"negative per key", &limiter.Options{PerKey: -1}, "PerKey"},
		{"per key above total", &limiter.Options{Total: 2, PerKey: 3}, "PerKey"},
		{"per key above the default total", &limiter.Options{PerKey: 65}, "PerKey"},
		{"default per key under a small total", &limiter.Options{Total: 1}, ""},
		{"per key alone", &limiter.Options{PerKey: 64}, ""},
		{"rate", &limiter.Options{Rate: 0.5}, ""},
		{"slowest and fastest", &limiter.Options{Rate: 1e6, Burst: 1e6}, ""},
		{"slowest", &limiter.Options{Rate: 1e-6, Burst: 1000}, ""},
		{"negative rate", &limiter.Options{Rate: -1}, "Rate"},
		{"tiny rate", &limiter.Options{Rate: 1e-7}, "Rate"},
		{"huge rate", &limiter.Options{Rate: 2e6}, "Rate"},
		{"rate not a number", &limiter.Options{Rate: math.NaN()}, "Rate"},
		{"infinite rate", &limiter.Options{Rate: math.Inf(1)}, "Rate"},
		{"burst that nothing enforces", &limiter.Options{Burst: 5}, "Burst"},
		{"negative burst", &limiter.Options{Rate: 1, Burst: -1}, "Burst"},
		{"huge burst", &limiter.Options{Rate: 1e6, Burst: 1e6 + 1}, "Burst"},
		{"burst that takes a lifetime", &limiter.Options{Rate: 1e-6, Burst: 1e6}, "Burst"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l, err := limiter.New(tc.o)
			switch {
			case tc.field == "" && (err != nil || l == nil):
				t.Errorf("New = %v, %v; want a limiter", l, err)
			case tc.field == "":
			case !errors.Is(err, limiter.ErrInvalid) || l != nil:
				t.Errorf("New = %v, %v; want ErrInvalid", l, err)
			case !strings.HasPrefix(err.Error(), "limiter: ") || !strings.Contains(err.Error(), tc.field):
				t.Errorf("error %q does not name the package and %s", err, tc.field)
			}
		})
	}
}

// TestOptionsAreCopied: a change of the Options after New has no effect.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	o := &limiter.Options{Total: 4, PerKey: 1}
	l := newLimiter(t, o)
	o.PerKey = 4
	g := reserve(t, l, 2)
	enter(t, g, "a")
	refuse(t, g, "a")
	if diff := cmp.Diff(&limiter.Options{Total: 4, PerKey: 4}, o); diff != "" {
		t.Errorf("New changed the caller's Options (-want +got):\n%s", diff)
	}
}

// enter must succeed.
func enter(t *testing.T, g *limiter.Grant, keys ...string) (leave func()) {
	t.Helper()
	leave, ok := g.Enter(keys...)
	if !ok {
		t.Fatalf("Enter(%q) was refused", keys)
	}
	return leave
}

// refuse expects Enter to be refused, with a leave function that does nothing.
func refuse(t *testing.T, g *limiter.Grant, keys ...string) {
	t.Helper()
	leave, ok := g.Enter(keys...)
	if ok {
		t.Fatalf("Enter(%q) was not refused", keys)
	}
	leave()
}

// TestNeverOver: a thousand goroutines never exceed the limits of a key or the
// total, and all enter.
func TestNeverOver(t *testing.T) {
	t.Parallel()
	const total, perKey, goroutines, rounds = 20, 3, 1000, 5
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	l := newLimiter(t, &limiter.Options{Total: total, PerKey: perKey})

	var inTotal, highTotal, entered atomic.Int64
	var in, high [10]atomic.Int64
	up := func(n, high *atomic.Int64) {
		now := n.Add(1)
		for h := high.Load(); now > h && !high.CompareAndSwap(h, now); h = high.Load() {
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for r := range rounds {
				g, err := l.Reserve(ctx, 1+i%3)
				if err != nil {
					t.Error(err)
					return
				}
				if g.N() > 1+i%3 {
					t.Errorf("Reserve(%d) granted %d", 1+i%3, g.N())
				}
				for n := range g.N() {
					a, b := (i+n)%10, (i*7+r)%10
					leave, ok := g.Enter(names[a], names[b])
					if !ok {
						continue
					}
					up(&inTotal, &highTotal)
					up(&in[a], &high[a])
					if a != b {
						up(&in[b], &high[b])
						in[b].Add(-1)
					}
					entered.Add(1)
					in[a].Add(-1)
					inTotal.Add(-1)
					leave()
					leave() // harmless
				}
				g.Close()
			}
		})
	}
	wg.Wait()

	if got := highTotal.Load(); got > total || got == 0 {
		t.Errorf("%d were inside at once, want 1 to %d", got, total)
	}
	for i := range high {
		if got := high[i].Load(); got > perKey || got == 0 {
			t.Errorf("key %s: %d were inside at once, want 1 to %d", names[i], got, perKey)
		}
	}
	if l.InFlight() != 0 || l.InUse("a") != 0 || l.Free() != total {
		t.Errorf("in the end %d are in flight and %d of %d slots are free", l.InFlight(), l.Free(), total)
	}
	if room, next := l.Room(time.Now()); room != nil || !next.IsZero() || l.Keys() != 0 {
		t.Errorf("in the end Room is %v, %v with %d keys, want nothing", room, next, l.Keys())
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	t.Run("takes up to most", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, &limiter.Options{Total: 5})
		reserve(t, l, 3)
		g, err := l.Reserve(context.Background(), 10)
		if err != nil || g.N() != 2 {
			t.Fatalf("Reserve(10) with 2 free granted %d, %v; want 2", g.N(), err)
		}
		g.Close()
	})
	t.Run("refuses less than one", func(t *testing.T) {
		t.Parallel()
		for _, most := range []int{0, -1} {
			g, err := newLimiter(t, nil).Reserve(context.Background(), most)
			if g != nil || !errors.Is(err, limiter.ErrInvalid) || !strings.Contains(err.Error(), "most") {
				t.Errorf("Reserve(%d) = %v, %v; want ErrInvalid that names most", most, g, err)
			}
		}
	})
	t.Run("context ended before", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, nil)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if g, err := l.Reserve(ctx, 1); g != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("Reserve = %v, %v; want context.Canceled", g, err)
		}
		if n := l.Free(); n != limiter.DefaultTotal {
			t.Errorf("%d slots are free, want all %d", n, limiter.DefaultTotal)
		}
	})
	t.Run("context ends while waiting", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(t, &limiter.Options{Total: 2})
			g := reserve(t, l, 2)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			start := time.Now()
			if _, err := l.Reserve(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Reserve: %v, want context.DeadlineExceeded", err)
			}
			if waited := time.Since(start); waited != time.Minute {
				t.Errorf("Reserve waited %v, want 1m", waited)
			}
			g.Close()
			if n := l.Free(); n != 2 {
				t.Errorf("%d slots are free, want 2", n)
			}
		})
	})
	t.Run("first come, first served", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(t, &limiter.Options{Total: 1})
			g := reserve(t, l, 1)
			var order []int
			for i := range 5 {
				go func() {
					g, err := l.Reserve(context.Background(), 1)
					if err != nil {
						t.Error(err)
						return
					}
					order = append(order, i)
					time.Sleep(time.Second)
					g.Close()
				}()
				synctest.Wait() // the caller waits in Reserve
			}
			g.Close()
			time.Sleep(time.Minute)
			synctest.Wait()
			if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, order); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("does not overtake", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(t, &limiter.Options{Total: 3})
			g := reserve(t, l, 3)
			leaves := []func(){enter(t, g), enter(t, g), enter(t, g)}
			var granted [2]int
			for i := range granted {
				go func() {
					g, err := l.Reserve(context.Background(), 3)
					if err != nil {
						t.Error(err)
						return
					}
					granted[i] = g.N()
					time.Sleep(time.Second)
					g.Close()
				}()
				synctest.Wait()
			}
			for _, leave := range leaves {
				leave()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if granted[0]+granted[1] > 3 || granted[0] < 1 || granted[1] < 1 {
				t.Errorf("two waited for 3 slots and got %v, want each at least one", granted)
			}
		})
	})
}
