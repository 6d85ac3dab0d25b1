package storetest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
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
	first    webhook.Batch
	known    map[string]webhook.Delivery
	hooks    map[string]webhook.Webhook
	released map[string]int
	until    chan struct{} // closed when the gallery is done with it
}

func (b *broken) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	b.remember(ds)
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

func newBroken(tb testing.TB, breakIt func(*broken), until chan struct{}) *broken {
	b := &broken{Store: newStore(tb), known: make(map[string]webhook.Delivery), hooks: make(map[string]webhook.Webhook),
		released: make(map[string]int), until: until}
	breakIt(b)
	return b
}

// wrongClaim breaks Claim by changing what is asked.
func wrongClaim(change func(*webhook.Claim)) func(*broken) {
	return func(b *broken) {
		b.claim = func(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			change(&c)
			return b.Store.Claim(ctx, c)
		}
	}
}

// wrongBatch breaks Claim by changing what comes back.
func wrongBatch(change func(b *broken, c webhook.Claim, batch *webhook.Batch)) func(*broken) {
	return func(b *broken) {
		b.claim = func(b *broken, ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := b.Store.Claim(ctx, c)
			b.mu.Lock()
			defer b.mu.Unlock()
			change(b, c, &batch)
			return batch, err
		}
	}
}

// wrongSettle breaks Settle by changing each settlement; latest is how the delivery stands.
func wrongSettle(change func(b *broken, x *webhook.Settlement, latest webhook.Delivery)) func(*broken) {
	return func(b *broken) {
		b.settle = func(b *broken, ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			ss = slices.Clone(ss)
			for i := range ss {
				latest, _ := b.find(ctx, ss[i].ID)
				change(b, &ss[i], latest)
			}
			return b.Store.Settle(ctx, ss)
		}
	}
}

// find returns a delivery that was enqueued as it stands. b.mu must be held.
func (b *broken) find(ctx context.Context, id string) (webhook.Delivery, bool) {
	d, ok := b.known[id]
	if !ok {
		return d, false
	}
	d, _, err := b.Store.Delivery(ctx, d.Scope, id)
	return d, err == nil
}

// remember notes deliveries for find, with the memory that they share with the caller.
func (b *broken) remember(ds []webhook.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range ds {
		if _, ok := b.known[d.ID]; !ok {
			b.known[d.ID] = d
		}
	}
}
