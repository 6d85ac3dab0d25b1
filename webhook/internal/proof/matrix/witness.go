package matrix

import (
	"context"
	"fmt"
	"sync"

	"github.com/postrider/postrider/internal/canary"
	"github.com/postrider/postrider/webhook"
)

// witness is an Observer that records all calls.
type witness struct {
	canary.Notes
	mu        sync.Mutex
	attempted map[string]int
	settled   map[string]int
	attention []webhook.Code
	disabled  []string // reasons
}

func newWitness() *witness { return &witness{attempted: map[string]int{}, settled: map[string]int{}} }

func (w *witness) observer() *webhook.Observer {
	note := func(d webhook.Delivery, more ...any) {
		d.Body = nil // it belongs to the host
		fmt.Fprintf(w, "%+v %+v\n", d, more)
	}
	locked := func(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }
	return &webhook.Observer{
		Enqueued: func(_ context.Context, d webhook.Delivery) { note(d) },
		Attempted: func(_ context.Context, d webhook.Delivery, a webhook.Attempt) {
			note(d, a)
			locked(func() { w.attempted[d.ID]++ })
		},
		Settled: func(_ context.Context, d webhook.Delivery) { note(d); locked(func() { w.settled[d.ID]++ }) },
		Lost:    func(_ context.Context, d webhook.Delivery) { note(d, "lost") },
		Disabled: func(_ context.Context, h webhook.Webhook) {
			fmt.Fprintf(w, "%s %v %s\n", h.ID, h.Secrets, h.DisabledReason)
			locked(func() { w.disabled = append(w.disabled, h.DisabledReason) })
		},
		Attention: func(_ context.Context, h webhook.Webhook, c webhook.Code, _ *webhook.Attempt) {
			fmt.Fprintf(w, "%s %v %s\n", h.ID, h.Secrets, c)
			locked(func() { w.attention = append(w.attention, c) })
		},
	}
}

func (w *witness) hasSettled(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settled[id] > 0
}
