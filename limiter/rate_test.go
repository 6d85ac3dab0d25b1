package limiter_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/limiter"
)

// pass enters and leaves until Enter refuses, and returns how often it entered. A limiter
// that never refuses fails the test at once: no case allows more than a thousand.
func pass(t *testing.T, l *limiter.Limiter, key string) (n int) {
	t.Helper()
	for ; n <= 1000; n++ {
		g := reserve(t, l, 1)
		leave, ok := g.Enter(key)
		leave()
		g.Close()
		if !ok {
			return n
		}
	}
	t.Fatalf("%q: more than 1000 entered at once: the rate has no effect", key)
	return n
}

// hold enters until Enter refuses, leaves, and returns how many were inside. The Grant
// must have more slots than the key may take.
func hold(t *testing.T, g *limiter.Grant, key string) (n int) {
	t.Helper()
	var leaves []func()
	for range g.N() {
		leave, ok := g.Enter(key)
		if !ok {
			break
		}
		leaves = append(leaves, leave)
	}
	for _, leave := range leaves {
		leave()
	}
	return len(leaves)
}

func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &limiter.Options{Rate: 2, Burst: 3})
		start := time.Now()
		if n := pass(t, l, "a"); n != 3 {
			t.Errorf("%d of a burst of 3", n)
		}
		wantRoom(t, l, start, map[string]int{"a": 0}, start.Add(500*time.Millisecond))
		if n := pass(t, l, "b"); n != 3 {
			t.Errorf("another key: %d of a burst of 3", n)
		}

		time.Sleep(500*time.Millisecond - 1)
		if n := pass(t, l, "a"); n != 0 {
			t.Errorf("%d came early", n)
		}
		time.Sleep(time.Nanosecond)
		wantRoom(t, l, time.Now(), map[string]int{"a": 1, "b": 1}, start.Add(time.Second))
		if n := pass(t, l, "a"); n != 1 {
			t.Errorf("%d after half a second at 2 per second, want 1", n)
		}

		time.Sleep(750 * time.Millisecond)
		if n := pass(t, l, "a"); n != 1 {
			t.Errorf("%d after three quarters of a second, want 1", n)
		}
		time.Sleep(250 * time.Millisecond) // the half token was kept
		if n := pass(t, l, "a"); n != 1 {
			t.Errorf("%d after another quarter, want 1", n)
		}

		time.Sleep(time.Hour) // no more than the burst accumulates
		if n := pass(t, l, "a"); n != 3 {
			t.Errorf("%d after an hour, want 3", n)
		}
		for range 100 {
			time.Sleep(500 * time.Millisecond)
			if n := pass(t, l, "a"); n != 1 {
				t.Fatalf("%d in half a second, want 1", n)
			}
		}
	})
}

// TestRateBeforeSlots: the scarcer of rate and slots decides, and only a shortage
// of the rate ends with time.
func TestRateBeforeSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &limiter.Options{PerKey: 4, Rate: 1, Burst: 2})
		g := reserve(t, l, 10)
		start := time.Now()
		enter(t, g, "a")
		wantRoom(t, l, start, map[string]int{"a": 1}, start.Add(time.Second))

		time.Sleep(time.Second) // full again: no time brings more
		wantRoom(t, l, time.Now(), map[string]int{"a": 2}, time.Time{})

		enter(t, g, "a")
		time.Sleep(time.Minute)
		enter(t, g, "a")
		enter(t, g, "a") // slots used up, as are the tokens
		wantRoom(t, l, time.Now(), map[string]int{"a": 0}, time.Time{})
	})
}

func TestBurst(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		rate  float64
		burst int
		want  int
	}{
		{"default: one second's worth", 10, 0, 10},
		{"default: rounded up", 2.5, 0, 3},
		{"default: at least one", 0.01, 0, 1},
		{"smaller than the rate", 10, 2, 2},
		{"slowest", 1e-6, 1000, 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for way, o := range map[string]*limiter.Options{
					"Options": {Rate: tc.rate, Burst: tc.burst},
					"Limits":  {Limits: func(string) (int, float64, int) { return 0, tc.rate, tc.burst }},
				} {
					if got := pass(t, newLimiter(t, o), "a"); got != tc.want {
						t.Errorf("%s: %d at once, want %d", way, got, tc.want)
					}
				}
			})
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &limiter.Options{Total: 10, PerKey: 2, Rate: 1, Burst: 4, Limits: func(key string) (int, float64, int) {
			switch key {
			case "few":
				return 1, 0, 0
			case "many":
				return 99, -1, 0
			case "negative":
				return -1, math.NaN(), -1
			case "slow":
				return 0, 1e-9, 1e9
			case "fast":
				return 0, math.Inf(1), 7
			}
			return 0, 0, 0
		}})
		for _, tc := range []struct {
			key          string
			slots, burst int
		}{
			{"default", 2, 4},
			{"few", 1, 4},
			{"many", 10, math.MaxInt},
			{"negative", 2, math.MaxInt},
			{"slow", 2, 1000},
			{"fast", 2, 7},
		} {
			g := reserve(t, l, 10)
			inside := hold(t, g, tc.key)
			if inside != tc.slots {
				t.Errorf("%s: %d slots, want %d", tc.key, inside, tc.slots)
			}
			g.Close()
			if tc.burst == math.MaxInt {
				l.Room(time.Now())
				if n := l.Keys(); n > 3 { // default, few and slow have a rate
					t.Errorf("%s: %d keys are remembered: it should have no rate", tc.key, n)
				}
			} else if got := inside + pass(t, l, tc.key); got != tc.burst {
				t.Errorf("%s: burst of %d, want %d", tc.key, got, tc.burst)
			}
		}
	})
}

// TestLimitsPanic: after a panic of the callback no slot is taken and no lock held.
func TestLimitsPanic(t *testing.T) {
	t.Parallel()
	broken := true
	l := newLimiter(t, &limiter.Options{Limits: func(key string) (int, float64, int) {
		if broken && key == "b" {
			panic("no such key")
		}
		return 1, 0, 0
	}})
	g := reserve(t, l, 2)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of Limits was swallowed")
			}
		}()
		g.Enter("a", "b")
	}()
	if l.InUse("a") != 0 || l.InFlight() != 0 {
		t.Errorf("%d in the key and %d in flight, want 0", l.InUse("a"), l.InFlight())
	}
	broken = false
	enter(t, g, "a", "b")
	enter(t, g, "c")
}
