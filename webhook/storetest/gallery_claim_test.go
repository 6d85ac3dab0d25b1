package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenClaims = []exhibit{
	{"an empty claim is an error", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.claimSealed(ctx, c)
			if err == nil && len(batch.Deliveries) == 0 {
				err = webhook.ErrNotFound
			}
			return batch, err
		}
	}, []string{"claim/nothing"}},

	{"the due boundary is off by a microsecond", wrongClaim(func(c *webhook.Claim) { c.Now = c.Now.Add(time.Microsecond) }),
		[]string{"claim/only-due", "claim/expired", "history/requeue", "lease/is-exclusive", "lease/claimed-state", "settle/due-from-result", "settle/retry"}},

	{"newest first", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) { slices.Reverse(batch.Deliveries) }),
		[]string{"claim/oldest-first", "claim/only-named", "claim/inactive"}},

	{"ties come latest first", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		ds := batch.Deliveries
		for i, j := 0, 1; i < len(ds); i, j = j, j+1 {
			for j < len(ds) && ds[j].Lane() == ds[i].Lane() && ds[j].Due.Equal(ds[i].Due) {
				j++
			}
			slices.Reverse(ds[i:j])
		}
	}), []string{"claim/oldest-first"}},

	{"Most is ignored", wrongClaim(func(c *webhook.Claim) {
		for i := range c.Lanes {
			c.Lanes[i].Most = 1000
		}
	}), []string{"claim/most", "batch/webhooks-current", "repeat/counts"}},

	{"Most of the first lane is that of the whole claim", wrongBatch(func(b *broken, c webhook.Claim, batch *webhook.Batch) {
		n := min(len(batch.Deliveries), c.Lanes[0].Most)
		batch.Deliveries = batch.Deliveries[:n]
	}), []string{"claim/most"}},

	{"a claim takes of lanes that it does not name", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b.mu.Lock()
			for _, d := range b.known {
				if !slices.ContainsFunc(c.Lanes, func(l webhook.LaneClaim) bool { return l.Lane == d.Lane() }) {
					c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: d.Lane(), Most: 1})
				}
			}
			b.mu.Unlock()
			return b.claimSealed(ctx, c)
		}
	}, []string{"claim/only-named", "claim/class", "claim/nothing"}},

	{"lanes come in the order of their names", wrongClaim(func(c *webhook.Claim) {
		slices.SortFunc(c.Lanes, func(x, y webhook.LaneClaim) int { return strings.Compare(x.WebhookID, y.WebhookID) })
	}), []string{"claim/only-named"}},

	{"the lane is taken for the webhook", wrongEnqueue(func(d *webhook.Delivery) { d.Class = "" }), []string{"claim/class", "due/class", "enqueue/round-trip"}},

	{"deliveries come with their new Due", wrongDelivery(func(_ *broken, c webhook.Claim, d *webhook.Delivery) { d.Due = c.Until }),
		[]string{"claim/former-due", "lease/claimed-state", "repeat/same"}},

	{"lease numbers go up by one", func(b *broken) {
		given := make(map[string]int64)
		wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) {
			given[d.ID]++
			d.Lease = given[d.ID]
		})(b)
	}, []string{"claim/numbers", "lease/claimed-state"}},

	{"the lease number is that of the claim", wrongDelivery(func(_ *broken, c webhook.Claim, d *webhook.Delivery) { d.Lease = c.Lease }),
		[]string{"claim/numbers", "held/ends", "repeat/next-number", "repeat/settled"}},

	{"inactive webhooks are served", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			w.Active = true
			return b.Store.Create(ctx, w, max)
		}
		b.update = func(ctx context.Context, w webhook.Webhook) error {
			w.Active = true
			return b.Store.Update(ctx, w)
		}
	}, []string{"claim/inactive", "due/not-live", "registry/round-trip"}},

	{"expired webhooks are served", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			w.ExpiresAt = time.Time{}
			return b.Store.Create(ctx, w, max)
		}
	}, []string{"claim/expired", "batch/webhooks-whole", "registry/round-trip"}},

	{"a webhook that is switched off loses its queue", func(b *broken) {
		b.update = func(ctx context.Context, w webhook.Webhook) error {
			if !w.Active {
				ds, _, _ := b.Store.Deliveries(ctx, webhook.Query{Scope: w.Scope, WebhookID: w.ID})
				for _, d := range ds {
					_, _, _ = b.Store.Cancel(ctx, d.Scope, d.ID, d.Due) // a leased delivery stays
				}
			}
			return b.Store.Update(ctx, w)
		}
	}, []string{"claim/inactive"}},

	{"a claim ends deliveries without a webhook", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.claimSealed(ctx, c)
			batch.Deliveries = slices.DeleteFunc(batch.Deliveries, func(d webhook.Delivery) bool {
				_, missing := b.Store.Webhook(ctx, d.Scope, d.WebhookID)
				if missing != nil {
					_, _ = b.Store.Settle(ctx, []webhook.Settlement{{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateFailed, Due: c.Now}})
				}
				return missing != nil
			})
			return batch, err
		}
	}, []string{"claim/gone", "registry/delete", "claim/foreign-webhook"}},

	{"a webhook is found in any scope", wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
		for _, d := range batch.Deliveries {
			for _, w := range b.everyHook() {
				if w.ID == d.WebhookID && w.Scope != d.Scope {
					batch.Webhooks = append(batch.Webhooks, w)
				}
			}
		}
	}), []string{"claim/foreign-webhook"}},

	{"MaxBytes is ignored", wrongClaim(func(c *webhook.Claim) { c.MaxBytes = 0 }), []string{"claim/max-bytes", "claim/one-fits", "claim/short", "repeat/bytes"}},

	{"MaxBytes bounds each lane", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (all webhook.Batch, err error) {
			for _, l := range c.Lanes {
				one := c
				one.Lanes = []webhook.LaneClaim{l}
				batch, err := b.claimSealed(ctx, one)
				if err != nil {
					return all, err
				}
				all.Deliveries, all.Short = append(all.Deliveries, batch.Deliveries...), append(all.Short, batch.Short...)
				all.Unreadable = append(all.Unreadable, batch.Unreadable...)
				for _, w := range batch.Webhooks {
					if !slices.ContainsFunc(all.Webhooks, func(o webhook.Webhook) bool { return o.ID == w.ID }) {
						all.Webhooks = append(all.Webhooks, w)
					}
				}
			}
			return all, nil
		}
	}, []string{"claim/max-bytes", "claim/short"}},

	{"a delivery larger than MaxBytes is left", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.claimSealed(ctx, c)
			if c.MaxBytes > 0 && len(batch.Deliveries) == 1 && len(batch.Deliveries[0].Body) > c.MaxBytes {
				d := batch.Deliveries[0]
				_, err = b.Store.Settle(ctx, []webhook.Settlement{{ID: d.ID, Scope: d.Scope, Lease: d.Lease, Due: d.Due}})
				batch.Deliveries = nil
			}
			return batch, err
		}
	}, []string{"claim/one-fits", "repeat/bytes"}},

	{"Short is empty", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) { batch.Short = nil }), []string{"claim/short", "claim/one-fits", "repeat/bytes"}},
	{"Short names all lanes", wrongBatch(func(_ *broken, c webhook.Claim, batch *webhook.Batch) {
		batch.Short = nil
		for _, l := range c.Lanes {
			batch.Short = append(batch.Short, l.Lane)
		}
	}), []string{"claim/short", "claim/nothing"}},

	{"a claim is not repeated", func(b *broken) {
		given := make(map[string]int64)
		wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
			batch.Deliveries = slices.DeleteFunc(batch.Deliveries, func(d webhook.Delivery) bool {
				again := given[d.ID] == d.Lease
				given[d.ID] = d.Lease
				return again
			})
		})(b)
	}, []string{"repeat/same", "repeat/counts", "repeat/bytes"}},

	{"a repeated claim takes Most once more", func(b *broken) {
		seen := make(map[int64]int64)
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.claimSealed(ctx, c)
			b.mu.Lock()
			seen[c.Lease]++
			again := seen[c.Lease] > 1 && len(batch.Deliveries) > 0
			b.mu.Unlock()
			if again && err == nil {
				c.Lease += 1000
				more, err := b.claimSealed(ctx, c)
				batch.Deliveries = append(batch.Deliveries, more.Deliveries...)
				return batch, err
			}
			return batch, err
		}
	}, []string{"repeat/counts"}},

	{"the answer of a repeated claim is that of the first", func(b *broken) {
		seen := make(map[int64]webhook.Batch)
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b.mu.Lock()
			first, again := seen[c.Lease]
			b.mu.Unlock()
			if again && len(c.Lanes) == len(first.Webhooks) {
				return first, nil
			}
			batch, err := b.claimSealed(ctx, c)
			b.mu.Lock()
			seen[c.Lease] = batch
			b.mu.Unlock()
			return batch, err
		}
	}, []string{"repeat/settled", "repeat/counts", "repeat/next-number"}},

	{"a repeated claim counts as interrupted", func(b *broken) {
		given := make(map[string]int64)
		wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) {
			if given[d.ID] == d.Lease {
				d.Interrupted++
			}
			given[d.ID] = d.Lease
		})(b)
	}, []string{"repeat/same"}},
}

