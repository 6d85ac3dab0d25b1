package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenClaims = []exhibit{
	{"the due boundary is off by a microsecond", wrongClaim(func(c *webhook.Claim) {
		c.Now = c.Now.Add(time.Microsecond)
	}), []string{"claim/only-due", "claim/expired", "history/requeue", "lease/is-exclusive",
		"settle/due-from-result", "settle/retry", "sweeper/latest-due"}},

	{"newest first", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		slices.Reverse(batch.Deliveries)
	}), []string{"claim/oldest-first", "claim/inactive"}},

	{"Limit is ignored", wrongClaim(func(c *webhook.Claim) { c.Limit = 1000 }), []string{"claim/limit", "batch/oldest", "batch/webhooks-current", "fairness/busy-lane-comes-back",
		"fairness/late-lane", "fairness/turns-go-round", "fairness/turns-in-batches",
		"sweeper/abandoned", "sweeper/queued-before"}},

	{"PerLane is ignored", wrongClaim(func(c *webhook.Claim) { c.PerLane = 1000 }), []string{"claim/per-lane", "claim/lane-is-not-webhook", "claim/room-replaces", "fairness/giant-shares"}},

	{"Room is ignored", wrongClaim(func(c *webhook.Claim) { c.Room = nil }), []string{"claim/room-none", "batch/webhooks-once", "claim/lane-is-not-webhook", "claim/room-replaces",
		"fairness/busy-lane-comes-back", "fairness/giant-hides-nobody", "pruner/whole-events",
		"registry/delete-scope"}},

	{"Room only lowers PerLane", wrongClaim(func(c *webhook.Claim) {
		room := make(map[string]int)
		for lane := range c.Room {
			room[lane] = min(c.RoomFor(lane), c.PerLane)
		}
		c.Room = room
	}), []string{"claim/room-replaces"}},

	{"the lane is taken for the webhook", func(b *broken) {
		b.enqueue = func(b *broken, ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			ds = slices.Clone(ds)
			for i := range ds {
				ds[i].Lane = ds[i].WebhookID
			}
			return b.Store.Enqueue(ctx, ds)
		}
	}, []string{"claim/lane-is-not-webhook", "enqueue/round-trip"}},

	{"lanes are served by name, so the last ones starve", func(b *broken) { b.claim = claimByName }, []string{"fairness/turns-go-round", "fairness/busy-lane-comes-back", "fairness/late-lane",
		"fairness/turns-in-batches"}},

	{"the oldest hundred are read and then filtered", func(b *broken) { b.claim = claimThenFilter }, []string{"fairness/giant-hides-nobody"}},

	{"inactive webhooks are served", func(b *broken) {
		b.create = func(b *broken, ctx context.Context, w webhook.Webhook, max int) error {
			w.Active = true
			return b.Store.Create(ctx, w, max)
		}
		b.update = func(b *broken, ctx context.Context, w webhook.Webhook) error {
			w.Active = true
			return b.Store.Update(ctx, w)
		}
	}, []string{"claim/inactive", "claim/mixed-lane", "registry/round-trip"}},

	{"expired webhooks are served", func(b *broken) {
		b.create = func(b *broken, ctx context.Context, w webhook.Webhook, max int) error {
			w.ExpiresAt = time.Time{}
			return b.Store.Create(ctx, w, max)
		}
	}, []string{"claim/expired", "batch/webhooks-whole", "registry/round-trip"}},

	{"a webhook that is switched off loses its queue", func(b *broken) {
		b.update = func(b *broken, ctx context.Context, w webhook.Webhook) error {
			if !w.Active {
				ds, _, _ := b.Store.Deliveries(ctx, webhook.Query{Scope: w.Scope, WebhookID: w.ID})
				for _, d := range ds {
					_ = b.Store.Cancel(ctx, d.Scope, d.ID) // one that is leased stays
				}
			}
			return b.Store.Update(ctx, w)
		}
	}, []string{"claim/inactive"}},

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
			i := slices.IndexFunc(batch.Webhooks, func(w webhook.Webhook) bool { return w.ID == d.WebhookID })
			each = append(each, batch.Webhooks[i])
		}
		batch.Webhooks = each
	}), []string{"batch/webhooks-once"}},

	{"Next is not after Now when work was skipped", wrongBatch(func(_ *broken, c webhook.Claim, batch *webhook.Batch) {
		if len(c.Room) > 0 {
			batch.Next = c.Now
		}
	}), []string{"batch/next-is-later"}},

	{"Next knows of no retries", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		batch.Next = time.Time{}
	}), []string{"batch/next", "batch/next-is-later", "liveness/next-is-enough"}},

	{"Oldest is the time of the claim", wrongBatch(func(_ *broken, c webhook.Claim, batch *webhook.Batch) {
		batch.Oldest = c.Now
	}), []string{"batch/oldest"}},

	{"a claim that finds nothing is an error", func(b *broken) {
		b.claim = func(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.Store.Claim(ctx, c)
			if err == nil && len(batch.Deliveries) == 0 {
				err = webhook.ErrNotFound
			}
			return batch, err
		}
	}, []string{"batch/nothing", others}},
}

// claimByName serves the lanes in the order of their names.
func claimByName(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lanes := make(map[string]bool)
	for _, d := range b.known {
		lanes[d.Lane] = true
	}
	var names []string
	for lane := range lanes {
		names = append(names, lane)
	}
	slices.Sort(names)
	all, limit := webhook.Batch{}, c.Limit
	for _, name := range append(names, "") {
		one := c
		one.Limit, one.Room = max(1, limit-len(all.Deliveries)), make(map[string]int)
		for _, other := range names {
			one.Room[other] = 0
		}
		if len(all.Deliveries) < limit && name != "" {
			one.Room[name] = c.RoomFor(name)
		}
		batch, err := b.Store.Claim(ctx, one)
		if err != nil {
			return batch, err
		}
		all.Deliveries = append(all.Deliveries, batch.Deliveries...)
		for _, w := range batch.Webhooks {
			if !slices.ContainsFunc(all.Webhooks, func(o webhook.Webhook) bool { return o.ID == w.ID }) {
				all.Webhooks = append(all.Webhooks, w)
			}
		}
		all.Next = batch.Next
	}
	return all, nil
}

// claimThenFilter lets a full lane fill what is read.
func claimThenFilter(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	const read = 100
	var full []string
	b.mu.Lock()
	defer b.mu.Unlock()
	for lane, n := range c.Room {
		if n == 0 {
			full = append(full, lane)
		}
	}
	waiting := 0
	for id, d := range b.known {
		if slices.Contains(full, d.Lane) {
			if now, ok := b.find(ctx, id); ok && now.State == webhook.StatePending {
				waiting++
			}
		}
	}
	if waiting >= read {
		return webhook.Batch{}, ctx.Err()
	}
	return b.Store.Claim(ctx, c)
}
