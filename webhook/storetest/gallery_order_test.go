package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenOrders = []exhibit{
	{"keys are not kept", wrongEnqueue(func(d *webhook.Delivery) { d.Key = "" }), []string{
		"order/heads", "order/within-call", "order/hides-nothing", "order/retry", "order/ended-lease", "order/lost-answer", "order/exhausted",
		"order/ahead", "order/requeue", "order/switched", "order/concurrent",
		"coalesce/newest", "coalesce/window", "coalesce/types", "coalesce/retry", "coalesce/newest-of"}},

	{"a key is one for all webhooks", wrongBatch(func(b *broken, c webhook.Claim, batch *webhook.Batch) {
		seen := make(map[string]string)
		batch.Deliveries = slices.DeleteFunc(batch.Deliveries, func(d webhook.Delivery) bool {
			other := seen[d.Key]
			if seen[d.Key] = d.WebhookID; d.Key == "" || other == "" || other == d.WebhookID {
				return false
			}
			_, _ = b.Store.Settle(context.Background(), []webhook.Settlement{{ID: d.ID, Scope: d.Scope, Lease: d.Lease, Due: d.Due}})
			return true
		})
	}), []string{"order/webhook"}},

	{"keys hold without an order", func(b *broken) {
		wrongClaim(func(c *webhook.Claim) {
			for i := range c.Lanes {
				c.Lanes[i].Take = webhook.TakeHeads
			}
		})(b)
		b.update = func(ctx context.Context, w webhook.Webhook) error {
			if w.Order == webhook.OrderNone {
				w.Order = webhook.OrderSkip
			}
			return b.Store.Update(ctx, w)
		}
	}, []string{"order/any", "coalesce/newest"}},

	{"numbers begin anew", wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Sequence = 1 }), []string{"order/sequence"}},

	{"a new delivery of a key is due although others wait", func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			for _, x := range ss { // a failed delivery no longer holds its key
				b.mu.Lock()
				d, ok := b.find(x.ID)
				b.mu.Unlock()
				if ok && x.State == webhook.StatePending && x.Result != nil && d.Key != "" {
					x.State = webhook.StateFailed
				}
				if _, err := b.Store.Settle(ctx, []webhook.Settlement{x}); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}, []string{"order/retry", "order/exhausted"}},

	{"a key stays behind a head that was cancelled", func(b *broken) {
		b.cancel = func(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
			d, ended, err := b.Store.Cancel(ctx, scope, id, now)
			b.strand(ctx, d, now)
			return d, ended, err
		}
	}, []string{"order/cancel"}},

	{"a key stays behind a head that a sweep ended", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			ended, more, err := b.Store.Sweep(ctx, s, limit)
			for _, d := range ended {
				b.strand(ctx, d, s.Now)
			}
			return ended, more, err
		}
	}, []string{"order/sweep"}},

	{"ends are not kept", wrongEnqueue(func(d *webhook.Delivery) { d.ExpiresAt = time.Time{} }), []string{"sweeper/expires", "enqueue/round-trip"}},

	{"a requeued delivery keeps its end", func(b *broken) {
		b.delivery = func(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
			d, as, err := b.Store.Delivery(ctx, scope, id)
			b.mu.Lock()
			defer b.mu.Unlock()
			d.ExpiresAt = b.known[id].ExpiresAt
			return d, as, err
		}
	}, []string{"history/requeue"}},

	{"codes are not looked at", func(b *broken) {
		b.list = func(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			q.Codes = nil
			return b.Store.Deliveries(ctx, q)
		}
	}, []string{"history/filters"}},
}

// strand makes the deliveries that follow d in its key unclaimable.
func (b *broken) strand(ctx context.Context, d webhook.Delivery, now time.Time) {
	if d.Key != "" {
		_, _ = b.Store.Claim(ctx, webhook.Claim{Now: now.Add(time.Millisecond), Until: now.Add(24 * time.Hour), Lease: 1,
			Lanes: []webhook.LaneClaim{{Lane: d.Lane(), Most: 1000, Take: webhook.TakeHeads}}})
	}
}
