package webhook_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func reason(kind webhook.ReasonKind, until time.Time, shared bool) webhook.Reason {
	return webhook.Reason{Kind: kind, Until: until, Shared: shared}
}

// wantReasons compares kind, end and sharing of the reasons; the text of every reason must be a
// sentence.
func (h *host) wantReasons(d string, want ...webhook.Reason) webhook.Explanation {
	h.t.Helper()
	x, err := h.Explain(ctx, scope, d)
	if err != nil {
		h.t.Fatal(err)
	}
	if diff := cmp.Diff(want, x.Reasons, cmpopts.IgnoreFields(webhook.Reason{}, "Text"), cmpopts.EquateApproxTime(0)); diff != "" {
		h.t.Errorf("reasons (-want +got):\n%s", diff)
	}
	for _, r := range x.Reasons {
		if len(r.Text) < 10 || !strings.HasSuffix(r.Text, ".") {
			h.t.Errorf("%s: %q is no sentence", r.Kind, r.Text)
		}
	}
	if x.Delivery.ID != d {
		h.t.Errorf("explains %s, asked for %s", x.Delivery.ID, d)
	}
	return x
}

// Rule: before its turn a delivery is ready, or waits for Run; afterwards it has ended.
func TestExplainReadyAndEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: time.Second} }}
		h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to})
		h.add("one")
		d := h.dispatch()
		h.wantReasons(d, reason(webhook.ReasonNotRunning, time.Time{}, true))
		begin := time.Now()
		h.start()
		defer h.stop()
		settled(0)
		h.wantReasons(d, reason(webhook.ReasonHeld, begin.Add(time.Minute), true))
		settled(2 * time.Second)
		x := h.wantReasons(d, reason(webhook.ReasonEnded, time.Time{}, false))
		if !strings.Contains(x.Reasons[0].Text, "delivered") {
			t.Errorf("text %q", x.Reasons[0].Text)
		}
		to.answer = status(404)
		d = h.dispatch()
		settled(2 * time.Second)
		if x := h.wantReasons(d, reason(webhook.ReasonEnded, time.Time{}, false)); x.Reasons[0].Text != "It has ended as failed: status." {
			t.Errorf("text %q", x.Reasons[0].Text)
		}
	})
}

// Rule: a webhook that is off, expired or gone holds its deliveries back in every process.
func TestExplainWebhook(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.SetPaused(true)
		settled(time.Second)
		w := h.add("one")
		d := h.dispatch()
		stopped := reason(webhook.ReasonStopped, time.Time{}, true)
		h.wantReasons(d, stopped)
		h.setActive(w, false)
		h.wantReasons(d, reason(webhook.ReasonInactive, time.Time{}, false), stopped)
		h.setActive(w, true)
		w = h.webhook(w.ID)
		w.ExpiresAt = time.Now().Add(time.Hour)
		h.edit(w)
		h.wantReasons(d, stopped)
		settled(time.Hour)
		h.wantReasons(d, reason(webhook.ReasonExpired, time.Time{}, false), stopped)
	})
}

// lazy is a Store whose Delete leaves what is queued to the next claim.
type lazy struct{ *memstore.Store }

func (s lazy) Webhook(context.Context, string, string) (webhook.Webhook, error) {
	return webhook.Webhook{}, webhook.ErrNotFound
}

// Rule: a delivery whose webhook is gone says so until a claim ends it.
func TestExplainNoWebhook(t *testing.T) {
	t.Parallel()
	h := newHost(t, lazy{newStore(t)}, webhook.Automation(), nil)
	h.add("one")
	d := h.dispatch()
	h.wantReasons(d, reason(webhook.ReasonNoWebhook, time.Time{}, false), reason(webhook.ReasonNotRunning, time.Time{}, true))
	if _, err := h.Explain(ctx, scope, "dlv_unknown"); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("an unknown delivery: %v, want ErrNotFound", err)
	}
}

// Rule: the reason of a retry has its time. A pause that lasts longer, or as long, comes first, and
// holds untried deliveries as well.
func TestExplainRetryAndPause(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer {
		if n == 1 {
			return answer{status: 500}
		}
		return answer{status: 503, after: "60"}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		begin := time.Now()
		failed := h.dispatch(id("evt_1"))
		settled(0)
		due, _ := h.delivery(failed)
		early := reason(webhook.ReasonRetry, due.Due, false)
		h.wantReasons(failed, early)
		patient := h.dispatch(id("evt_2"))
		settled(time.Second)
		pause := reason(webhook.ReasonPaused, begin.Add(time.Minute), true)
		if !early.Until.After(begin) || !early.Until.Before(pause.Until) {
			t.Errorf("a retry after %v, want it before the end of the pause", early.Until.Sub(begin))
		}
		h.wantReasons(failed, pause, early)
		h.wantReasons(patient, pause, reason(webhook.ReasonRetry, pause.Until, false))
		untried := h.dispatch(id("evt_3"))
		settled(time.Second)
		h.wantReasons(untried, pause)
	})
}

// Rule: the reason that lasts longest comes first.
func TestExplainOrder(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: status(503)}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: 1, Open: time.Second}}, func(h *host) {
		h.add("one")
		begin := time.Now()
		d := h.dispatch()
		settled(0)
		due, _ := h.delivery(d)
		h.wantReasons(d, reason(webhook.ReasonRetry, due.Due, false), reason(webhook.ReasonBreaker, begin.Add(time.Second), true))
		h.SetPaused(true)
		h.wantReasons(d, reason(webhook.ReasonStopped, time.Time{}, true), reason(webhook.ReasonRetry, due.Due, false),
			reason(webhook.ReasonBreaker, begin.Add(time.Second), true))
	})
}

