package webhook_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func id(format string, args ...any) payload.Option {
	return payload.WithID(fmt.Sprintf(format, args...))
}

// Rule: a webhook that hangs holds its own lane only.
func TestHungWebhookDelaysNoOther(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.HasSuffix(r.URL, "hung") {
			return answer{delay: time.Hour}
		}
		return answer{status: 200, delay: 10 * time.Millisecond}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Capacity: 8}, func(h *host) {
		h.add("hung", func(w *webhook.Webhook) { w.Events = []string{"taskFailure"} })
		h.add("well")
		for i := range 200 {
			e, err := payload.New(scope, payload.TaskFailure{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"}, id("evt_%d", i))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Dispatch(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		// 200 deliveries, 4 at a time, 10 ms each: half a second when nothing is in the way.
		settled(600 * time.Millisecond)
		if n := len(h.to.seen(automation + "well")); n != 200 {
			t.Errorf("%d of 200 arrived beside a webhook that hangs", n)
		}
		if n := len(h.to.seen(automation + "hung")); n != 1 {
			t.Errorf("%d requests in flight to the webhook that hangs, want 1: nothing has made its window grow", n)
		}
	})
}

// Rule: whoever leaves a full lane brings its next delivery, without waiting for a poll.
func TestFullLaneGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 10 * time.Millisecond} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour, PerLane: 1}, func(h *host) {
		h.add("one")
		for i := range 20 {
			h.dispatch(id("evt_%d", i))
		}
		settled(200 * time.Millisecond)
		if n := len(h.to.seen()); n != 20 {
			t.Errorf("%d of 20 arrived after 20 times 10 ms", n)
		}
	})
}

// Rule: never more in flight than Capacity in all and PerLane for one lane.
func TestLimitsHold(t *testing.T) {
	t.Parallel()
	running, perURL, most, mostPerURL := 0, map[string]int{}, 0, 0
	var h *host
	to := &receiver{}
	to.answer = func(_ int, r request) answer {
		to.mu.Lock()
		running++
		perURL[r.URL]++
		most, mostPerURL = max(most, running), max(mostPerURL, perURL[r.URL])
		to.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		to.mu.Lock()
		running--
		perURL[r.URL]--
		to.mu.Unlock()
		return answer{status: 200}
	}
	p := webhook.Automation()
	p.Form.MaxPerScope = 0
	inBubble(t, p, &webhook.Options{Transport: to, Capacity: 10, PerLane: 3}, func(hh *host) {
		h = hh
		for i := range 7 {
			h.add(fmt.Sprint("hook", i))
		}
		for i := range 30 {
			if _, err := h.Dispatch(context.Background(), success(t, id("evt_%d", i))); err != nil {
				t.Fatal(err)
			}
		}
		settled(time.Minute)
		if n := len(h.to.seen()); n != 210 {
			t.Errorf("%d of 210 arrived", n)
		}
		if most != 10 || mostPerURL > 3 {
			t.Errorf("at most %d in flight and %d to one webhook, want 10 and no more than 3", most, mostPerURL)
		}
	})
}

// Rule: a waiting retry holds no slot.
func TestWaitingRetryHoldsNoSlot(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.HasSuffix(r.URL, "bad") {
			return answer{status: 500}
		}
		return answer{status: 200}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Capacity: 1, Poll: time.Hour}, func(h *host) {
		h.add("bad")
		h.dispatch(id("evt_0"))
		settled(time.Second)
		if n := h.Status().InFlight; n != 0 {
			t.Errorf("%d in flight while a retry waits", n)
		}
		h.add("well")
		h.dispatchAll(id("evt_1"))
		settled(time.Second)
		if n := len(h.to.seen(automation + "well")); n != 1 {
			t.Errorf("%d requests to the other webhook, want 1", n)
		}
	})
}

