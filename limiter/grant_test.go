package limiter_test

import (
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/limiter"
)

func TestGrantClose(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, nil)
	g := reserve(t, l, 5)
	leave := enter(t, g, "a")
	if got := l.Free(); got != limiter.DefaultTotal-5 {
		t.Errorf("%d slots are free, want %d: reserved slots are not free", got, limiter.DefaultTotal-5)
	}
	if l.InFlight() != 1 {
		t.Errorf("InFlight() = %d, want 1: reserved slots do not count", l.InFlight())
	}

	g.Close()
	g.Close()
	if got := l.Free(); got != limiter.DefaultTotal-1 {
		t.Errorf("%d slots are free after Close, want %d", got, limiter.DefaultTotal-1)
	}
	if g.N() != 5 {
		t.Errorf("N() = %d after Close, want still 5", g.N())
	}
	refuse(t, g, "a")
	refuse(t, g)

	leave()
	leave()
	if got := l.Free(); got != limiter.DefaultTotal || l.InFlight() != 0 || l.InUse("a") != 0 {
		t.Errorf("after leave, %d slots are free, %d in flight, %d in the key; want %d, 0, 0", got, l.InFlight(), l.InUse("a"), limiter.DefaultTotal)
	}
}

// TestLeaveTwice: a second leave must not free a slot of other work.
func TestLeaveTwice(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &limiter.Options{Total: 2, PerKey: 1})
	first := enter(t, reserve(t, l, 1), "a")
	first()
	enter(t, reserve(t, l, 1), "a")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(first)
	}
	wg.Wait()
	if l.InUse("a") != 1 || l.InFlight() != 1 {
		t.Errorf("%d in the key and %d in flight, want 1 and 1", l.InUse("a"), l.InFlight())
	}
	refuse(t, reserve(t, l, 1), "a")
}

func TestEnter(t *testing.T) {
	t.Parallel()
	t.Run("one slot each", func(t *testing.T) {
		t.Parallel()
		g := reserve(t, newLimiter(t, nil), 2)
		enter(t, g, "a")
		leave := enter(t, g, "b")
		leave()
		refuse(t, g, "c") // leave frees a slot of the total, not of the grant
	})
	t.Run("every key or none", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, &limiter.Options{PerKey: 1, Rate: 1e-6, Burst: 2})
		g := reserve(t, l, 4)
		leave := enter(t, g, "full")
		refuse(t, g, "free", "full")
		refuse(t, g, "full", "free")
		if l.InUse("free") != 0 || l.InFlight() != 1 {
			t.Errorf("%d in the free key and %d in flight, want 0 and 1", l.InUse("free"), l.InFlight())
		}
		leave()
		// Refusals cost no slots and no tokens, so two are left.
		enter(t, g, "free", "full")()
		enter(t, g, "free")
	})
	t.Run("a key twice counts once", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, &limiter.Options{PerKey: 1})
		leave := enter(t, reserve(t, l, 1), "a", "b", "a")
		if l.InUse("a") != 1 {
			t.Errorf("InUse = %d, want 1", l.InUse("a"))
		}
		leave()
		if l.InUse("a") != 0 || l.InUse("b") != 0 {
			t.Errorf("after leave InUse = %d and %d, want 0", l.InUse("a"), l.InUse("b"))
		}
	})
	t.Run("many keys", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, nil)
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		leave := enter(t, reserve(t, l, 1), keys...)
		for _, k := range keys {
			if l.InUse(k) != 1 {
				t.Errorf("InUse(%s) = %d, want 1", k, l.InUse(k))
			}
		}
		leave()
		for _, k := range keys {
			if l.InUse(k) != 0 {
				t.Errorf("after leave InUse(%s) = %d, want 0", k, l.InUse(k))
			}
		}
	})
	t.Run("without keys only the total counts", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, &limiter.Options{Total: 2, PerKey: 1})
		l.Pause("a", time.Now().Add(time.Hour))
		g := reserve(t, l, 2)
		leave := enter(t, g)
		enter(t, g)
		refuse(t, g)
		if l.InFlight() != 2 {
			t.Errorf("InFlight() = %d, want 2", l.InFlight())
		}
		leave()
		if got := l.Free(); got != 1 {
			t.Errorf("%d slots are free, want 1", got)
		}
	})
	t.Run("a panic gives the slot back", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(t, nil)
		func() {
			defer func() { _ = recover() }()
			g := reserve(t, l, 3)
			defer g.Close()
			defer enter(t, g, "a")()
			panic("the receiver's answer was too much")
		}()
		if got := l.Free(); got != limiter.DefaultTotal || l.InUse("a") != 0 {
			t.Errorf("%d slots are free and %d in the key, want %d and 0", got, l.InUse("a"), limiter.DefaultTotal)
		}
	})
}

func TestEnterAllocates(t *testing.T) {
	l := newLimiter(t, nil)
	g := reserve(t, l, 64)
	if n := testing.AllocsPerRun(50, func() {
		leave, _ := g.Enter("webhook-1", "tenant-7")
		leave()
	}); n != 0 {
		t.Errorf("Enter and leave allocate %v times, want never", n)
	}
}
