package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
)

// TestSubscribers: only active webhooks that listen to the event's type receive it.
func TestSubscribers(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		h.add("all", "*")
		h.add("success", "taskSuccess")
		h.add("failure", "taskFailure")
		off := h.add("off", "taskSuccess")
		if err := h.manager.SetActive(t.Context(), "acme", off.ID, false); err != nil {
			t.Fatal(err)
		}
		if r := h.dispatch("t1"); r.Matched != 2 || r.Added != 2 {
			t.Errorf("matched %d, added %d; want 2 of each", r.Matched, r.Added)
		}
		h.run()
		synctest.Wait()
		time.Sleep(time.Minute)
		h.want("requests", h.paths(), "all", "success")
	})
}

func (h *host) paths() []string {
	var out []string
	for _, r := range h.net.requests() {
		out = append(out, r.webhook)
	}
	slices.Sort(out)
	return out
}

func (h *host) want(what string, got []string, want ...string) {
	h.t.Helper()
	if !slices.Equal(got, want) {
		h.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestDrain: when Run's context ends, a request in flight may end, Dispatch still stores, and the
// next Run sends the stored deliveries.
func TestDrain(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		h.add("ops", "taskSuccess")
		h.net.answer = func(int, sent) (int, time.Duration) { return 200, 5 * time.Second }
		h.run()
		h.dispatch("t1")
		for len(h.net.requests()) == 0 {
			time.Sleep(time.Second)
		}
		h.stop()
		if ds := h.list(webhook.Query{}); len(ds) != 1 || ds[0].State != webhook.StateDelivered {
			t.Errorf("after Run has drained: %+v, want one delivery that is delivered", ds)
		}
		h.dispatch("t2", payload.WithID("t2"))
		time.Sleep(time.Minute)
		if n := len(h.net.requests()); n != 1 {
			t.Errorf("%d requests without Run, want the 1 from before", n)
		}
		next := newHost(t, open(t), nil)
		next.run()
		time.Sleep(time.Minute)
		if got := next.net.requests(); len(got) != 1 || got[0].event != "t2" {
			t.Errorf("the next host sent %v, want t2 once", got)
		}
	})
}

// TestKeyOnce: a key is announced once, over many checks, several hosts and restarts.
func TestKeyOnce(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		expires := time.Now().Add(5 * 24 * time.Hour)
		keys := keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) {
			return []keyexpiry.Key{{Scope: "acme", ID: "key-1", Name: "Provisioning", ExpiresAt: expires, SettingsURL: "https://example.com/settings"}}, nil
		})
		total := 0
		for life := range 3 { // a host that starts three times
			s := open(t)
			h := newHost(t, s, nil)
			if life == 0 {
				h.add("ops", "orgKeyExpiry")
			}
			h.run()
			checker, err := keyexpiry.New(h.hooks, s, keys, nil)
			if err != nil {
				t.Fatal(err)
			}
			var checks sync.WaitGroup
			for range 4 {
				checks.Go(func() {
					if _, err := checker.Check(t.Context(), time.Now()); err != nil {
						t.Error(err)
					}
				})
			}
			checks.Wait()
			time.Sleep(time.Minute)
			h.stop()
			total += len(h.net.requests())
		}
		if total != 1 {
			t.Errorf("the key was announced %d times, want once", total)
		}
	})
}

// TestLimit: concurrent Adds cannot pass the limit of a scope.
func TestLimit(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil, func(p *webhook.Profile) { p.Form.MaxPerScope = 3 })
		var added atomic.Int64
		var adds sync.WaitGroup
		for i := range 12 {
			adds.Go(func() {
				_, err := h.manager.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "n", URL: fmt.Sprintf("https://example.com/%d", i), Events: []string{"*"}, Active: true})
				switch {
				case err == nil:
					added.Add(1)
				case !errors.Is(err, webhook.ErrLimit):
					t.Error(err)
				}
			})
		}
		adds.Wait()
		ws, err := h.manager.List(t.Context(), "acme")
		if err != nil || len(ws) != 3 || added.Load() != 3 {
			t.Errorf("%d of 12 Adds succeeded, %d webhooks are stored, %v; want 3", added.Load(), len(ws), err)
		}
	})
}

