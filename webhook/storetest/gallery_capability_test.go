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

var brokenRegistries = []exhibit{
	{"Create counts and then inserts", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			ws, err := b.Store.Webhooks(ctx, w.Scope)
			if err == nil && max > 0 && len(ws) >= max {
				err = webhook.ErrLimit
			}
			if err != nil {
				return err
			}
			checkThenAct()
			return b.Store.Create(ctx, w, 0)
		}
	}, []string{"registry/limit-concurrent"}},

	{"the limit counts active webhooks only", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			ws, err := b.Store.Webhooks(ctx, w.Scope)
			if err != nil {
				return err
			}
			active := 0
			for _, o := range ws {
				if o.Active {
					active++
				}
			}
			if max > 0 && active >= max {
				return webhook.ErrLimit
			}
			return b.Store.Create(ctx, w, 0)
		}
	}, []string{"registry/limit"}},

	{"an ID that is taken is replaced", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			if err := b.Store.Create(ctx, w, max); !errors.Is(err, webhook.ErrConflict) {
				return err
			}
			w.Version = 1
			return b.Store.Update(ctx, w)
		}
	}, []string{"registry/create-conflict"}},

	{"the last writer wins", func(b *broken) {
		b.update = func(ctx context.Context, w webhook.Webhook) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			now, err := b.Store.Webhook(ctx, w.Scope, w.ID)
			if err != nil {
				return err
			}
			w.Version = now.Version
			return b.Store.Update(ctx, w)
		}
	}, []string{"registry/version", "registry/update-concurrent"}},

	{"an unknown webhook is deleted gladly", func(b *broken) {
		b.remove = func(ctx context.Context, scope, id string) error {
			err := b.Store.Delete(ctx, scope, id)
			if errors.Is(err, webhook.ErrNotFound) {
				return nil
			}
			return err
		}
	}, []string{"registry/not-found", "registry/scope"}},

	{"Delete only switches off", func(b *broken) {
		b.remove = func(ctx context.Context, scope, id string) error {
			w, err := b.Store.Webhook(ctx, scope, id)
			if err != nil {
				return err
			}
			w.Active = false
			return b.Store.Update(ctx, w)
		}
	}, []string{"registry/delete", "health/gone", "history/requeue-refused", "registry/delete-leased", "registry/limit"}},

	{"Delete ends what is queued", func(b *broken) {
		b.remove = func(ctx context.Context, scope, id string) error {
			ds, _, _ := b.Store.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: id})
			for _, d := range ds {
				_, _, _ = b.Store.Cancel(ctx, scope, d.ID, d.CreatedAt)
			}
			return b.Store.Delete(ctx, scope, id)
		}
	}, []string{"registry/delete"}},

	{"Delete takes the leases away", func(b *broken) {
		b.remove = func(ctx context.Context, scope, id string) error {
			ds, _, _ := b.Store.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: id})
			for _, d := range ds {
				_, _, _ = b.Store.Cancel(ctx, scope, d.ID, d.Due)
			}
			return b.Store.Delete(ctx, scope, id)
		}
	}, []string{"registry/delete-leased", "registry/delete"}},
}

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

	{"Cancel returns the body, and ended for what had ended", func(b *broken) {
		b.cancel = func(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
			d, _, err := b.Store.Cancel(ctx, scope, id, now)
			d.Body = []byte("body")
			return d, err == nil, err
		}
	}, []string{"history/cancel"}},

	{"a lease that has ended keeps from cancelling", func(b *broken) {
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

var brokenCapabilities = []exhibit{
	{"Mark looks and then writes", func(b *broken) {
		marks := make(map[string]time.Time)
		b.mark = func(ctx context.Context, scope, key string, now, until time.Time) (bool, error) {
			b.mu.Lock()
			_, known := marks[scope+key]
			b.mu.Unlock()
			if known {
				return b.Store.Mark(ctx, scope, key, now, until)
			}
			checkThenAct()
			b.mu.Lock()
			marks[scope+key] = until
			b.mu.Unlock()
			_, err := b.Store.Mark(ctx, scope, key, now, until)
			return true, err
		}
	}, []string{"marks/once-concurrent"}},
	{"every Mark is first", func(b *broken) {
		b.mark = func(context.Context, string, string, time.Time, time.Time) (bool, error) { return true, nil }
	}, []string{"marks/once", "marks/marked"}},
	{"marks last for ever", func(b *broken) {
		b.mark = func(ctx context.Context, scope, key string, now, _ time.Time) (bool, error) {
			return b.Store.Mark(ctx, scope, key, now, time.Date(2250, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}, []string{"marks/expiry"}},
	{"marks end a microsecond late", func(b *broken) {
		b.mark = func(ctx context.Context, scope, key string, now, until time.Time) (bool, error) {
			return b.Store.Mark(ctx, scope, key, now.Add(-time.Microsecond), until)
		}
	}, []string{"marks/expiry"}},
	{"marks of all scopes are one", func(b *broken) {
		b.mark = func(ctx context.Context, _, key string, now, until time.Time) (bool, error) {
			return b.Store.Mark(ctx, "all", key, now, until)
		}
	}, []string{"marks/scope", "marks/unmark"}},
	{"Marked sets a mark", func(b *broken) {
		b.marked = func(ctx context.Context, scope, key string, now time.Time) (bool, error) {
			first, err := b.Store.Mark(ctx, scope, key, now, now.Add(time.Hour))
			return !first, err
		}
	}, []string{"marks/marked"}},

	{"Prune does not look at limit", func(b *broken) {
		b.prune = func(ctx context.Context, before time.Time, _ int) (int, error) {
			return b.Store.Prune(ctx, before, 1_000_000)
		}
	}, []string{"pruner/limit"}},
	{"Prune removes what ended at the given time", func(b *broken) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			return b.Store.Prune(ctx, before.Add(time.Microsecond), limit)
		}
	}, []string{"pruner/ended-before"}},
	{"Prune removes what is pending", func(b *broken) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			b.mu.Lock()
			for id, d := range b.known {
				if now, ok := b.find(id); ok && now.State == webhook.StatePending {
					_, _, _ = b.Store.Cancel(ctx, d.Scope, id, before.Add(-time.Second))
				}
			}
			b.mu.Unlock()
			return b.Store.Prune(ctx, before, limit)
		}
	}, []string{"pruner/keeps-pending", "pruner/whole-events", "pruner/keeps-requeued"}},

	{"health is overwritten", func(b *broken) {
		b.set = func(ctx context.Context, scope, id string, _, new webhook.Health) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			old := webhook.Health{WebhookID: id, Scope: scope}
			if hs, err := b.Store.Health(ctx, scope, id); err == nil && len(hs) == 1 {
				old = hs[0]
			}
			return b.Store.SetHealth(ctx, scope, id, old, new)
		}
	}, []string{"health/compare-and-set", "health/concurrent"}},
	{"Health does not look at the scope", func(b *broken) {
		b.health = func(ctx context.Context, scope, id string) ([]webhook.Health, error) {
			all, err := b.Store.Health(ctx, "", "")
			return slices.DeleteFunc(all, func(h webhook.Health) bool { return id != "" && h.WebhookID != id }), err
		}
	}, []string{"health/selection"}},
	{"a record that is OK is kept", func(b *broken) {
		kept := make(map[string]webhook.Health)
		b.set = func(ctx context.Context, scope, id string, old, new webhook.Health) error {
			err := b.Store.SetHealth(ctx, scope, id, old, new)
			if b.mu.Lock(); err == nil && new.OK() {
				kept[id] = webhook.Health{WebhookID: id, Scope: scope}
			}
			b.mu.Unlock()
			return err
		}
		b.health = func(ctx context.Context, scope, id string) ([]webhook.Health, error) {
			hs, err := b.Store.Health(ctx, scope, id)
			if h, ok := kept[id]; ok && len(hs) == 0 {
				hs = append(hs, h)
			}
			return hs, err
		}
	}, []string{"health/ok-removes"}},

	{"a sweep leaves what has no webhook", wrongSweep(func(s *webhook.Sweep, _ *int) { s.Gone = false }), []string{"sweeper/gone", "sweeper/limit"}},
	{"a sweep leaves retries that are due too late", wrongSweep(func(s *webhook.Sweep, _ *int) { s.LatestRetry = time.Time{} }), []string{"sweeper/latest-retry"}},
	{"a sweep leaves leases that end too late", wrongSweep(func(s *webhook.Sweep, _ *int) { s.LatestLease = time.Time{} }), []string{"sweeper/latest-lease"}},
	{"a sweep does not look at limit", wrongSweep(func(_ *webhook.Sweep, limit *int) { *limit = 1000 }), []string{"sweeper/limit"}},
	{"a sweep ends leases that are alive", wrongSweep(func(s *webhook.Sweep, _ *int) {
		if !s.QueuedBefore.IsZero() {
			s.Now = s.Now.Add(24 * time.Hour)
		}
	}), []string{"sweeper/queued-before", "sweeper/abandoned"}},
	{"a sweep takes zero for a time", wrongSweep(func(s *webhook.Sweep, _ *int) {
		if s.QueuedBefore.IsZero() {
			s.QueuedBefore = s.Now
		}
	}), []string{"sweeper/zero", "sweeper/gone", "sweeper/latest-retry"}},
	{"a sweep always looks for webhooks that are gone", wrongSweep(func(s *webhook.Sweep, _ *int) { s.Gone = true }), []string{"sweeper/zero"}},
	{"a sweep says that it is done", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			ended, _, err := b.Store.Sweep(ctx, s, limit)
			return ended, false, err
		}
	}, []string{"sweeper/limit"}},
	{"a sweep ends in silence", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			_, more, err := b.Store.Sweep(ctx, s, limit)
			return nil, more, err
		}
	}, []string{"sweeper/ended", "sweeper/gone", "sweeper/queued-before", "sweeper/abandoned", "sweeper/limit"}},
	{"a sweep returns what it ended as it was before, with its body", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			ended, more, err := b.Store.Sweep(ctx, s, limit)
			for i, d := range ended {
				ended[i].State, ended[i].Body = webhook.StatePending, b.known[d.ID].Body
			}
			return ended, more, err
		}
	}, []string{"sweeper/ended"}},
	{"a sweep leaves what a dead host had leased", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			b.mu.Lock()
			for id := range b.known {
				if d, ok := b.find(id); ok && d.Held && !d.Due.After(s.Now) {
					s.QueuedBefore = time.Time{}
				}
			}
			b.mu.Unlock()
			return b.Store.Sweep(ctx, s, limit)
		}
	}, []string{"sweeper/abandoned"}},

	{"every profile is served", func(b *broken) { b.bind = func(string) error { return nil } }, []string{"binder/one-profile"}},
}
