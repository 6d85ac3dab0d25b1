package recovery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// TestReplay: the deliveries of a window are sent again at a limited rate, with the same
// identifiers and bodies; others are not.
func TestReplay(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		h.add("ops", "taskSuccess")
		h.run()
		const events, perSecond = 30, 2
		start := time.Now()
		for i := range events { // one a minute
			h.dispatch(fmt.Sprint("t", i), payload.WithID(fmt.Sprint("evt-", i)))
			time.Sleep(time.Minute)
		}
		first := make(map[string]string)
		for _, r := range h.net.requests() {
			first[r.event] = r.body
		}
		if len(first) != events {
			t.Fatalf("%d of %d events arrived", len(first), events)
		}
		ids := make(map[string]string)
		for _, d := range h.list(webhook.Query{Limit: 500}) {
			ids[d.EventID] = d.ID
		}
		began, before := time.Now(), len(h.net.requests())
		window := webhook.Query{Scope: "acme", Since: start.Add(5 * time.Minute), Until: start.Add(25 * time.Minute)}
		if n, err := h.manager.Replay(t.Context(), window, perSecond); n != 20 || err != nil {
			t.Fatalf("queued %d, %v; want the 20 of the window", n, err)
		}
		time.Sleep(time.Minute)
		again := h.net.requests()[before:]
		if len(again) != 20 {
			t.Fatalf("%d requests, want 20", len(again))
		}
		for i, r := range again {
			if want := fmt.Sprint("evt-", i+5); r.event != want || r.body != first[want] {
				t.Errorf("request %d is of %s, want %s with the same body", i, r.event, want)
			}
			// The i-th becomes due no earlier than i/perSecond seconds after the first.
			if r.at.Before(began.Add(time.Duration(i) * time.Second / perSecond)) {
				t.Errorf("request %d came %v after the replay began, faster than %d a second", i, r.at.Sub(began), perSecond)
			}
		}
		for _, d := range h.list(webhook.Query{Limit: 500}) {
			if ids[d.EventID] != d.ID || d.State != webhook.StateDelivered {
				t.Errorf("event %s is now %s and %v", d.EventID, d.ID, d.State)
			}
		}
	})
}

// TestPages: a list with filters goes through pages, each delivery on exactly one.
func TestPages(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		h := newHost(t, open(t), nil)
		w := h.add("ops", "taskSuccess")
		h.add("other", "taskSuccess")
		for i := range 23 {
			h.dispatch(fmt.Sprint("t", i))
			time.Sleep(time.Second)
		}
		q := webhook.Query{Scope: "acme", WebhookID: w.ID, Type: "taskSuccess", States: []webhook.State{webhook.StatePending}, Limit: 7}
		seen := make(map[string]bool)
		last := time.Now()
		pages := 0
		for ; ; pages++ {
			ds, next, err := h.manager.Deliveries(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				if seen[d.ID] || d.WebhookID != w.ID || d.CreatedAt.After(last) {
					t.Errorf("delivery %s of %s is twice, of another webhook or out of order", d.ID, d.CreatedAt)
				}
				seen[d.ID], last = true, d.CreatedAt
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
		if len(seen) != 23 || pages != 3 {
			t.Errorf("%d deliveries on %d pages, want 23 on 4", len(seen), pages+1)
		}
	})
}

// TestPrune: Run removes exactly the deliveries that ended longer ago than Options.History. The
// others keep their identifiers.
func TestPrune(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		o := &webhook.Options{History: 72 * time.Hour, Poll: time.Second}
		h := newHost(t, open(t), o)
		h.add("ops", "taskSuccess")
		off := h.add("off", "taskFailure")
		h.run()
		for i := range 5 {
			h.dispatch(fmt.Sprint("old", i), payload.WithID(fmt.Sprint("old-", i)))
		}
		ev, err := payload.New("acme", payload.TaskFailure{ProcessID: "f", Name: "Nightly", ActionTypes: []string{"deactivate"}, DeepLink: "https://example.com/f"},
			payload.WithID("waits"), payload.WithAnyProcessID())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		h.stop()
		if _, err := h.hooks.Dispatch(t.Context(), ev); err != nil { // pending at any age
			t.Fatal(err)
		}
		if err := h.manager.SetActive(t.Context(), "acme", off.ID, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(71 * time.Hour)

		h = newHost(t, open(t), o)
		h.run()
		h.dispatch("new", payload.WithID("new"))
		time.Sleep(30 * time.Second)
		before := make(map[string]string)
		for _, d := range h.list(webhook.Query{}) {
			before[d.EventID] = d.ID
		}
		if len(before) != 7 {
			t.Fatalf("%d deliveries before their time, want all 7", len(before))
		}
		h.stop()
		time.Sleep(2 * time.Hour)

		h = newHost(t, open(t), o)
		h.run()
		time.Sleep(30 * time.Second)
		kept := h.list(webhook.Query{})
		if len(kept) != 2 {
			t.Errorf("%d deliveries are left, want the new one and the one that is pending", len(kept))
		}
		for _, d := range kept {
			if d.EventID != "new" && d.EventID != "waits" || before[d.EventID] != d.ID {
				t.Errorf("event %s is left as %s", d.EventID, d.ID)
			}
		}
	})
}
