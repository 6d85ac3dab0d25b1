package webhook_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/webhook"
)

// Rule: of the queued events of a key and type the latest is sent. The others end as superseded,
// which is no failure and is not replayed.
func TestCoalesce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	down := true
	to := &receiver{answer: func(int, request) answer {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return answer{status: 503}
		}
		return answer{status: 200}
	}}
	inBubble(t, ordering(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one", func(w *webhook.Webhook) { w.Coalesce = true })
		const keys, edits = 5, 40
		var last []string
		for n := range edits {
			for k := range keys {
				event := fmt.Sprintf("e%d-%02d", k, n)
				h.send(event, fmt.Sprint("issue ", k))
				if n == edits-1 {
					last = append(last, event)
				}
			}
			settled(time.Millisecond)
		}
		before := len(h.to.seen())
		mu.Lock()
		down = false
		mu.Unlock()
		settled(time.Hour)
		got := arrived(h.to.seen()[before:])
		slices.Sort(got)
		if diff := cmp.Diff(last, got); diff != "" {
			t.Fatalf("requests when the endpoint was back (-want +got):\n%s", diff)
		}
		ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: w.ID, Codes: []webhook.Code{webhook.CodeSuperseded}, Limit: 500})
		if err != nil || len(ds) != keys*(edits-1) {
			t.Fatalf("%d deliveries were superseded, %v; want %d", len(ds), err, keys*(edits-1))
		}
		by, err := h.hooks.Successor(ctx, scope, ds[len(ds)-1].ID)
		if err != nil || !slices.Contains(last, by.EventID) {
			t.Errorf("superseded by %q, %v; want one of %v", by.EventID, err, last)
		}
		if health, err := h.hooks.Health(ctx, scope, w.ID); err != nil || !health.OK() {
			t.Errorf("health %+v, %v; want it well", health, err)
		}
		if s := h.Status(); s.Delivered != keys || s.Failed != 0 {
			t.Errorf("%d delivered and %d failed, want %d and none: what is superseded has not failed", s.Delivered, s.Failed, keys)
		}
		queued, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1000)
		if err != nil || queued != keys {
			t.Errorf("replayed %d, %v; want %d", queued, err, keys)
		}
		queued, err = h.hooks.Replay(ctx, webhook.Query{Scope: scope, Codes: []webhook.Code{webhook.CodeSuperseded}}, 1000)
		if err != nil || queued != keys*(edits-1) {
			t.Errorf("replayed %d of what was superseded, %v; want %d", queued, err, keys*(edits-1))
		}
	})
}

// Rule: the window begins with the oldest waiting event, and later events do not move it.
func TestCoalesceWait(t *testing.T) {
	t.Parallel()
	inBubble(t, ordering(), nil, func(h *host) {
		h.add("one", func(w *webhook.Webhook) { w.Coalesce, w.CoalesceWait = true, 5*time.Second })
		begin := time.Now()
		for i := range 40 { // one each 500 ms
			h.send(fmt.Sprintf("e%02d", i), "k")
			settled(500 * time.Millisecond)
		}
		settled(10 * time.Second)
		rs := h.to.seen()
		if len(rs) < 3 || len(rs) > 5 {
			t.Fatalf("%d requests for 20 s of events in windows of 5 s: %v", len(rs), arrived(rs))
		}
		if wait := rs[0].At.Sub(begin); wait < 5*time.Second || wait > 6500*time.Millisecond {
			t.Errorf("the first request came after %v, want 5 s", wait)
		}
		if got := arrived(rs); got[len(got)-1] != "e39" || !slices.IsSorted(got) {
			t.Errorf("requests %v, want states that never go back, e39 last", got)
		}
	})
}
