package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenHistories = []exhibit{
	{"pages are numbered", func(b *broken) {
		b.list = func(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			offset := 0
			if _, err := fmt.Sscanf(q.Cursor, "offset-%d", &offset); err != nil && q.Cursor != "" {
				return nil, "", webhook.ErrInvalid
			}
			limit := q.Limit
			if limit == 0 {
				limit = 50
			}
			q.Cursor, q.Limit = "", 500
			ds, more, err := b.Store.Deliveries(ctx, q)
			if err != nil {
				return nil, "", err
			}
			ds = ds[min(offset, len(ds)):]
			next := ""
			if len(ds) > limit || more != "" {
				ds, next = ds[:min(limit, len(ds))], fmt.Sprintf("offset-%d", offset+limit)
			}
			return ds, next, nil
		}
	}, []string{"history/paging-while-adding", "history/cursor"}},

	{"a page begins with the last of the one before", func(b *broken) {
		b.list = func(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			ds, next, err := b.Store.Deliveries(ctx, q)
			if q.Cursor != "" && len(ds) > 0 {
				ds = append(ds[:1:1], ds...)
			}
			return ds, next, err
		}
	}, []string{"history/paging", "history/order"}},

	{"a page may have any size", func(b *broken) {
		b.list = func(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			if q.Limit <= 500 {
				return b.Store.Deliveries(ctx, q)
			}
			q.Limit = 500
			ds, next, err := b.Store.Deliveries(ctx, q)
			if err != nil || next == "" {
				return ds, next, err
			}
			q.Cursor = next
			more, next, err := b.Store.Deliveries(ctx, q)
			return append(ds, more...), next, err
		}
	}, []string{"history/limit"}},

	{"Until is included", func(b *broken) {
		b.list = func(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			if !q.Until.IsZero() {
				q.Until = q.Until.Add(time.Microsecond)
			}
			return b.Store.Deliveries(ctx, q)
		}
	}, []string{"history/filters"}},

	{"the list is by ID", func(b *broken) {
		b.list = func(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			ds, next, err := b.Store.Deliveries(ctx, q)
			slices.SortFunc(ds, func(x, y webhook.Delivery) int { return strings.Compare(x.ID, y.ID) })
			return ds, next, err
		}
	}, []string{"history/order"}},

	{"Requeue of a leased delivery succeeds without effect", func(b *broken) {
		b.requeue = func(ctx context.Context, scope, id string, due time.Time) error {
			err := b.Store.Requeue(ctx, scope, id, due)
			if errors.Is(err, webhook.ErrHeld) {
				return nil
			}
			return err
		}
	}, []string{"history/requeue-refused"}},

	{"Requeue keeps the budget", func(b *broken) {
		former := make(map[string]int)
		b.requeue = func(ctx context.Context, scope, id string, due time.Time) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			d, _ := b.find(id)
			former[id] = d.Tries
			return b.Store.Requeue(ctx, scope, id, due)
		}
		wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Tries += former[d.ID] })(b)
	}, []string{"history/requeue-old-lease"}},

	{"an end without a Result counts again after a Requeue", func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			lost, err := b.Store.Settle(ctx, ss)
			for _, x := range ss {
				if x.Result == nil && x.State == webhook.StateFailed {
					_, _, _ = b.Store.Cancel(ctx, x.Scope, x.ID, x.Due) // ends what is not held
				}
			}
			return lost, err
		}
	}, []string{"history/requeue-old-lease"}},

	{"lease numbers start anew with a Requeue", func(b *broken) {
		b.delivery = func(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
			d, as, err := b.Store.Delivery(ctx, scope, id)
			if d.State == webhook.StatePending && d.Attempts > 0 && d.Tries == 0 {
				d.Lease = 0
			}
			return d, as, err
		}
	}, []string{"history/requeue"}},

	{"attempts start anew with a Requeue", func(b *broken) {
		wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Attempts = d.Tries })(b)
	}, []string{"history/requeue"}},

	{"the history keeps no header of an answer", func(b *broken) {
		b.delivery = func(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
			d, as, err := b.Store.Delivery(ctx, scope, id)
			for i := range as {
				as[i].Header = nil
			}
			return d, as, err
		}
	}, []string{"settle/attempts"}},

	{"an ended delivery is due at the end of its lease", func(b *broken) {
		b.delivery = func(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
			d, as, err := b.Store.Delivery(ctx, scope, id)
			if d.State != webhook.StatePending {
				d.Due = d.Due.Add(time.Minute)
			}
			return d, as, err
		}
	}, []string{"settle/delivered", "settle/failed"}},

	{"Requeue is due at once", func(b *broken) {
		b.requeue = func(ctx context.Context, scope, id string, _ time.Time) error {
			return b.Store.Requeue(ctx, scope, id, time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}, []string{"history/requeue", "sweeper/requeued-waits"}},

	{"Delivery looks in all scopes", func(b *broken) {
		b.delivery = func(ctx context.Context, _, id string) (webhook.Delivery, []webhook.Attempt, error) {
			b.mu.Lock()
			scope := b.known[id].Scope
			b.mu.Unlock()
			return b.Store.Delivery(ctx, scope, id)
		}
	}, []string{"history/delivery"}},

	{"Cancel blocks for ever", func(b *broken) {
		b.cancel = func(context.Context, string, string, time.Time) (webhook.Delivery, bool, error) {
			<-b.until
			return webhook.Delivery{}, false, webhook.ErrClosed
		}
	}, []string{"history/cancel"}},

	{"Cancel ends at a time of its own", func(b *broken) {
		b.cancel = func(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
			return b.Store.Cancel(ctx, scope, id, now.Add(time.Second))
		}
	}, []string{"history/cancel", "history/cancel-held"}},

	{"Cancel returns the body, and ended for an ended delivery", func(b *broken) {
		b.cancel = func(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
			d, _, err := b.Store.Cancel(ctx, scope, id, now)
			d.Body = []byte("body")
			return d, err == nil, err
		}
	}, []string{"history/cancel"}},

	{"a lease that has ended before a Cancel is not counted", func(b *broken) {
		b.cancel = func(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
			d, ended, err := b.Store.Cancel(ctx, scope, id, now)
			d.Interrupted = 0
			return d, ended, err
		}
	}, []string{"history/cancel-held"}},

	{"a lease that has ended prevents Cancel", func(b *broken) {
		b.cancel = func(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
			b.mu.Lock()
			d, _ := b.find(id)
			b.mu.Unlock()
			if d.Held {
				return webhook.Delivery{}, false, webhook.ErrHeld
			}
			return b.Store.Cancel(ctx, scope, id, now)
		}
	}, []string{"history/cancel-held"}},
}

var brokenOverviews = []exhibit{
	{"the latest delivery is the one that was stored last, with its body", func(b *broken) {
		b.latest = func(ctx context.Context, scope string, ids []string) ([]webhook.Delivery, error) {
			var out []webhook.Delivery
			for _, id := range ids {
				ds, _, err := b.Store.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: id, OldestFirst: true, Limit: 1})
				if err != nil {
					return nil, err
				}
				out = append(out, ds...)
			}
			return out, nil
		}
	}, []string{"overview/latest"}},
	{"the latest attempt is the first", func(b *broken) {
		b.attempts = func(ctx context.Context, scope string, ids []string) (map[string]webhook.Attempt, error) {
			out := make(map[string]webhook.Attempt)
			for _, id := range ids {
				if _, as, err := b.Store.Delivery(ctx, scope, id); err == nil && len(as) > 0 {
					out[id] = as[0]
				}
			}
			return out, nil
		}
	}, []string{"overview/latest-attempts"}},
	{"a repeated settlement counts again", func(b *broken) {
		seen := make(map[string]int64)
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			b.mu.Lock()
			for _, s := range ss {
				if seen[s.ID]++; seen[s.ID] > 1 && s.Result != nil {
					b.counts["again"]++
				}
			}
			b.mu.Unlock()
			return b.Store.Settle(ctx, ss)
		}
		b.tally = func(ctx context.Context, scope string, ids []string, since time.Time) ([]webhook.HourCount, error) {
			cs, err := b.Store.Counts(ctx, scope, ids, since)
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(cs) > 0 {
				cs[0].Accepted += b.counts["again"]
			}
			return cs, err
		}
	}, []string{"counters/attempts"}},
	{"counts of all hours are returned", func(b *broken) {
		b.tally = func(ctx context.Context, scope string, ids []string, _ time.Time) ([]webhook.HourCount, error) {
			return b.Store.Counts(ctx, scope, ids, time.Time{})
		}
	}, []string{"counters/selection"}},
}