func (h *host) dispatchAll(opts ...payload.Option) webhook.Receipt {
	h.t.Helper()
	r, err := h.Dispatch(context.Background(), success(h.t, opts...))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// Rule: 429 and 503 with Retry-After pause the whole webhook, other transient statuses
// delay the one delivery; the cap of the policy holds.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		status      int
		after       string
		first, last time.Duration // bounds of the retry, after the first attempt
		pauses      bool
	}{
		{"429 in seconds", 429, "60", 60 * time.Second, 61 * time.Second, true},
		{"503 in seconds", 503, "60", 60 * time.Second, 61 * time.Second, true},
		{"500 delays only itself", 500, "60", 60 * time.Second, 61 * time.Second, false},
		{"shorter than the slot", 429, "1", 5 * time.Second, 10 * time.Second, true},
		{"capped at 15 minutes", 503, "86400", 15 * time.Minute, 15*time.Minute + time.Second, true},
		{"20 digits", 503, "99999999999999999999", 15 * time.Minute, 15*time.Minute + time.Second, true},
		{"garbage", 429, "soon", 5 * time.Second, 10 * time.Second, false},
		{"negative", 429, "-5", 5 * time.Second, 10 * time.Second, false},
		{"zero", 429, "0", 5 * time.Second, 10 * time.Second, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: func(n int, _ request) answer {
				if n == 1 {
					return answer{status: c.status, after: c.after}
				}
				return answer{status: 200}
			}}
			inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
				h.add("one")
				h.dispatch(id("evt_1"))
				settled(100 * time.Millisecond)
				h.dispatch(id("evt_2"))
				settled(400 * time.Millisecond)
				if n := len(h.to.seen()); (n == 1) != c.pauses {
					t.Errorf("%d requests before the retry; pauses %v", n, c.pauses)
				}
				settled(time.Hour)
				var retried time.Time
				rs := h.to.seen()
				for _, r := range rs[1:] {
					if r.Header.Get("Webhook-Id") == "evt_1" {
						retried = r.At
					}
				}
				if gap := retried.Sub(rs[0].At); gap < c.first || gap > c.last {
					t.Errorf("retried after %v, want between %v and %v", gap, c.first, c.last)
				}
				if len(rs) != 3 {
					t.Errorf("%d requests, want 3", len(rs))
				}
			})
		})
	}
}

// Rule: a success of a request that was under way does not end a pause.
func TestPauseOutlivesStragglers(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer {
		if n == 2 {
			return answer{status: 429, after: "60"}
		}
		return answer{status: 200, delay: time.Second}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		h.dispatch(id("evt_1"))
		h.dispatch(id("evt_2"))
		settled(2 * time.Second)
		h.dispatch(id("evt_3"))
		settled(50 * time.Second)
		if n := len(h.to.seen()); n != 2 {
			t.Errorf("%d requests during the pause, want the 2 before it", n)
		}
		settled(20 * time.Second)
		if n := len(h.to.seen()); n != 4 {
			t.Errorf("%d requests after the pause, want 4", n)
		}
	})
}

// Rule: Retry-After on anything but a transient status is ignored.
func TestRetryAfterIgnored(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 301, 400, 404} {
		to := &receiver{answer: func(int, request) answer { return answer{status: code, after: "600"} }}
		inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
			h.add("one")
			first := h.dispatch(id("evt_1"))
			settled(time.Second)
			h.dispatch(id("evt_2"))
			settled(time.Second)
			if n := len(h.to.seen()); n != 2 {
				t.Errorf("%d: %d requests, want 2 without a pause", code, n)
			}
			if _, as := h.delivery(first); as[0].RetryAfter != 0 {
				t.Errorf("%d: RetryAfter %v was recorded", code, as[0].RetryAfter)
			}
		})
	}
}

// Rule: what is queued for an inactive webhook waits and goes on when it is active again,
// but what has become too old by then is given up.
func TestInactiveWaits(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.MaxAge = 24 * time.Hour
	inBubble(t, p, &webhook.Options{Poll: time.Hour}, func(h *host) {
		w := h.add("one")
		h.SetPaused(true)
		old, young := h.dispatch(id("evt_old")), ""
		h.active(w, false)
		h.SetPaused(false)
		settled(12 * time.Hour)
		h.active(w, true)
		h.SetPaused(true)
		young = h.dispatch(id("evt_young"))
		h.active(w, false)
		h.SetPaused(false)
		settled(6 * time.Hour)
		h.active(w, true)
		settled(time.Second)
		if got := h.outcome(young); got != "delivered tries=1" {
			t.Errorf("18 hours old: %s", got)
		}
		_ = old
	})
	inBubble(t, p, &webhook.Options{Poll: time.Hour}, func(h *host) {
		w := h.add("one")
		h.SetPaused(true)
		old := h.dispatch(id("evt_old"))
		h.active(w, false)
		h.SetPaused(false)
		settled(25 * time.Hour)
		if n := len(h.to.seen()); n != 0 {
			t.Errorf("%d requests to an inactive webhook", n)
		}
		h.active(w, true)
		settled(2 * time.Hour)
		if got := h.outcome(old); got != "failed expired tries=0" {
			t.Errorf("25 hours old: %s", got)
		}
	})
}

func (h *host) active(w webhook.Webhook, on bool) {
	h.t.Helper()
	if err := h.hooks.SetActive(context.Background(), w.Scope, w.ID, on); err != nil {
		h.t.Fatal(err)
	}
}

