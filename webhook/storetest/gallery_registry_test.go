package storetest_test

import (
	"context"
	"errors"

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

	{"deleting an unknown webhook is no error", func(b *broken) {
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

	{"Delete ends queued deliveries", func(b *broken) {
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

	{"a DeleteScope that removed everything says that it failed", func(b *broken) {
		b.clear = func(ctx context.Context, scope string) error {
			if err := b.Store.DeleteScope(context.WithoutCancel(ctx), scope); err != nil {
				return err
			}
			return ctx.Err()
		}
	}, []string{"registry/delete-scope-cut-off"}},

	{"the end of a secret is not stored", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			return b.Store.Create(ctx, withoutLives(w), max)
		}
		b.update = func(ctx context.Context, w webhook.Webhook) error { return b.Store.Update(ctx, withoutLives(w)) }
	}, []string{"registry/secret-life"}},

	{"a claim drops the end of a secret", func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.Store.Claim(ctx, c)
			for i, w := range batch.Webhooks {
				batch.Webhooks[i] = withoutLives(w)
			}
			return batch, err
		}
	}, []string{"registry/secret-life"}},
}

// withoutLives returns a webhook whose secrets have values only, without IDs and times.
func withoutLives(w webhook.Webhook) webhook.Webhook {
	w = w.Clone()
	for i, s := range w.Secrets {
		w.Secrets[i] = webhook.NewSecret(s.Reveal())
	}
	return w
}