// TestDeactivate: a deactivated webhook keeps its record and its queued deliveries, nothing is
// sent, and activating it continues.
func TestDeactivate(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		w := h.add("ops", "taskSuccess")
		h.dispatch("t1")
		if err := h.manager.SetActive(t.Context(), "acme", w.ID, false); err != nil {
			t.Fatal(err)
		}
		h.run()
		time.Sleep(10 * time.Minute)
		if got := h.net.requests(); len(got) != 0 {
			t.Errorf("%d requests to a deactivated webhook", len(got))
		}
		if kept, err := h.manager.Webhook(t.Context(), "acme", w.ID); err != nil || kept.URL != w.URL || kept.Active {
			t.Errorf("the record is %+v, %v; want it kept and inactive", kept, err)
		}
		if err := h.manager.SetActive(t.Context(), "acme", w.ID, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		h.want("requests after activating", h.paths(), "ops")
	})
}

// TestDelete: a deletion takes effect at once; queued deliveries end as cancelled.
func TestDelete(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		w := h.add("ops", "taskSuccess")
		h.dispatch("t1")
		if err := h.manager.Delete(t.Context(), "acme", w.ID); err != nil {
			t.Fatal(err)
		}
		if r := h.dispatch("t2"); r.Matched != 0 {
			t.Errorf("an event matched %d webhooks after the delete", r.Matched)
		}
		h.run()
		time.Sleep(2 * time.Minute)
		if got := h.net.requests(); len(got) != 0 {
			t.Errorf("%d requests to a deleted webhook", len(got))
		}
		ds := h.list(webhook.Query{})
		if len(ds) != 1 || ds[0].State != webhook.StateFailed || ds[0].LastCode != webhook.CodeCancelled {
			t.Errorf("queued deliveries: %+v, want one that failed as cancelled", ds)
		}
	})
}

// TestRecord: the record of a delivery shows its attempts with status and code, and its state.
func TestRecord(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		h.add("ops", "taskSuccess")
		h.net.answer = func(n int, _ sent) (int, time.Duration) { return []int{503, 404, 200}[n-1], 100 * time.Millisecond }
		id := h.dispatch("t1").Deliveries[0]
		show := func(when string, state webhook.State, statuses ...int) {
			t.Helper()
			d, as, err := h.manager.Delivery(t.Context(), "acme", id)
			if err != nil || d.State != state || d.Tries != len(statuses) || len(as) != len(statuses) {
				t.Fatalf("%s: %v with %d tries and %d attempts, %v; want %v with %d", when, d.State, d.Tries, len(as), err, state, len(statuses))
			}
			for i, a := range as {
				if a.Status != statuses[i] || a.Number != i+1 || a.OK() != (a.Status == 200) || a.Start.IsZero() || a.Duration < 100*time.Millisecond {
					t.Errorf("%s: attempt %d is %+v", when, i+1, a)
				}
			}
			if n := len(as); n > 0 && d.LastCode != as[n-1].Code {
				t.Errorf("%s: the last code is %q, want %q", when, d.LastCode, as[n-1].Code)
			}
		}
		show("before the first attempt", webhook.StatePending)
		h.run()
		time.Sleep(2 * time.Second)
		show("after a 503", webhook.StatePending, 503)
		time.Sleep(time.Minute)
		show("at the end", webhook.StateDelivered, 503, 404, 200)
	})
}

// TestIdentifier: the identifier is the same on every attempt, new for every Dispatch, and the
// host's if it sets one.
func TestIdentifier(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		h.add("ops", "taskSuccess")
		h.net.answer = func(n int, _ sent) (int, time.Duration) {
			if n <= 3 {
				return 503, 0
			}
			return 200, 0
		}
		h.run()
		for range 2 {
			h.dispatch("t1")
		}
		h.dispatch("t1", payload.WithID("chosen"))
		if r := h.dispatch("t1", payload.WithID("chosen")); r.Added != 0 {
			t.Errorf("the same identifier again added %d deliveries", r.Added)
		}
		time.Sleep(2 * time.Minute)
		seen := make(map[string]int)
		for _, r := range h.net.requests() {
			seen[r.event]++
		}
		if len(seen) != 3 || seen["chosen"] != 2 {
			t.Errorf("requests by identifier: %v; want 3 identifiers with 2 requests each", seen)
		}
	})
}
