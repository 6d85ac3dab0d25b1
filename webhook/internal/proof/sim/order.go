package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// In an ordered story each webhook has one of the policies, and events have one of a few keys. The
// rules: the first request of a delivery begins while no delivery of its key is ahead of it, and
// the numbers of first requests of a key grow.

const storyKeys = 5

// orders are the policies of the webhooks, in turn; the last one coalesces.
var orders = []webhook.OrderPolicy{webhook.OrderSkip, webhook.OrderBlock, webhook.OrderHold, webhook.OrderNone}

// order gives a webhook its policy.
func (s *Story) order(w *webhook.Webhook, i int) {
	if !s.Ordered {
		return
	}
	w.Order = orders[i%len(orders)]
	w.Coalesce = w.Order == webhook.OrderNone
	w.CoalesceWait = time.Duration(s.draw(2, "window", i)) * 5 * time.Second
	if !w.Coalesce {
		w.CoalesceWait = 0
	}
}

// numbers are the greatest numbers of the first requests of each key.
type numbers struct {
	mu   sync.Mutex
	last map[string]int64
	seen int // judged first requests
}

// inOrder judges the first request of a delivery.
func (w *World) inOrder(d *webhook.Delivery) {
	if d.Key == "" || d.State != webhook.StatePending {
		return
	}
	if ahead, err := w.store.Ahead(context.Background(), d.Scope, d.ID); err == nil {
		w.violated("a request of delivery %s, number %d of key %s, while number %d is ahead", d.ID, d.Sequence, d.Key, ahead.Sequence)
	}
	n := &w.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil {
		n.last = map[string]int64{}
	}
	n.seen++
	key := fmt.Sprint(d.WebhookID, " ", d.Key)
	if d.Sequence < n.last[key] {
		w.violated("the first request of number %d of key %s came after that of number %d", d.Sequence, d.Key, n.last[key])
	}
	n.last[key] = max(n.last[key], d.Sequence)
}

// release redelivers deliveries that wait for a person, while the story ends.
func (w *World) release() {
	for range 8 {
		for _, hook := range w.hooks {
			held, err := w.store.HeldBack(context.Background(), hook.Scope, hook.ID, 500)
			if err != nil {
				w.violated("HeldBack: %v", err)
			}
			for _, d := range held {
				if w.store.Requeue(context.Background(), d.Scope, d.ID, w.storeTime()) == nil {
					w.books.requeued(d.ID)
				}
			}
		}
		time.Sleep(10 * time.Minute)
	}
}

// patient reports whether a delivery may have more attempts, or interruptions, than the budget: a
// head that blocks its key is retried until it is accepted.
func (w *World) patient(id string) bool {
	for _, hook := range w.hooks {
		if hook.ID == id {
			return hook.Order == webhook.OrderBlock
		}
	}
	return false
}
