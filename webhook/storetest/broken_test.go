package storetest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// broken wraps a Store in memory and breaks one rule: the functions that are set replace
// its methods.
type broken struct {
	*memstore.Store
	mu       sync.Mutex
	enqueue  func(*broken, context.Context, []webhook.Delivery) ([]bool, error)
	claim    func(*broken, context.Context, webhook.Claim) (webhook.Batch, error)
	settle   func(*broken, context.Context, []webhook.Settlement) ([]string, error)
	webhooks func(*broken, context.Context, string) ([]webhook.Webhook, error)
	create   func(*broken, context.Context, webhook.Webhook, int) error
	update   func(*broken, context.Context, webhook.Webhook) error
	remove   func(*broken, context.Context, string, string) error
	list     func(*broken, context.Context, webhook.Query) ([]webhook.Delivery, string, error)
	requeue  func(*broken, context.Context, string, string, time.Time) error
	cancel   func(*broken, context.Context, string, string) error
	mark     func(*broken, context.Context, string, string, time.Time) (bool, error)
	prune    func(*broken, context.Context, time.Time, int) (int, error)
	health   func(*broken, context.Context, string, string, webhook.Health, webhook.Health) error
	sweep    func(*broken, context.Context, webhook.Sweep) error
	bind     func(*broken, string) error

	// What a breakage remembers.
	last    []webhook.Delivery
	hooks   map[string]webhook.Webhook
	memory  map[string]webhook.Delivery
	claims  int
	release chan struct{}
}

func (b *broken) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if b.enqueue != nil {
		return b.enqueue(b, ctx, ds)
	}
	return b.Store.Enqueue(ctx, ds)
}

func (b *broken) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	if b.claim != nil {
		return b.claim(b, ctx, c)
	}
	return b.Store.Claim(ctx, c)
}

func (b *broken) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	if b.settle != nil {
		return b.settle(b, ctx, ss)
	}
	return b.Store.Settle(ctx, ss)
}

func (b *broken) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if b.webhooks != nil {
		return b.webhooks(b, ctx, scope)
	}
	return b.Store.Webhooks(ctx, scope)
}

func (b *broken) Create(ctx context.Context, w webhook.Webhook, max int) error {
	if b.create != nil {
		return b.create(b, ctx, w, max)
	}
	return b.Store.Create(ctx, w, max)
}

func (b *broken) Update(ctx context.Context, w webhook.Webhook) error {
	if b.update != nil {
		return b.update(b, ctx, w)
	}
	return b.Store.Update(ctx, w)
}

func (b *broken) Delete(ctx context.Context, scope, id string) error {
	if b.remove != nil {
		return b.remove(b, ctx, scope, id)
	}
	return b.Store.Delete(ctx, scope, id)
}

func (b *broken) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	if b.list != nil {
		return b.list(b, ctx, q)
	}
	return b.Store.Deliveries(ctx, q)
}

func (b *broken) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if b.requeue != nil {
		return b.requeue(b, ctx, scope, id, due)
	}
	return b.Store.Requeue(ctx, scope, id, due)
}

func (b *broken) Cancel(ctx context.Context, scope, id string) error {
	if b.cancel != nil {
		return b.cancel(b, ctx, scope, id)
	}
	return b.Store.Cancel(ctx, scope, id)
}

func (b *broken) Mark(ctx context.Context, scope, key string, until time.Time) (bool, error) {
	if b.mark != nil {
		return b.mark(b, ctx, scope, key, until)
	}
	return b.Store.Mark(ctx, scope, key, until)
}

func (b *broken) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	if b.prune != nil {
		return b.prune(b, ctx, before, limit)
	}
	return b.Store.Prune(ctx, before, limit)
}

func (b *broken) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	if b.health != nil {
		return b.health(b, ctx, scope, id, old, new)
	}
	return b.Store.SetHealth(ctx, scope, id, old, new)
}

func (b *broken) Sweep(ctx context.Context, s webhook.Sweep) error {
	if b.sweep != nil {
		return b.sweep(b, ctx, s)
	}
	return b.Store.Sweep(ctx, s)
}

func (b *broken) Bind(profile string) error {
	if b.bind != nil {
		return b.bind(b, profile)
	}
	return b.Store.Bind(profile)
}

// edited claims and lets a function change what comes back.
func edited(change func(b *broken, c webhook.Claim, batch *webhook.Batch)) func(*broken, context.Context, webhook.Claim) (webhook.Batch, error) {
	return func(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
		batch, err := b.Store.Claim(ctx, c)
		b.mu.Lock()
		defer b.mu.Unlock()
		change(b, c, &batch)
		return batch, err
	}
}

// without removes the deliveries that a function names.
func without(ds []webhook.Delivery, drop func(webhook.Delivery) bool) []webhook.Delivery {
	return slices.DeleteFunc(slices.Clone(ds), drop)
}
