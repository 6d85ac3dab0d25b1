package storetest_test

import (
	"context"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook"
)

var brokenEnqueues = []exhibit{
	{"a failed Enqueue leaves its first part", func(b *broken) {
		b.enqueue = func(b *broken, ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
			for i := range ds {
				one, err := b.Store.Enqueue(ctx, ds[i:i+1])
				if err != nil {
					return nil, err
				}
				added = append(added, one...)
			}
			return added, nil
		}
	}, []string{"enqueue/all-or-none"}},

	{"Enqueue of nothing panics", func(b *broken) {
		b.enqueue = func(b *broken, ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			_ = ds[0]
			return b.Store.Enqueue(ctx, ds)
		}
	}, []string{"enqueue/nothing"}},

	{"no unique key: what is enqueued again is stored again", func(b *broken) {
		b.enqueue = func(b *broken, ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			added, err := b.Store.Enqueue(ctx, ds)
			for i, d := range ds {
				if err == nil && !added[i] {
					d.EventID += "again"
					d.ID += "again"
					one, err := b.Store.Enqueue(ctx, []webhook.Delivery{d})
					if err != nil {
						return nil, err
					}
					added[i] = one[0]
				}
			}
			return added, err
		}
	}, []string{"enqueue/once-across-calls", "enqueue/concurrent-once", "enqueue/once-after-end",
		"enqueue/once-within-call", "pruner/ended-before", "pruner/whole-events"}},

	{"the unique key forgets the webhook", func(b *broken) {
		b.enqueue = func(b *broken, ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			var kept []webhook.Delivery
			added := make([]bool, len(ds))
			for i, d := range ds {
				seen := slices.ContainsFunc(kept, func(o webhook.Delivery) bool { return o.Scope == d.Scope && o.EventID == d.EventID })
				if !seen {
					kept, added[i] = append(kept, d), true
				}
			}
			some, err := b.Store.Enqueue(ctx, kept)
			for i := range added {
				if added[i] && err == nil {
					added[i], some = some[0], some[1:]
				}
			}
			return added, err
		}
	}, []string{"enqueue/all-three-count", "history/filters", "pruner/limit", "pruner/whole-events"}},

	{"Webhooks mixes scopes", func(b *broken) {
		b.create = func(b *broken, ctx context.Context, w webhook.Webhook, max int) error {
			b.mu.Lock()
			b.hooks[w.Scope] = w
			b.mu.Unlock()
			return b.Store.Create(ctx, w, max)
		}
		b.webhooks = func(b *broken, ctx context.Context, _ string) (all []webhook.Webhook, err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			for scope := range b.hooks {
				ws, err := b.Store.Webhooks(ctx, scope)
				if err != nil {
					return nil, err
				}
				all = append(all, ws...)
			}
			slices.SortFunc(all, func(a, b webhook.Webhook) int { return a.CreatedAt.Compare(b.CreatedAt) })
			return all, nil
		}
	}, []string{"enqueue/webhooks-of-scope", "registry/delete-scope", "registry/limit", "registry/not-found"}},

	{"bodies are kept as text", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, d := range batch.Deliveries {
			batch.Deliveries[i].Body = []byte(strings.ToValidUTF8(string(d.Body), "\uFFFD"))
		}
	}), []string{"enqueue/round-trip"}},

	{"Vars and Carry are lost", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i := range batch.Deliveries {
			batch.Deliveries[i].Vars, batch.Deliveries[i].Carry = nil, nil
		}
	}), []string{"enqueue/round-trip", "enqueue/hands-out-copies", "enqueue/keeps-no-reference"}},

	{"large bodies are cut off", func(b *broken) {
		b.enqueue = func(b *broken, ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			ds = slices.Clone(ds)
			for i := range ds {
				ds[i].Body = ds[i].Body[:min(len(ds[i].Body), 65535)]
			}
			return b.Store.Enqueue(ctx, ds)
		}
	}, []string{"enqueue/body-sizes"}},

	{"what was passed to Enqueue is kept by reference", wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, d := range batch.Deliveries {
			if known, ok := b.known[d.ID]; ok {
				batch.Deliveries[i].Body, batch.Deliveries[i].Vars = known.Body, known.Vars
			}
		}
	}), []string{"enqueue/keeps-no-reference", "enqueue/hands-out-copies"}},

	{"maps are handed out by reference", wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, w := range batch.Webhooks {
			if known, ok := b.hooks[w.ID]; ok && known.Version == w.Version {
				batch.Webhooks[i] = known
			} else {
				b.hooks[w.ID] = w
			}
		}
	}), []string{"enqueue/hands-out-copies"}},
}
