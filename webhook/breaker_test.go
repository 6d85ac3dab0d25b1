package webhook_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// standardBubble is inBubble for the standard profile with many retries, because the breaker
// matters most there.
func standardBubble(t *testing.T, o *webhook.Options, f func(h *host)) {
	t.Helper()
	p := webhook.Standard()
	inBubble(t, p, o, f)
}

// Rule: ten failures in a row open the breaker for 30 s; then one probe; a probe that
// fails doubles the wait up to 10 min; one that succeeds lets 1, 2, 4 ... through.
func TestBreaker(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	var inFlight, most atomic.Int64
	to := &receiver{answer: func(int, request) answer {
		raise(&most, inFlight.Add(1))
		defer inFlight.Add(-1)
		time.Sleep(time.Second)
		if down.Load() {
			return answer{status: 500}
		}
		return answer{status: 200}
	}}
	standardBubble(t, &webhook.Options{Transport: to, Capacity: 16, PerLane: 8, Poll: 24 * time.Hour}, func(h *host) {
		w := h.add("one", standardHook)
		for i := range 40 {
			h.dispatch(id("evt_%d", i))
		}
		settled(12 * time.Second) // one at a time: the window does not grow by failures
		opened := len(h.to.seen())
		if opened < 10 || opened > 10+8 {
			t.Fatalf("%d requests before the breaker opened, want 10 and what was in flight", opened)
		}
		health, err := h.hooks.Health(context.Background(), scope, w.ID)
		if err != nil || health.Status(time.Now()) != webhook.HealthOpen || health.Failures < 10 {
			t.Fatalf("health %+v, %v; want an open breaker", health, err)
		}
		h.to.reset()
		settled(21 * time.Minute)
		rs := h.to.seen()
		waits := gaps(rs)
		want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}
		for i, w := range want {
			if i >= len(waits) || waits[i] < w || waits[i] > w+2*time.Second {
				t.Errorf("probes after %v, want one each %v", waits, want)
				break
			}
		}
		most.Store(0)
		down.Store(false)
		h.to.reset()
		settled(10*time.Minute + 10*time.Second)
		var bySecond [4]int // each request takes a second
		for _, r := range h.to.seen() {
			if s := int(r.At.Sub(h.to.seen()[0].At) / time.Second); s < len(bySecond) {
				bySecond[s]++
			}
		}
		if want := [4]int{1, 2, 8, 8}; bySecond != want {
			t.Errorf("%v requests in the seconds after the endpoint came back, want %v", bySecond, want)
		}
		settled(time.Minute)
		if n := most.Load(); n != 8 {
			t.Errorf("at most %d at once after recovery, want PerLane 8 again", n)
		}
		if n := h.count(webhook.StateDelivered); n != 40 {
			t.Errorf("%d of 40 delivered", n)
		}
		health, _ = h.hooks.Health(context.Background(), scope, w.ID)
		if health.Status(time.Now()) != webhook.HealthOK {
			t.Errorf("health %+v after recovery", health)
		}
	})
}

// raise sets a maximum that goroutines share to n, if n is above it.
func raise(most *atomic.Int64, n int64) {
	for {
		was := most.Load()
		if n <= was || most.CompareAndSwap(was, n) {
			return
		}
	}
}

func (r *receiver) reset() {
	r.mu.Lock()
	r.requests = nil
	r.mu.Unlock()
}

// count returns how many deliveries of the scope are in a state.
func (h *host) count(s webhook.State) int {
	h.t.Helper()
	ds, _, err := h.hooks.Deliveries(context.Background(), webhook.Query{Scope: scope, States: []webhook.State{s}, Limit: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(ds)
}

// observed collects the calls of an Observer.
type observed struct {
	mu        sync.Mutex
	attention []webhook.Code
	disabled  []string
	lost      int
}

func (o *observed) observer() *webhook.Observer {
	return &webhook.Observer{
		Attention: func(_ context.Context, _ webhook.Webhook, c webhook.Code, _ *webhook.Attempt) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.attention = append(o.attention, c)
		},
		Disabled: func(_ context.Context, w webhook.Webhook) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.disabled = append(o.disabled, w.DisabledReason)
		},
		Lost: func(context.Context, webhook.Delivery) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.lost++
		},
	}
}

// Rule: 401, 403, 404 and 410 call for attention, once until an attempt succeeds; automation
// switches nothing off.
func TestAttention(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]int{200: 0, 400: 0, 401: 1, 403: 1, 404: 1, 410: 1, 500: 0} {
		var o observed
		to := &receiver{answer: status(code)}
		inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Observer: o.observer()}, func(h *host) {
			h.add("one")
			h.dispatch(id("evt_1"))
			h.dispatch(id("evt_2"))
			settled(time.Hour)
			if len(o.attention) != want || len(o.disabled) != 0 {
				t.Errorf("%d: attention %v, disabled %v; want %d and none", code, o.attention, o.disabled, want)
			}
		})
	}
}

// Rule: five days without a success switch a standard webhook off; after half of that time the
// Observer is called. A success starts the time again. A Test never counts.
func TestDisableAfterFiveDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		success   int // the day on which requests are accepted
		attention int // times
		off       int // the first day of a failure that switches off
	}{
		"no success":  {success: -1, attention: 1, off: 5},
		"one success": {success: 3, attention: 2, off: 9},
	} {
		var o observed
		var day atomic.Int64
		to := &receiver{answer: func(int, request) answer {
			if day.Load() == int64(c.success) {
				return answer{status: 200}
			}
			return answer{status: 500}
		}}
		inLongBubble(t, webhook.Standard(), &webhook.Options{Transport: to, Observer: o.observer()}, func(h *host) {
			w := h.add("one", standardHook)
			for ; day.Load() <= int64(c.off); day.Add(1) {
				today := int(day.Load())
				h.dispatchAll(id("evt_%d", today))
				if today != c.success { // an accepted test is a success too
					if _, err := h.hooks.Test(context.Background(), scope, w.ID); err != nil {
						t.Fatal(err)
					}
				}
				settled(24 * time.Hour)
				if active := h.webhook(w.ID).Active; active != (today < c.off) {
					t.Errorf("%s: after day %d active is %t", name, today, active)
				}
				if told := len(o.attention); today < 2 && told > 0 || today == 2 && told != 1 {
					t.Errorf("%s: after day %d the Observer has %d calls, want the first on day 2", name, today, told)
				}
			}
			if len(o.disabled) != 1 || len(o.attention) != c.attention {
				t.Errorf("%s: told %v and attention %v, want one and %d", name, o.disabled, o.attention, c.attention)
			}
		})
	}
	var quiet observed
	to := &receiver{answer: status(500)}
	inLongBubble(t, webhook.Standard(), &webhook.Options{Transport: to, Observer: quiet.observer()}, func(h *host) {
		w := h.add("one", standardHook)
		for range 10 {
			if _, err := h.hooks.Test(context.Background(), scope, w.ID); err != nil {
				t.Fatal(err)
			}
			settled(24 * time.Hour)
		}
		if health, _ := h.hooks.Health(context.Background(), scope, w.ID); !health.OK() || len(quiet.disabled) != 0 {
			t.Errorf("tests alone led to %+v, told %v", health, quiet.disabled)
		}
	})
}