// Rule: deletion takes effect at once; what is queued ends as cancelled, and a retry
// that would follow a request under way does too.
func TestDeleteCancels(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 500, delay: time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, PerLane: 1}, func(h *host) {
		w := h.add("one")
		flying, queued := h.dispatch(id("evt_1")), h.dispatch(id("evt_2"))
		settled(500 * time.Millisecond)
		if err := h.hooks.Delete(context.Background(), scope, w.ID); err != nil {
			t.Fatal(err)
		}
		settled(time.Hour)
		if got := h.outcome(queued); got != "failed cancelled tries=0" {
			t.Errorf("queued: %s", got)
		}
		if got := h.outcome(flying); got != "failed cancelled tries=1" {
			t.Errorf("in flight: %s", got)
		}
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests, want the one that was under way", n)
		}
	})
}

// Rule: ten interrupted sends end a delivery as interrupted, and the rest goes on.
func TestInterruptedTenTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		poison := h.dispatch(id("evt_poison"))
		for i := range 11 { // a process that dies with it every time
			now := time.Now()
			b, err := lease(store, now, now.Add(time.Minute), 1)
			if err != nil || len(b.Deliveries) != 1 {
				t.Fatalf("claim %d: %v, %d deliveries", i, err, len(b.Deliveries))
			}
			time.Sleep(time.Minute)
		}
		other := h.dispatch(id("evt_other"))
		h.start()
		defer h.stop()
		settled(time.Minute)
		if got := h.outcome(poison); got != "failed interrupted tries=0" {
			t.Error(got)
		}
		if got := h.outcome(other); got != "delivered tries=1" {
			t.Error(got)
		}
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: SetPaused starts nothing and loses nothing.
func TestSetPaused(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		h.SetPaused(true)
		h.dispatch()
		settled(10 * time.Minute)
		if n := len(h.to.seen()); n != 0 || !h.Status().Paused {
			t.Errorf("%d requests while paused", n)
		}
		h.SetPaused(false)
		settled(0)
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests after going on, want 1", n)
		}
	})
}

// Rule: one webhook that fails does not affect the other of the same event.
func TestTwoWebhooksAreIndependent(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.HasSuffix(r.URL, "bad") {
			return answer{status: 400}
		}
		return answer{status: 200}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("bad")
		h.add("well")
		h.add("deaf", func(w *webhook.Webhook) { w.Events = []string{"orgKeyExpiry"} })
		r := h.dispatchAll()
		settled(time.Hour)
		if r.Events[0].Matched != 2 || r.Events[0].Added != 2 {
			t.Errorf("receipt %+v, want 2 matched and added", r)
		}
		outcomes := h.outcome(r.Events[0].Deliveries[0]) + ", " + h.outcome(r.Events[0].Deliveries[1])
		if outcomes != "failed status tries=1, delivered tries=1" && outcomes != "delivered tries=1, failed status tries=1" {
			t.Error(outcomes)
		}
	})
}

// Rule: a webhook with several triggers gets each event once.
func TestSeveralTriggers(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one", func(w *webhook.Webhook) { w.Events = []string{"taskSuccess", "taskFailure", "orgKeyExpiry"} })
		for _, data := range []payload.Data{
			payload.TaskSuccess{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"},
			payload.TaskFailure{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"},
			payload.OrgKeyExpiry{APIKeyID: "k", Name: "n", ExpiresAt: time.Now(), SettingsURL: "https://x.example.com/"},
		} {
			e, err := payload.New(scope, data)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Dispatch(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		settled(time.Minute)
		seen := map[string]int{}
		for _, r := range h.to.seen() {
			data, err := payload.Decode([]byte(r.Body))
			if err != nil {
				t.Fatal(err)
			}
			seen[data.EventType()]++
		}
		if len(seen) != 3 || seen["taskSuccess"] != 1 || seen["taskFailure"] != 1 || seen["orgKeyExpiry"] != 1 {
			t.Errorf("arrived %v, want each once", seen)
		}
	})
}

// notified is a Store whose Notifier counts.
type notified struct {
	*memstore.Store
	n atomic.Int64
}

func (s *notified) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s *notified) Notify(context.Context) error {
	s.n.Add(1)
	return nil
}

// Rule: Wake reaches the other hosts, also from a process that never runs: what it has committed
// is theirs to send.
func TestWakeTellsOtherHosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &notified{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), nil)
		h.Wake()
		synctest.Wait()
		if n := store.n.Load(); n != 1 {
			t.Errorf("%d notifications, want 1", n)
		}
	})
}
