package storetest

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// testOrderConcurrent: concurrent ends and inserts must not leave a delivery unclaimable.
func testOrderConcurrent(e *env) {
	const rounds, writers = 12, 3
	w := e.ordered()
	var order [writers]string
	for i := range order {
		order[i] = fmt.Sprintf("k%d", i)
	}
	now := e.at(time.Second)
	e.parallel(writers*2, func(n int) {
		key := order[n%writers]
		if n < writers {
			for range rounds {
				d := e.fresh(w, 1)[0]
				d.Key = key
				if _, err := e.enqueue(e.ctx, d); err != nil {
					e.errorf("Enqueue: %v", err)
				}
			}
			return
		}
		for range 4 * rounds {
			b, err := e.tryBatch(webhook.Claim{Now: now, Lanes: []webhook.LaneClaim{{Lane: laneOf(w), Most: 2, Take: webhook.TakeHeads}}})
			if err != nil {
				e.errorf("Claim: %v", err)
				return
			}
			keys := make(map[string]bool)
			for _, d := range b.Deliveries {
				if keys[d.Key] {
					e.errorf("one claim took two of key %s", d.Key)
				}
				keys[d.Key] = true
				if _, err := e.store.Settle(e.ctx, []webhook.Settlement{delivered(d, e.base)}); err != nil {
					e.errorf("Settle: %v", err)
				}
			}
		}
	})
	last := make(map[string]int64)
	for range writers * rounds {
		ds := e.heads(now, w)
		if len(ds) == 0 {
			break
		}
		for _, d := range ds {
			if d.Sequence <= last[d.Key] {
				e.errorf("of key %s, %d came after %d", d.Key, d.Sequence, last[d.Key])
			}
			last[d.Key] = d.Sequence
			e.settle(delivered(d, e.base))
		}
	}
	for n := range e.events {
		event := fmt.Sprintf("evt_%s_%06d", e.id, n+1)
		e.wantState(w.Scope, webhook.DeliveryID(w.Scope, event, w.ID), webhook.StateDelivered, webhook.CodeOK)
	}
}

// wantBehind checks that the backlog is n deliveries, all behind others of their keys.
func (e *env) wantBehind(w webhook.Webhook, n int) {
	st, ok := e.store.(webhook.Stats)
	if !ok {
		return
	}
	q := webhook.BacklogQuery{}
	for range many {
		bs, next, err := st.Backlog(e.ctx, q)
		e.ok(err, "Backlog")
		for _, b := range bs {
			if b.WebhookID == w.ID && (b.Pending.N != n || !b.OldestDue.IsZero()) {
				e.errorf("backlog of %s: %d, due %v; want %d without a due time", w.ID, b.Pending.N, b.OldestDue, n)
			}
		}
		if q.Cursor = next; next == "" {
			return
		}
	}
}