// everyHook returns the webhooks of all scopes that deliveries name. b.mu must be held.
func (b *broken) everyHook() (all []webhook.Webhook) {
	scopes := make(map[string]bool)
	for _, d := range b.known {
		for _, name := range []string{"-a", "-b"} {
			scopes[strings.TrimSuffix(strings.TrimSuffix(d.Scope, "-a"), "-b")+name] = true
		}
	}
	for scope := range scopes {
		ws, _ := b.Store.Webhooks(context.Background(), scope)
		all = append(all, ws...)
	}
	return all
}

var brokenBatches = []exhibit{
	{"webhooks are cached", wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, w := range batch.Webhooks {
			if known, ok := b.hooks[w.ID]; ok {
				batch.Webhooks[i] = known.Clone()
			} else {
				b.hooks[w.ID] = w.Clone()
			}
		}
	}), []string{"batch/webhooks-current"}},

	{"webhooks come without secrets", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i := range batch.Webhooks {
			batch.Webhooks[i].Secrets = nil
		}
	}), []string{"batch/webhooks-whole", "batch/webhooks-current", "enqueue/hands-out-copies"}},

	{"webhooks come once for each delivery", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		var each []webhook.Webhook
		for _, d := range batch.Deliveries {
			if i := slices.IndexFunc(batch.Webhooks, func(w webhook.Webhook) bool { return w.ID == d.WebhookID }); i >= 0 {
				each = append(each, batch.Webhooks[i])
			}
		}
		batch.Webhooks = each
	}), []string{"batch/webhooks-once", "repeat/same"}},

	{"an unreadable delivery fails the claim", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.claimSealed(ctx, c)
			if len(batch.Unreadable) > 0 {
				return webhook.Batch{}, webhook.ErrSealed
			}
			return batch, err
		}
	}, []string{"unreadable/claim"}},

	{"an unreadable delivery is handed out", func(b *broken) { b.claim = b.Store.Claim }, []string{"unreadable/claim"}},

	{"an unreadable delivery has another error", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i := range batch.Unreadable {
			batch.Unreadable[i].Err = errors.New("no such key")
		}
	}), []string{"unreadable/claim"}},

	{"an unreadable webhook is left out of Webhooks", func(b *broken) {
		b.webhooks = func(ctx context.Context, scope string) ([]webhook.Webhook, error) {
			ws, err := b.webhooksSealed(ctx, scope)
			return slices.DeleteFunc(ws, func(w webhook.Webhook) bool { return w.Unreadable != nil }), err
		}
	}, []string{"unreadable/webhooks"}},

	{"Webhook fails for one that cannot be opened", func(b *broken) {
		b.webhook = func(ctx context.Context, scope, id string) (webhook.Webhook, error) {
			w, err := b.webhookSealed(ctx, scope, id)
			return w, cmp.Or(err, w.Unreadable)
		}
	}, []string{"unreadable/update"}},

	{"Update writes nothing over what cannot be opened", func(b *broken) {
		b.update = func(ctx context.Context, w webhook.Webhook) error {
			w.Unreadable = nil
			return b.Store.Update(ctx, w)
		}
	}, []string{"unreadable/update"}},

	{"Update refuses one that cannot be opened", func(b *broken) {
		b.update = func(ctx context.Context, w webhook.Webhook) error {
			return cmp.Or(w.Unreadable, b.Store.Update(ctx, w))
		}
	}, []string{"unreadable/update"}},
}
