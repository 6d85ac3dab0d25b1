package webhook_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

func (h *host) list(q webhook.Query) (events []string, next string) {
	h.t.Helper()
	q.Scope = scope
	ds, next, err := h.hooks.Deliveries(ctx, q)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range ds {
		events = append(events, d.EventID)
	}
	return events, next
}

// Rule: the list is newest first, narrowed by every field of the Query, a page at a time.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if r.Header.Get("Webhook-Id") == "evt_2" {
			return answer{status: 400}
		}
		return answer{status: 200}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		start := time.Now()
		first := h.add("one")
		for i := range 5 {
			h.dispatch(id("evt_%d", i))
			settled(time.Minute)
		}
		failure, err := payload.New(scope, payload.TaskFailure{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"}, id("evt_5"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Dispatch(ctx, failure); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		h.setActive(first, false)
		h.SetPaused(true)
		second := h.add("two")
		h.dispatch(id("evt_6"))
		for name, c := range map[string]struct {
			q    webhook.Query
			want []string
		}{
			"all":          {webhook.Query{}, []string{"evt_6", "evt_5", "evt_4", "evt_3", "evt_2", "evt_1", "evt_0"}},
			"oldest first": {webhook.Query{OldestFirst: true}, []string{"evt_0", "evt_1", "evt_2", "evt_3", "evt_4", "evt_5", "evt_6"}},
			"webhook":      {webhook.Query{WebhookID: second.ID}, []string{"evt_6"}},
			"event":        {webhook.Query{EventID: "evt_3"}, []string{"evt_3"}},
			"type":         {webhook.Query{Type: "taskFailure"}, []string{"evt_5"}},
			"failed":       {webhook.Query{States: []webhook.State{webhook.StateFailed}}, []string{"evt_2"}},
			"not accepted": {webhook.Query{States: []webhook.State{webhook.StateFailed, webhook.StatePending}}, []string{"evt_6", "evt_2"}},
			"window":       {webhook.Query{Since: start.Add(time.Minute), Until: start.Add(3 * time.Minute)}, []string{"evt_2", "evt_1"}},
			"nothing":      {webhook.Query{WebhookID: second.ID, Type: "taskFailure"}, nil},
		} {
			got, next := h.list(c.q)
			if diff := cmp.Diff(c.want, got); diff != "" || next != "" {
				t.Errorf("%s: next %q (-want +got):\n%s", name, next, diff)
			}
			for size := 1; size <= 3; size++ {
				q, paged := c.q, []string(nil)
				for q.Limit = size; ; {
					page, next := h.list(q)
					if len(page) > size {
						t.Errorf("%s: page of %d, limit %d", name, len(page), size)
					}
					paged = append(paged, page...)
					if q.Cursor = next; next == "" {
						break
					}
				}
				if diff := cmp.Diff(c.want, paged); diff != "" {
					t.Errorf("%s, %d a page (-want +got):\n%s", name, size, diff)
				}
			}
		}
	})
}

// Rule: an invalid Query is refused before the Store is called.
func TestDeliveriesRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	now := time.Now()
	for name, q := range map[string]webhook.Query{
		"no scope":           {},
		"limit below 0":      {Scope: scope, Limit: -1},
		"limit above 500":    {Scope: scope, Limit: 501},
		"window upside down": {Scope: scope, Since: now, Until: now.Add(-1)},
		"damaged cursor":     {Scope: scope, Cursor: "x"},
	} {
		if _, _, err := h.hooks.Deliveries(ctx, q); !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if (webhook.Query{}).PageSize() != 50 || (webhook.Query{Limit: 7}).PageSize() != 7 {
		t.Errorf("page sizes %d and %d, want 50 and 7", webhook.Query{}.PageSize(), webhook.Query{Limit: 7}.PageSize())
	}
}

// Rule: a record has its state and its attempts with status, code and time.
func TestDeliveryRecord(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer {
		return []answer{{status: 503, body: "busy", delay: time.Second}, {}, {status: 200, body: "thanks"}}[n-1]
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		w := h.add("one")
		start := time.Now()
		id := h.dispatch(id("evt_1"))
		settled(time.Hour)
		d, as := h.delivery(id)
		want := []webhook.Attempt{
			{Number: 1, Status: 503, Code: webhook.CodeStatus, Start: start, Duration: time.Second, Snippet: "busy"},
			{Number: 2, Code: webhook.CodeProtocol},
			{Number: 3, Status: 200, Snippet: "thanks"},
		}
		rs := to.seen()
		for i := range want {
			want[i].Start = rs[i].At.UTC()
		}
		if diff := cmp.Diff(want, as); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		body := rs[0].Body
		wantD := webhook.Delivery{ID: id, EventID: "evt_1", WebhookID: w.ID, Scope: scope, Type: "taskSuccess", Body: []byte(body),
			State: webhook.StateDelivered, Tries: 3, Attempts: 3, Due: rs[2].At, FirstFailure: start.Add(time.Second),
			CreatedAt: start, QueuedAt: start, FinishedAt: rs[2].At}
		if d.Lease <= start.UnixMicro() {
			t.Errorf("lease number %d, want one above the time", d.Lease)
		}
		wantD.Lease, wantD.Sequence = d.Lease, d.Sequence
		if diff := cmp.Diff(wantD, d); diff != "" {
			t.Errorf("delivery (-want +got):\n%s", diff)
		}
	})
}

