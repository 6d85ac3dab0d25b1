package webhook_test

import (
	"context"
	"errors"
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

func (h *host) dispatchAll(opts ...payload.Option) webhook.Receipt {
	h.t.Helper()
	r, err := h.Dispatch(context.Background(), success(h.t, opts...))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// Rule: queued deliveries of an inactive webhook wait and are sent when it is active again. Those
// that are too old by then end as failed.
func TestInactiveWaits(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.MaxAge = 24 * time.Hour
	inBubble(t, p, &webhook.Options{Poll: time.Hour}, func(h *host) {
		w := h.add("one")
		h.SetPaused(true)
		old := h.dispatch(id("evt_old"))
		h.setActive(w, false)
		h.SetPaused(false)
		settled(12 * time.Hour)
		h.SetPaused(true)
		h.setActive(w, true)
		young := h.dispatch(id("evt_young"))
		h.setActive(w, false)
		h.SetPaused(false)
		settled(6 * time.Hour)
		if n := len(h.to.seen()); n != 0 {
			t.Errorf("%d requests to an inactive webhook", n)
		}
		h.setActive(w, true)
		settled(time.Second)
		for age, d := range map[int]string{18: old, 6: young} {
			if got := h.outcome(d); got != "delivered tries=1" {
				t.Errorf("%d hours old: %s", age, got)
			}
		}
	})
	inBubble(t, p, &webhook.Options{Poll: time.Hour}, func(h *host) {
		w := h.add("one")
		h.SetPaused(true)
		old := h.dispatch(id("evt_old"))
		h.setActive(w, false)
		h.SetPaused(false)
		settled(25 * time.Hour)
		if n := len(h.to.seen()); n != 0 {
			t.Errorf("%d requests to an inactive webhook", n)
		}
		h.setActive(w, true)
		settled(2 * time.Hour)
		if got := h.outcome(old); got != "failed expired tries=0" {
			t.Errorf("25 hours old: %s", got)
		}
	})
}

func (h *host) setActive(w webhook.Webhook, on bool) {
	h.t.Helper()
	if err := h.hooks.SetActive(context.Background(), w.Scope, w.ID, on); err != nil {
		h.t.Fatal(err)
	}
}

// Rule: a deletion takes effect at once. Queued deliveries end as cancelled, and so does a retry
// that would follow a request in flight.
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

// Rule: ten interrupted sends end a delivery as interrupted, and other deliveries continue.
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

// notified is a Store whose Notifier counts its calls. As many of them fail as fails says.
type notified struct {
	*memstore.Store
	n, fails atomic.Int64
}

func (s *notified) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s *notified) Notify(context.Context) error {
	if s.n.Add(1) <= s.fails.Load() {
		return errors.New("the connection is gone")
	}
	return nil
}

// Rule: Wake notifies the other hosts, also from a process that never runs, because they send its
// deliveries.
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

// Rule: a notification that fails is repeated at once, twice at most.
func TestNotificationFails(t *testing.T) {
	t.Parallel()
	for fails, want := range map[int64]int64{1: 2, 2: 3, 9: 3} {
		synctest.Test(t, func(t *testing.T) {
			store := &notified{Store: newStore(t)}
			store.fails.Store(fails)
			newHost(t, store, webhook.Automation(), nil).Wake()
			synctest.Wait()
			if n := store.n.Load(); n != want {
				t.Errorf("%d calls of which %d fail, want %d", n, fails, want)
			}
		})
	}
}
