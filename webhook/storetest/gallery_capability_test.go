package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenCapabilities = []exhibit{
	{"Create counts and then inserts", func(b *broken) {
		b.create = func(b *broken, ctx context.Context, w webhook.Webhook, max int) error {
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
		b.create = func(b *broken, ctx context.Context, w webhook.Webhook, max int) error {
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

	{"the last writer wins", func(b *broken) {
		b.update = func(b *broken, ctx context.Context, w webhook.Webhook) error {
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

	{"Delete only switches off", func(b *broken) {
		b.remove = func(b *broken, ctx context.Context, scope, id string) error {
			w, err := b.Store.Webhook(ctx, scope, id)
			if err != nil {
				return err
			}
			w.Active = false
			return b.Store.Update(ctx, w)
		}
	}, []string{"registry/delete", "health/gone", "history/requeue-refused", "registry/delete-leased",
		"registry/limit"}},

	{"pages are numbered", func(b *broken) {
		b.list = func(b *broken, ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
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
	}, []string{"history/paging-while-adding", "history/cursor", "history/limit"}},

	{"a page may have any size", func(b *broken) {
		b.list = func(b *broken, ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
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
		b.list = func(b *broken, ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
			if !q.Until.IsZero() {
				q.Until = q.Until.Add(time.Microsecond)
			}
			return b.Store.Deliveries(ctx, q)
		}
	}, []string{"history/filters"}},

	{"Requeue of a leased delivery succeeds without effect", func(b *broken) {
		b.requeue = func(b *broken, ctx context.Context, scope, id string, due time.Time) error {
			err := b.Store.Requeue(ctx, scope, id, due)
			if errors.Is(err, webhook.ErrHeld) {
				return nil
			}
			return err
		}
	}, []string{"history/requeue-refused"}},

	{"Cancel blocks for ever", func(b *broken) {
		b.cancel = func(b *broken, _ context.Context, _, _ string) error {
			<-b.until
			return webhook.ErrClosed
		}
	}, []string{"history/cancel"}},

	{"Mark looks and then writes", func(b *broken) {
		marks := make(map[string]time.Time)
		b.mark = func(b *broken, ctx context.Context, scope, key string, until time.Time) (bool, error) {
			b.mu.Lock()
			_, known := marks[scope+key]
			b.mu.Unlock()
			if known {
				return b.Store.Mark(ctx, scope, key, until)
			}
			checkThenAct()
			b.mu.Lock()
			marks[scope+key] = until
			b.mu.Unlock()
			_, err := b.Store.Mark(ctx, scope, key, until)
			return true, err
		}
	}, []string{"marks/once-concurrent"}},

	{"marks last for ever", func(b *broken) {
		b.mark = func(b *broken, ctx context.Context, scope, key string, _ time.Time) (bool, error) {
			return b.Store.Mark(ctx, scope, key, time.Date(2250, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}, []string{"marks/expiry"}},

	{"marks of all scopes are one", func(b *broken) {
		b.mark = func(b *broken, ctx context.Context, _, key string, until time.Time) (bool, error) {
			return b.Store.Mark(ctx, "all", key, until)
		}
	}, []string{"marks/scope", "marks/unmark", "registry/delete-scope"}},

	{"Prune does not look at limit", func(b *broken) {
		b.prune = func(b *broken, ctx context.Context, before time.Time, _ int) (int, error) {
			return b.Store.Prune(ctx, before, 1_000_000)
		}
	}, []string{"pruner/limit"}},

	{"Prune removes what ended at the given time", func(b *broken) {
		b.prune = func(b *broken, ctx context.Context, before time.Time, limit int) (int, error) {
			return b.Store.Prune(ctx, before.Add(time.Microsecond), limit)
		}
	}, []string{"pruner/ended-before"}},

	{"health is overwritten", func(b *broken) {
		b.health = func(b *broken, ctx context.Context, scope, id string, _, new webhook.Health) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			old := webhook.Health{WebhookID: id, Scope: scope}
			if hs, err := b.Store.Health(ctx, []string{id}); err == nil && len(hs) == 1 {
				old = hs[0]
			}
			return b.Store.SetHealth(ctx, scope, id, old, new)
		}
	}, []string{"health/compare-and-set", "health/concurrent"}},

	{"a sweep leaves what is due too late", func(b *broken) {
		b.sweep = func(b *broken, ctx context.Context, s webhook.Sweep) error {
			s.LatestDue = time.Time{}
			return b.Store.Sweep(ctx, s)
		}
	}, []string{"sweeper/latest-due"}},

	{"a sweep leaves what a dead host had leased", func(b *broken) {
		b.sweep = func(b *broken, ctx context.Context, s webhook.Sweep) error {
			b.mu.Lock()
			for id := range b.known {
				if d, ok := b.find(ctx, id); ok && d.Held && !d.Due.After(s.Now) {
					s.QueuedBefore = time.Time{}
				}
			}
			b.mu.Unlock()
			return b.Store.Sweep(ctx, s)
		}
	}, []string{"sweeper/abandoned"}},

	{"a sweep ends leases that are alive", func(b *broken) {
		b.sweep = func(b *broken, ctx context.Context, s webhook.Sweep) error {
			if !s.QueuedBefore.IsZero() {
				s.Now = s.Now.Add(24 * time.Hour)
			}
			return b.Store.Sweep(ctx, s)
		}
	}, []string{"sweeper/queued-before", "sweeper/abandoned"}},

	{"a sweep takes zero for a time", func(b *broken) {
		b.sweep = func(b *broken, ctx context.Context, s webhook.Sweep) error {
			if s.QueuedBefore.IsZero() {
				s.QueuedBefore = s.Now
			}
			return b.Store.Sweep(ctx, s)
		}
	}, []string{"sweeper/zero", "batch/oldest", "claim/expired", "claim/inactive", "claim/oldest-first",
		"sweeper/latest-due"}},

	{"every profile is served", func(b *broken) {
		b.bind = func(*broken, string) error { return nil }
	}, []string{"binder/one-profile"}},
}
