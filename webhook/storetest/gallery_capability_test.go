package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

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
	{"Prune removes deliveries that ended at the given time", func(b *broken) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			return b.Store.Prune(ctx, before.Add(time.Microsecond), limit)
		}
	}, []string{"pruner/ended-before"}},
	{"Prune removes pending deliveries", func(b *broken) {
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

	{"a sweep leaves deliveries without a webhook", wrongSweep(func(s *webhook.Sweep, _ *int) { s.Gone = false }), []string{"sweeper/gone", "sweeper/limit"}},
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
	{"a sweep returns ended deliveries in their former state, with bodies", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			ended, more, err := b.Store.Sweep(ctx, s, limit)
			for i, d := range ended {
				ended[i].State, ended[i].Body = webhook.StatePending, b.known[d.ID].Body
			}
			return ended, more, err
		}
	}, []string{"sweeper/ended"}},
	{"a sweep leaves deliveries that are due later", func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			b.mu.Lock()
			for id := range b.known {
				if d, ok := b.find(id); ok && d.State == webhook.StatePending && !d.Held && d.CreatedAt.Before(s.QueuedBefore) && d.Due.After(s.QueuedBefore) {
					s.QueuedBefore = time.Time{}
				}
			}
			b.mu.Unlock()
			return b.Store.Sweep(ctx, s, limit)
		}
	}, []string{"sweeper/due-later"}},
	{"a sweep leaves deliveries that a dead host had leased", func(b *broken) {
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
