package storetest_test

import (
	"context"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// wrongTotals changes the answer of Totals.
func wrongTotals(change func(t *webhook.Totals)) func(*broken) {
	return func(b *broken) {
		b.totals = func(ctx context.Context, now time.Time) (webhook.Totals, error) {
			t, err := b.Store.Totals(ctx, now)
			change(&t)
			return t, err
		}
	}
}

var brokenStats = []exhibit{
	{"held deliveries count as waiting", wrongTotals(func(t *webhook.Totals) { t.Held.N = 0 }), []string{"stats/totals", "stats/model"}},
	{"held deliveries do not count as pending", wrongTotals(func(t *webhook.Totals) { t.Pending.N -= t.Held.N }), []string{"stats/totals", "stats/model"}},
	{"nothing is a retry", wrongTotals(func(t *webhook.Totals) { t.Retrying.N = 0 }), []string{"stats/totals", "stats/model"}},
	{"the oldest is a delivery that cannot be sent", func(b *broken) {
		b.totals = func(ctx context.Context, now time.Time) (webhook.Totals, error) {
			t, err := b.Store.Totals(ctx, now)
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, d := range b.known {
				if !d.Due.After(now) && (t.OldestDue.IsZero() || d.Due.Before(t.OldestDue)) {
					t.OldestDue = d.Due
				}
			}
			return t, err
		}
	}, []string{"stats/oldest"}},
	{"a webhook with an ExpiresAt counts as inactive", func(b *broken) {
		b.totals = func(ctx context.Context, now time.Time) (webhook.Totals, error) {
			return b.Store.Totals(ctx, now.AddDate(1, 0, 0))
		}
	}, []string{"stats/webhooks"}},
	{"a page of backlogs begins with the last of the one before", func(b *broken) {
		b.backlog = func(ctx context.Context, q webhook.BacklogQuery) ([]webhook.Backlog, string, error) {
			bs, next, err := b.Store.Backlog(ctx, q)
			if q.Cursor != "" && len(bs) > 0 {
				bs = append(bs[:1:1], bs...)
			}
			return bs, next, err
		}
	}, []string{"stats/backlog-pages"}},
	{"backlogs come in one order only", func(b *broken) {
		b.backlog = func(ctx context.Context, q webhook.BacklogQuery) ([]webhook.Backlog, string, error) {
			if q.Order == webhook.BacklogLargest {
				q.Order = webhook.BacklogOldest
			}
			return b.Store.Backlog(ctx, q)
		}
	}, []string{"stats/backlog-pages", "stats/backlog-refused", "stats/model"}},
	{"a page of backlogs has any size", func(b *broken) {
		b.backlog = func(ctx context.Context, q webhook.BacklogQuery) ([]webhook.Backlog, string, error) {
			q.Limit = max(0, min(q.Limit, 100))
			return b.Store.Backlog(ctx, q)
		}
	}, []string{"stats/backlog-refused"}},
	{"an event is found in one scope only", func(b *broken) {
		b.lookUp = func(ctx context.Context, event string, limit int) (found []webhook.Delivery, err error) {
			ds, err := b.Store.Find(ctx, event, limit)
			for _, d := range ds {
				if strings.HasSuffix(d.Scope, "-a") {
					found = append(found, d)
				}
			}
			return found, err
		}
	}, []string{"stats/find"}},
}