// Rule: Redeliver sends any delivery once more, with its identifier and bytes, a fresh budget of
// retries, and attempt numbers that continue. While the delivery is being sent it returns ErrHeld.
func TestRedeliver(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int{"failed": 400, "exhausted": 503, "delivered": 200} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var down atomic.Bool
			to := &receiver{answer: func(int, request) answer {
				if down.Load() {
					return answer{status: 503, delay: time.Second}
				}
				return answer{status: code, delay: time.Second}
			}}
			inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
				h.add("one")
				d := h.dispatch()
				settled(500 * time.Millisecond)
				if err := h.hooks.Redeliver(ctx, scope, d); !errors.Is(err, webhook.ErrHeld) {
					t.Errorf("in flight: %v, want ErrHeld", err)
				}
				settled(time.Hour)
				before := len(to.seen())
				_, earlier := h.delivery(d)
				down.Store(true)
				if err := h.hooks.Redeliver(ctx, scope, d); err != nil {
					t.Fatal(err)
				}
				settled(time.Hour)
				if n := len(to.seen()) - before; n != 4 {
					t.Errorf("%d requests after Redeliver, want a fresh budget of 4", n)
				}
				if got := h.outcome(d); got != "failed status exhausted tries=4" {
					t.Error(got)
				}
				rs := to.seen()
				for _, r := range rs[1:] {
					if r.Body != rs[0].Body || r.Header.Get("Webhook-Id") != rs[0].Header.Get("Webhook-Id") {
						t.Errorf("sent %+v after %+v", r, rs[0])
					}
				}
				got, all := h.delivery(d)
				if len(all) != len(earlier)+4 || !cmp.Equal(all[0], earlier[0]) || got.Attempts != len(all) {
					t.Errorf("%d attempts in the record and %d counted, want %d and 4 more", len(all), got.Attempts, len(earlier))
				}
				for i, a := range all {
					if a.Number != i+1 {
						t.Errorf("attempt %d of the record has number %d", i+1, a.Number)
					}
				}
			})
		})
	}
}

// Rule: a delivery that waits for a retry can be redelivered at once.
func TestRedeliverWaiting(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer { return answer{status: []int{503, 503, 200}[n-1]} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
		h.add("one")
		d := h.dispatch()
		settled(15 * time.Second) // now it waits for the second retry
		if err := h.hooks.Redeliver(ctx, scope, d); err != nil {
			t.Fatal(err)
		}
		settled(time.Second)
		if got := h.outcome(d); got != "delivered tries=1" {
			t.Error(got)
		}
		if d, as := h.delivery(d); d.Attempts != 3 || len(as) != 3 || as[2].Number != 3 {
			t.Errorf("%d attempts counted, record %+v; want 3", d.Attempts, as)
		}
	})
}

// Rule: Cancel ends a pending delivery and leaves an ended one unchanged. While a delivery is being
// sent it returns ErrHeld. A cancelled delivery can be redelivered, unless its webhook is gone.
func TestCancel(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 503, delay: time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
		w := h.add("one")
		d := h.dispatch()
		settled(500 * time.Millisecond)
		if err := h.hooks.Cancel(ctx, scope, d); !errors.Is(err, webhook.ErrHeld) {
			t.Errorf("in flight: %v, want ErrHeld", err)
		}
		settled(time.Second)
		if err := h.hooks.Cancel(ctx, scope, d); err != nil {
			t.Fatal(err)
		}
		settled(time.Hour)
		if got := h.outcome(d); got != "failed cancelled tries=1" || len(to.seen()) != 1 {
			t.Errorf("%s after %d requests", got, len(to.seen()))
		}
		ended, _ := h.delivery(d)
		if err := h.hooks.Cancel(ctx, scope, d); err != nil {
			t.Errorf("what has ended: %v", err)
		}
		if again, _ := h.delivery(d); cmp.Diff(ended, again) != "" {
			t.Errorf("what has ended changed: %s", cmp.Diff(ended, again))
		}
		if err := h.hooks.Redeliver(ctx, scope, d); err != nil {
			t.Errorf("Redeliver: %v", err)
		}
		settled(time.Hour)
		if n := len(to.seen()); n != 5 {
			t.Errorf("%d requests, want 5", n)
		}
		if err := h.hooks.Delete(ctx, scope, w.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.hooks.Redeliver(ctx, scope, d); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("Redeliver without its webhook: %v, want ErrNotFound", err)
		}
	})
}