// Rule: the reason of an open breaker has its end, the longest hold first. Later the one probe
// takes the room of the lane.
func TestExplainBreaker(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	to := &receiver{answer: func(int, request) answer {
		if slow.Load() {
			return answer{status: 500, delay: 20 * time.Second}
		}
		return answer{status: 500}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Breaker: webhook.Breaker{Failures: 2, Open: 10 * time.Minute, MaxOpen: time.Hour}}, func(h *host) {
		h.add("one")
		begin := time.Now()
		first := h.dispatch(id("evt_1"))
		h.dispatch(id("evt_2"))
		settled(0)
		d, _ := h.delivery(first)
		breaker := reason(webhook.ReasonBreaker, begin.Add(10*time.Minute), true)
		h.wantReasons(first, breaker, reason(webhook.ReasonRetry, d.Due, false))
		third := h.dispatch(id("evt_3"))
		settled(time.Minute)
		h.wantReasons(third, breaker)
		slow.Store(true)
		settled(9*time.Minute + 5*time.Second)
		if n := h.Status().InFlight; n != 1 {
			t.Fatalf("%d probes in flight, want 1", n)
		}
		waiting := 0
		for _, d := range []string{first, third} {
			x, err := h.Explain(ctx, scope, d)
			if err != nil {
				t.Fatal(err)
			}
			if x.Reasons[0].Kind == webhook.ReasonLane && x.Reasons[0].Until.IsZero() && x.Reasons[0].Shared {
				waiting++
			} else if x.Reasons[0].Kind != webhook.ReasonHeld {
				t.Errorf("%+v", x.Reasons)
			}
		}
		if waiting == 0 {
			t.Error("no delivery waits for the probe")
		}
	})
}

// Rule: there is a reason for a lane, and for a process, without a free slot; other processes may
// have one.
func TestExplainLaneAndSlots(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 20 * time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Capacity: 1, PerLane: 1}, func(h *host) {
		first := h.add("one")
		h.dispatch(id("evt_1"))
		d := h.dispatch(id("evt_2"))
		settled(10 * time.Millisecond)
		lane, slots := reason(webhook.ReasonLane, time.Time{}, true), reason(webhook.ReasonSlots, time.Time{}, true)
		h.wantReasons(d, lane, slots)
		settled(time.Second) // the request is slow by now and holds no slot
		h.wantReasons(d, lane)
		h.setActive(first, false)
		h.wantReasons(d, reason(webhook.ReasonInactive, time.Time{}, false), lane)
		settled(time.Minute)
	})
}

// Rule: a lane that is ahead of its rate says when it may go on.
func TestExplainRate(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), &webhook.Options{Rate: 1.0 / 60, Burst: 1}, func(h *host) {
		h.add("one")
		begin := time.Now()
		h.dispatch(id("evt_1"))
		d := h.dispatch(id("evt_2"))
		settled(time.Second)
		x, err := h.Explain(ctx, scope, d)
		if err != nil || len(x.Reasons) != 1 || x.Reasons[0].Kind != webhook.ReasonLane || !x.Reasons[0].Shared {
			t.Fatalf("%+v, %v, want the lane alone", x.Reasons, err)
		}
		if wait := x.Reasons[0].Until.Sub(begin); wait.Round(time.Second) != time.Minute {
			t.Errorf("until %v after the first, want a minute", wait)
		}
	})
}

// Rule: there is a reason for a delivery of a replay that is due later, and for a Store that fails.
func TestExplainScheduledAndStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		h.start()
		defer h.stop()
		h.dispatch(id("evt_1"))
		second := h.dispatch(id("evt_2"))
		settled(time.Second)
		begin := time.Now()
		if n, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1.0/60); err != nil || n != 2 {
			t.Fatalf("%d, %v", n, err)
		}
		settled(time.Second)
		h.wantReasons(second, reason(webhook.ReasonScheduled, begin.Add(time.Minute), false))
		down := errors.New("database is gone")
		store.claim.Store(&down)
		settled(5 * time.Minute)
		h.wantReasons(second, reason(webhook.ReasonStore, time.Time{}, true))
		store.claim.Store(nil)
		settled(time.Minute)
		h.wantReasons(second, reason(webhook.ReasonEnded, time.Time{}, false))
	})
}

// Rule: a lease that ran out holds no delivery back.
func TestExplainDeadLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		d := h.dispatch()
		now := time.Now()
		b, err := lease(store, now, now.Add(time.Minute), 1)
		if err != nil || len(b.Deliveries) != 1 {
			t.Fatal(b, err)
		}
		alone := reason(webhook.ReasonNotRunning, time.Time{}, true)
		h.wantReasons(d, alone, reason(webhook.ReasonHeld, now.Add(time.Minute), true))
		settled(time.Minute)
		h.wantReasons(d, alone)
	})
}

// Rule: a delivery without any other reason is ready.
func TestExplainReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		h := newHost(t, store, webhook.Automation(), &webhook.Options{Poll: time.Hour})
		h.add("one")
		h.start()
		defer h.stop()
		settled(time.Second)
		other := newHost(t, store, webhook.Automation(), nil) // dispatches without a notification to h
		d := other.dispatch()
		h.wantReasons(d, reason(webhook.ReasonReady, time.Time{}, false))
		h.Wake()
		settled(0)
		h.wantReasons(d, reason(webhook.ReasonEnded, time.Time{}, false))
	})
}
