package limiter_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/limiter"
)

// wantRoom checks Room at now, which is also the time of the bubble.
func wantRoom(t *testing.T, l *limiter.Limiter, now time.Time, want map[string]int, next time.Time) {
	t.Helper()
	room, gotNext := l.Room(now)
	if diff := cmp.Diff(want, room); diff != "" {
		t.Errorf("Room (-want +got):\n%s", diff)
	}
	if !gotNext.Equal(next) {
		t.Errorf("next is %v, want %v", gotNext, next)
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &limiter.Options{PerKey: 3})
		now, never := time.Now(), time.Time{}
		wantRoom(t, l, now, nil, never)

		g := reserve(t, l, 20)
		enter(t, g, "one")
		enter(t, g, "full")
		enter(t, g, "full")
		leave := enter(t, g, "full")
		wantRoom(t, l, now, map[string]int{"one": 2, "full": 0}, never)

		leave()
		wantRoom(t, l, now, map[string]int{"one": 2, "full": 1}, never)

		l.Pause("one", now.Add(time.Minute))
		l.Pause("idle", now.Add(time.Second))
		wantRoom(t, l, now, map[string]int{"one": 0, "full": 1, "idle": 0}, now.Add(time.Second))

		// Room for a later time changes nothing.
		wantRoom(t, l, now.Add(time.Second), map[string]int{"one": 0, "full": 1}, now.Add(time.Minute))
		wantRoom(t, l, now.Add(time.Hour), map[string]int{"one": 2, "full": 1}, never)
		wantRoom(t, l, now, map[string]int{"one": 0, "full": 1, "idle": 0}, now.Add(time.Second))

		l.Cap("full", 2)
		l.Cap("idle", 1)
		time.Sleep(time.Second)
		wantRoom(t, l, time.Now(), map[string]int{"one": 0, "full": 0, "idle": 1}, now.Add(time.Minute))
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, nil)
		g := reserve(t, l, 20)
		start := time.Now()
		inside := enter(t, g, "a")

		l.Pause("a", start.Add(time.Minute))
		refuse(t, g, "a")
		refuse(t, g, "b", "a")
		enter(t, g, "b")
		inside() // entered work can leave
		refuse(t, g, "a")

		l.Pause("a", start.Add(time.Second)) // not shortened
		l.Pause("a", start.Add(-time.Hour))
		time.Sleep(time.Minute - 1)
		refuse(t, g, "a")
		time.Sleep(time.Nanosecond)
		enter(t, g, "a")

		now := time.Now()
		l.Pause("a", now.Add(time.Minute))
		l.Pause("a", now.Add(2*time.Minute)) // made longer
		time.Sleep(time.Minute)
		refuse(t, g, "a")

		l.Pause("a", time.Time{}) // lifted
		enter(t, g, "a")
		l.Pause("unknown", time.Time{})
		l.Pause("unknown", now)
		enter(t, g, "unknown")
	})
}

func TestCap(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &limiter.Options{PerKey: 4})
	g := reserve(t, l, 30)
	for _, tc := range []struct{ n, want int }{{1, 1}, {2, 2}, {4, 4}, {1, 1}, {0, 4}, {-1, 4}, {99, 4}} {
		l.Cap("a", tc.n)
		if got := hold(t, g, "a"); got != tc.want {
			t.Errorf("after Cap(%d) %d entered, want %d", tc.n, got, tc.want)
		}
	}

	leaves := []func(){enter(t, g, "b"), enter(t, g, "b"), enter(t, g, "b")}
	l.Cap("b", 2) // below what is inside
	refuse(t, g, "b")
	leaves[0]()
	refuse(t, g, "b")
	leaves[1]()
	enter(t, g, "b")
	refuse(t, g, "b")
	if l.InUse("b") != 2 || l.InUse("unknown") != 0 {
		t.Errorf("InUse = %d and %d, want 2 and 0", l.InUse("b"), l.InUse("unknown"))
	}
}

// TestForgetting: Room and new keys forget idle keys.
func TestForgetting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &limiter.Options{Rate: 1, Burst: 1})
		forgotten := func(step string, want int) {
			t.Helper()
			l.Room(time.Now())
			if got := l.Keys(); got != want {
				t.Errorf("%s: %d keys are remembered, want %d", step, got, want)
			}
		}
		g := reserve(t, l, 20)
		leave := enter(t, g, "a", "b")
		refuse(t, g, "c", "a")
		forgotten("two are in use, one was only asked for", 2)
		time.Sleep(time.Minute)
		forgotten("still in use", 2)
		leave()
		forgotten("left, buckets full", 0)

		enter(t, g, "a")()
		forgotten("left, bucket not full", 1)
		time.Sleep(time.Second)
		forgotten("bucket full again", 0)

		l.Pause("a", time.Now().Add(time.Second))
		l.Pause("b", time.Now().Add(time.Second))
		l.Pause("b", time.Time{})
		forgotten("one is paused, one was lifted", 1)
		time.Sleep(time.Second)
		forgotten("pause over", 0)

		l = newLimiter(t, nil)
		l.Cap("a", 1)
		forgotten("capped", 1)
		l.Cap("a", 4)
		forgotten("cap at the configured number", 0)
		l.Cap("a", 1)
		l.Cap("a", 0)
		l.Cap("unknown", 0)
		forgotten("cap lifted", 0)

		// Without calls of Room, new keys start sweeps of the idle ones.
		for i := range 10_000 {
			enter(t, reserve(t, l, 1), fmt.Sprint(i))()
		}
		if got := l.Keys(); got > 100 {
			t.Errorf("after 10,000 keys entered, one at a time, %d are remembered", got)
		}
		for i := range 10_000 {
			l.Pause(fmt.Sprint(i), time.Now().Add(time.Second))
			time.Sleep(time.Second)
		}
		if got := l.Keys(); got > 100 {
			t.Errorf("after 10,000 keys paused, one at a time, %d are remembered", got)
		}
	})
}

// TestSweepSparesItsOwn: the sweep that one Enter starts does not forget the keys
// of this Enter.
func TestSweepSparesItsOwn(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &limiter.Options{PerKey: 1})
	g := reserve(t, l, 2)
	keys := make([]string, 500)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
	}
	enter(t, g, keys...)
	for _, k := range keys {
		if l.InUse(k) != 1 {
			t.Fatalf("InUse(%s) = %d, want 1", k, l.InUse(k))
		}
	}
}
