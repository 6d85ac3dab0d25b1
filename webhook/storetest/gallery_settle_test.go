package storetest_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenLeases = []exhibit{
	{"a repeated claim leaves the end of its leases", func(b *broken) {
		ends := make(map[int64]time.Time)
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b.mu.Lock()
			if end, again := ends[c.Lease]; again {
				c.Until = end
			}
			ends[c.Lease] = c.Until
			b.mu.Unlock()
			return b.claimSealed(ctx, c)
		}
	}, []string{"repeat/same"}},

	{"claims hand out deliveries that others hold", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.claimSealed(ctx, c)
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
	}, []string{"lease/is-exclusive", "lease/concurrent-claimers"}},

	{"the same deliveries are claimed for ever", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.first.Deliveries) > 0 {
				return b.first, nil
			}
			batch, err := b.Store.Claim(ctx, c)
			b.first = batch
			return batch, err
		}
	}, []string{"lease/is-exclusive", "liveness/drains", "liveness/enqueue-while-claiming", "liveness/several-claimers"}},

	{"leases never end", wrongClaim(func(c *webhook.Claim) { c.Until = c.Now.AddDate(1, 0, 0) }),
		[]string{"lease/ends-at-until", "lease/claimed-state", "liveness/abandoned-work-returns", "lease/interrupted"}},

	{"claimed deliveries do not say that they are held", wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Held = false }),
		[]string{"lease/claimed-state"}},

	{"Interrupted is not counted", wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Interrupted = 0 }),
		[]string{"lease/interrupted", "held/ends"}},

	{"claims count as tries", func(b *broken) {
		claims := make(map[string]int)
		wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) {
			d.Tries = claims[d.ID]
			claims[d.ID]++
		})(b)
	}, []string{"settle/tries", "fencing/lost-lease", "lease/interrupted", "lease/release-is-uncounted"}},

	{"attempts are not counted", wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Attempts = 0 }),
		[]string{"settle/tries", "history/requeue"}},

	{"a release counts as a try", func(b *broken) {
		wrongSettle(func(b *broken, x *webhook.Settlement, _ webhook.Delivery) {
			if x.State == webhook.StatePending && x.Result == nil {
				b.counts[x.ID]++
			}
		})(b)
		wrongDelivery(func(b *broken, _ webhook.Claim, d *webhook.Delivery) { d.Tries += int(b.counts[d.ID]) })(b)
	}, []string{"lease/release-is-uncounted", "settle/tries", "claim/former-due"}},
}

// nothingSettled is a Settle that does nothing.
func nothingSettled(context.Context, []webhook.Settlement) ([]string, error) { return nil, nil }

var brokenSettles = []exhibit{
	{"Settle does nothing", func(b *broken) { b.settle = nothingSettled },
		[]string{"settle/delivered", "settle/failed", "settle/retry", "settle/first-failure", "settle/attempts", "settle/mixture"}},

	{"Settle does not look at the lease", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if x.Lease > 0 && x.Lease < latest.Lease {
			x.Lease = latest.Lease
		}
	}), []string{"fencing/lost-lease", "fencing/after-the-end", "fencing/stale-attempt-is-kept"}},

	{"a lease above the latest is taken for it", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if x.Lease > latest.Lease && x.State == webhook.StateDelivered {
			x.Lease = latest.Lease
		}
	}), []string{"fencing/success-above"}},

	{"a lease that has ended is lost", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if latest.Held && x.Due.After(latest.Due) {
			x.Lease--
		}
	}), []string{"fencing/late"}},

	{"Scope is not looked at", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if latest.ID != "" {
			x.Scope = latest.Scope
		}
	}), []string{"settle/several-scopes"}},

	{"a success needs an attempt", wrongSettle(func(_ *broken, x *webhook.Settlement, _ webhook.Delivery) {
		if x.State == webhook.StateDelivered && x.Result == nil {
			x.State = webhook.StatePending
		}
	}), []string{"settle/success-without-attempt", "fencing/repeat"}},

	{"a lost lease is not reported", func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
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
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			for i := range ss {
				if lost, err := b.Store.Settle(ctx, ss[i:i+1]); err != nil || len(lost) > 0 {
					return lost, err
				}
			}
			return nil, nil
		}
	}, []string{"settle/mixture", "fencing/stale-success"}},

	{"a repeated settlement is lost", func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			lost, err := b.Store.Settle(ctx, ss)
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, x := range ss {
				key := fmt.Sprint(x.ID, x.Lease)
				if b.counts[key]++; b.counts[key] > 1 && !slices.Contains(lost, x.ID) {
					lost = append(lost, x.ID)
				}
			}
			return lost, err
		}
	}, []string{"fencing/repeat"}},

	{"a settlement counts again", func(b *broken) {
		wrongSettle(func(b *broken, x *webhook.Settlement, latest webhook.Delivery) {
			key := fmt.Sprint(x.ID, x.Lease)
			if b.counts[key]++; b.counts[key] > 1 && x.Result != nil && x.Lease == latest.Lease {
				b.counts[x.ID]++
			}
		})(b)
		wrongDelivery(func(b *broken, _ webhook.Claim, d *webhook.Delivery) { d.Tries += int(b.counts[d.ID]) })(b)
	}, []string{"fencing/repeat", "fencing/settled-lease-is-over", "history/requeue-old-lease"}},

	{"a retry is due at once", wrongSettle(func(_ *broken, x *webhook.Settlement, _ webhook.Delivery) {
		if x.State == webhook.StatePending && x.Result != nil {
			x.Due = x.Result.End()
		}
	}), []string{"settle/retry", "settle/mixture"}},

	{"without Due a settlement is due never", wrongSettle(func(_ *broken, x *webhook.Settlement, _ webhook.Delivery) {
		if x.Due.IsZero() {
			x.Due = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}), []string{"settle/due-from-result"}},

	{"the code of the attempt before stays", wrongSettle(func(_ *broken, x *webhook.Settlement, latest webhook.Delivery) {
		if latest.LastCode != "" {
			x.Code = latest.LastCode
		}
	}), []string{"settle/last-code"}},

	{"FirstFailure is the latest failure", func(b *broken) {
		latest := make(map[string]time.Time)
		wrongSettle(func(_ *broken, x *webhook.Settlement, _ webhook.Delivery) {
			if x.Result != nil {
				latest[x.ID] = x.Result.End()
			}
		})(b)
		wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) {
			if !d.FirstFailure.IsZero() {
				d.FirstFailure = latest[d.ID]
			}
		})(b)
	}, []string{"settle/first-failure"}},

	{"Settle blocks for ever", func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			if len(ss) == 0 {
				<-b.until
			}
			return b.Store.Settle(ctx, ss)
		}
	}, []string{"settle/nothing"}},

	{"Settle panics when an ID is unknown", func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
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
