package webhook_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Rule: Replay spreads a window evenly, oldest first, at no more than the given rate, and keeps
// identifiers and bytes. It skips deliveries that are in flight or have lost their webhook.
func TestReplay(t *testing.T) {
	t.Parallel()
	const n = 600 // more than a page
	inBubble(t, webhook.Automation(), &webhook.Options{Poll: time.Hour}, func(h *host) {
		h.add("one")
		gone := h.add("two")
		at := make(map[string]time.Time)
		sent := make(map[string]string)
		start := time.Now()
		h.dispatchAll(id("before"))
		settled(time.Second)
		for i := range n {
			h.dispatchAll(id("evt_%03d", i))
			settled(time.Millisecond)
		}
		settled(time.Second)
		for _, r := range h.to.seen(automation + "one") {
			sent[r.Header.Get("Webhook-Id")] = r.Body
		}
		until := time.Now()
		settled(time.Second)
		h.dispatchAll(id("after"))
		settled(time.Second)
		if err := h.hooks.Delete(ctx, scope, gone.ID); err != nil {
			t.Fatal(err)
		}
		before := len(h.to.seen())
		now := time.Now()
		queued, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope, Since: start.Add(time.Second), Until: until}, 3)
		if err != nil || queued != n {
			t.Fatalf("queued %d, %v, want %d", queued, err, n)
		}
		settled(time.Hour)
		rs := h.to.seen()[before:]
		if len(rs) != n {
			t.Fatalf("%d requests, want %d", len(rs), n)
		}
		for i, r := range rs {
			eventID := r.Header.Get("Webhook-Id")
			if want := fmt.Sprintf("evt_%03d", i); eventID != want || r.Body != sent[eventID] {
				t.Fatalf("request %d is %s %s, want %s as it was", i, eventID, r.Body, want)
			}
			at[eventID] = r.At
			if i >= 3 && r.At.Sub(rs[i-3].At) < time.Second {
				t.Fatalf("requests %d to %d within %v, want 3 a second", i-3, i, r.At.Sub(rs[i-3].At))
			}
		}
		if took := rs[n-1].At.Sub(now); took < 199*time.Second || took > 201*time.Second {
			t.Errorf("took %v, want %d at 3 a second", took, n)
		}
	})
}

// Rule: a Replay skips deliveries that are being sent, and refuses an invalid rate.
func TestReplaySkipsAndRefuses(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		return answer{status: 200, delay: map[string]time.Duration{"slow": 20 * time.Second}[r.Header.Get("Webhook-Id")]}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		h.dispatch(id("quick"))
		slow := h.dispatch(id("slow"))
		settled(time.Second)
		if n, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1000); err != nil || n != 1 {
			t.Errorf("queued %d, %v, want 1", n, err)
		}
		settled(time.Minute)
		if got := h.outcome(slow); got != "delivered tries=1" || len(to.seen()) != 3 {
			t.Errorf("%s after %d requests", got, len(to.seen()))
		}
		q := webhook.Query{Scope: scope}
		for name, c := range map[string]struct {
			q    webhook.Query
			rate float64
		}{
			"rate 0":          {q, 0},
			"rate below 0":    {q, -1},
			"rate tiny":       {q, 1e-300},
			"rate huge":       {q, 1e7},
			"rate infinite":   {q, math.Inf(1)},
			"rate no number":  {q, math.NaN()},
			"with a cursor":   {webhook.Query{Scope: scope, Cursor: "x"}, 1},
			"with a limit":    {webhook.Query{Scope: scope, Limit: 5}, 1},
			"without a scope": {webhook.Query{}, 1},
		} {
			if n, err := h.hooks.Replay(ctx, c.q, c.rate); !errors.Is(err, webhook.ErrInvalid) || n != 0 {
				t.Errorf("%s: %d, %v, want ErrInvalid", name, n, err)
			}
		}
		settled(time.Minute)
		if n := len(to.seen()); n != 3 {
			t.Errorf("%d requests after refused replays", n)
		}
	})
}

// Rule: the slowest rate is one an hour, and waiting for it does not make a delivery too old.
func TestReplaySlowly(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.MaxAge = 2 * time.Hour
	inBubble(t, p, &webhook.Options{Poll: time.Hour}, func(h *host) {
		h.add("one")
		for i := range 4 {
			h.dispatch(id("evt_%d", i))
		}
		settled(time.Second)
		now := time.Now()
		if n, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1.0/3600); err != nil || n != 4 {
			t.Fatalf("queued %d, %v", n, err)
		}
		settled(4 * time.Hour)
		var after []time.Duration
		for _, r := range h.to.seen()[4:] {
			after = append(after, r.At.Sub(now).Round(time.Second))
		}
		if want := []time.Duration{0, time.Hour, 2 * time.Hour, 3 * time.Hour}; !slices.Equal(after, want) {
			t.Errorf("sent after %v, want %v", after, want)
		}
	})
}
