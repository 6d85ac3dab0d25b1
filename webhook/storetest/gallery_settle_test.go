package storetest_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenLeases = []exhibit{
	{"claims hand out what others hold", func(b *broken) {
		b.claim = func(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.Store.Claim(ctx, c)
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.first.Deliveries) == 0 {
				b.first = batch
			}
			if len(batch.Deliveries) == 0 {
				return b.first, err
			}
			return batch, err
		}
	}, []string{"lease/is-exclusive", others}},

	{"the same work comes for ever", func(b *broken) {
		b.claim = func(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.first.Deliveries) > 0 {
				return b.first, nil
			}
			batch, err := b.Store.Claim(ctx, c)
			b.first = batch
			return batch, err
		}
	}, []string{"lease/is-exclusive", others}},

	{"leases never end", wrongClaim(func(c *webhook.Claim) { c.Until = c.Now.AddDate(1, 0, 0) }), []string{"lease/ends-at-until", others}},

	{"claimed deliveries do not say that they are held", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i := range batch.Deliveries {
			batch.Deliveries[i].Held = false
		}
	}), []string{"lease/claimed-state"}},

	{"Interrupted is not counted", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i := range batch.Deliveries {
			batch.Deliveries[i].Interrupted = 0
		}
	}), []string{"lease/interrupted"}},

	{"claims count as tries", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, d := range batch.Deliveries {
			batch.Deliveries[i].Tries = int(d.Lease) - 1
		}
	}), []string{"settle/tries", "fencing/lost-lease", "fencing/repeat", "history/requeue-old-lease",
		"lease/interrupted", "lease/release-is-uncounted"}},

	{"a release counts as a try", func(b *broken) {
		wrongSettle(func(b *broken, x *webhook.Settlement, _ webhook.Delivery) {
			if x.State == webhook.StatePending && x.Result == nil {
				b.released[x.ID]++
			}
		})(b)
		wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
			for i, d := range batch.Deliveries {
				batch.Deliveries[i].Tries += b.released[d.ID]
			}
		})(b)
	}, []string{"lease/release-is-uncounted", "fencing/lost-lease", "fencing/repeat", "settle/tries"}},
}

var brokenSettles = []exhibit{
	{"Settle does not look at the lease", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if x.Lease > 0 && x.Lease < latest.Lease {
			x.Lease = latest.Lease
		}
	}), []string{"fencing/lost-lease", "fencing/after-the-end", "fencing/stale-attempt-is-kept"}},

	{"a lost lease is not reported", func(b *broken) {
		b.settle = func(b *broken, ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			_, err := b.Store.Settle(ctx, ss)
			return nil, err
		}
	}, []string{"fencing/lost-lease", "fencing/unknown", "registry/delete-scope", "settle/mixture"}},

	{"the success of a lost lease is forgotten", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if x.Lease < latest.Lease && x.State == webhook.StateDelivered {
			x.State = webhook.StatePending
		}
	}), []string{"fencing/stale-success"}},

	{"the attempt of a lost lease is forgotten", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if x.Lease < latest.Lease && x.State != webhook.StateDelivered {
			x.Result = nil
		}
	}), []string{"fencing/stale-attempt-is-kept"}},

	{"one lost lease ends the whole call", func(b *broken) {
		b.settle = func(b *broken, ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			for i := range ss {
				if lost, err := b.Store.Settle(ctx, ss[i:i+1]); err != nil || len(lost) > 0 {
					return lost, err
				}
			}
			return nil, nil
		}
	}, []string{"settle/mixture", "fencing/stale-success"}},

	{"a repeated settlement is lost", func(b *broken) {
		b.settle = func(b *broken, ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			lost, err := b.Store.Settle(ctx, ss)
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, x := range ss {
				key := fmt.Sprint(x.ID, x.Lease)
				if b.released[key]++; b.released[key] > 1 && !slices.Contains(lost, x.ID) {
					lost = append(lost, x.ID)
				}
			}
			return lost, err
		}
	}, []string{"fencing/repeat"}},

	{"a repeated settlement counts again", func(b *broken) {
		wrongSettle(func(b *broken, x *webhook.Settlement, latest webhook.Delivery) {
			key := fmt.Sprint(x.ID, x.Lease)
			if b.released[key]++; b.released[key] > 1 && x.Result != nil && x.Lease == latest.Lease {
				b.released[x.ID]++
			}
		})(b)
		wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
			for i, d := range batch.Deliveries {
				batch.Deliveries[i].Tries += b.released[d.ID]
			}
		})(b)
	}, []string{"fencing/repeat", "fencing/settled-lease-is-over", "history/requeue-old-lease"}},

	{"a retry is due at once", wrongSettle(func(_ *broken, x *webhook.Settlement, _ webhook.Delivery) {
		if x.State == webhook.StatePending && x.Result != nil {
			x.Due = x.Result.End()
		}
	}), []string{"settle/retry", "settle/mixture", "sweeper/latest-due"}},

	{"the code of the attempt before stays", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if latest.LastCode != "" {
			x.Code = latest.LastCode
		}
	}), []string{"settle/last-code"}},

	{"a release clears the code", wrongBatch(func(_ *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, d := range batch.Deliveries {
			if int(d.Lease) > d.Tries+d.Interrupted+1 {
				batch.Deliveries[i].LastCode = ""
			}
		}
	}), []string{"settle/last-code"}},

	{"FirstFailure is the latest failure", func(b *broken) {
		wrongSettle(func(b *broken, x *webhook.Settlement, latest webhook.Delivery) {
			if x.Result != nil {
				latest.FirstFailure = x.Result.End()
				b.known[x.ID+"failure"] = latest
			}
		})(b)
		wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
			for i, d := range batch.Deliveries {
				if !d.FirstFailure.IsZero() {
					batch.Deliveries[i].FirstFailure = b.known[d.ID+"failure"].FirstFailure
				}
			}
		})(b)
	}, []string{"settle/first-failure"}},

	{"Settle blocks for ever", func(b *broken) {
		b.settle = func(b *broken, ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			if len(ss) == 0 {
				<-b.until
			}
			return b.Store.Settle(ctx, ss)
		}
	}, []string{"settle/nothing"}},

	{"Settle panics when an ID is unknown", func(b *broken) {
		b.settle = func(b *broken, ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			lost, err := b.Store.Settle(ctx, ss)
			for _, id := range lost {
				if _, ok := b.known[id]; !ok {
					panic("nil row")
				}
			}
			return lost, err
		}
	}, []string{"fencing/unknown", "settle/mixture"}},
}

// checkThenAct is where a race gets its chance: in a bubble of fake time everybody
// arrives here before anybody goes on.
func checkThenAct() { time.Sleep(time.Nanosecond) }
