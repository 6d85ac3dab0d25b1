package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/storetest"
)

func newStore(tb testing.TB) *memstore.Store {
	tb.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// broken wraps a Store in memory and breaks one rule: its function fields replace the Store's
// methods. It can also seal webhooks and lose answers, as a database can.
type broken struct {
	*memstore.Store
	mu       sync.Mutex
	enqueue  func(context.Context, []webhook.Delivery) ([]bool, error)
	due      func(context.Context, webhook.DueQuery) (webhook.DuePage, error)
	claim    func(context.Context, webhook.Claim) (webhook.Batch, error)
	settle   func(context.Context, []webhook.Settlement) ([]string, error)
	webhooks func(context.Context, string) ([]webhook.Webhook, error)
	webhook  func(context.Context, string, string) (webhook.Webhook, error)
	create   func(context.Context, webhook.Webhook, int) error
	update   func(context.Context, webhook.Webhook) error
	remove   func(context.Context, string, string) error
	clear    func(context.Context, string) error
	delivery func(context.Context, string, string) (webhook.Delivery, []webhook.Attempt, error)
	list     func(context.Context, webhook.Query) ([]webhook.Delivery, string, error)
	requeue  func(context.Context, string, string, time.Time) error
	cancel   func(context.Context, string, string, time.Time) (webhook.Delivery, bool, error)
	latest   func(context.Context, string, []string) ([]webhook.Delivery, error)
	attempts func(context.Context, string, []string) (map[string]webhook.Attempt, error)
	tally    func(context.Context, string, []string, time.Time) ([]webhook.HourCount, error)
	mark     func(context.Context, string, string, time.Time, time.Time) (bool, error)
	marked   func(context.Context, string, string, time.Time) (bool, error)
	prune    func(context.Context, time.Time, int) (int, error)
	health   func(context.Context, string, string) ([]webhook.Health, error)
	set      func(context.Context, string, string, webhook.Health, webhook.Health) error
	sweep    func(context.Context, webhook.Sweep, int) ([]webhook.Delivery, bool, error)
	bind     func(string) error
	totals   func(context.Context, time.Time) (webhook.Totals, error)
	backlog  func(context.Context, webhook.BacklogQuery) ([]webhook.Backlog, string, error)
	lookUp   func(context.Context, string, int) ([]webhook.Delivery, error)

	known  map[string]webhook.Delivery // enqueued deliveries by ID
	hooks  map[string]webhook.Webhook  // for breakages to remember
	counts map[string]int64            // likewise
	first  webhook.Batch               // likewise
	sealed map[string]bool
	lost   bool
	silent bool          // breakage: a lost answer is an ordinary error
	until  chan struct{} // closed when the gallery no longer uses the Store
}

func newBroken(tb testing.TB, breakIt func(*broken), until chan struct{}) *broken {
	s := newStore(tb)
	b := &broken{Store: s, known: make(map[string]webhook.Delivery), hooks: make(map[string]webhook.Webhook),
		counts: make(map[string]int64), sealed: make(map[string]bool), until: until,
		enqueue: s.Enqueue, due: s.Due, settle: s.Settle, create: s.Create, update: s.Update, remove: s.Delete, clear: s.DeleteScope,
		delivery: s.Delivery, list: s.Deliveries, requeue: s.Requeue, cancel: s.Cancel,
		latest: s.Latest, attempts: s.LatestAttempts, tally: s.Counts, mark: s.Mark, marked: s.Marked, prune: s.Prune, health: s.Health,
		set: s.SetHealth, sweep: s.Sweep, bind: s.Bind, totals: s.Totals, backlog: s.Backlog, lookUp: s.Find}
	b.claim, b.webhooks, b.webhook = b.claimSealed, b.webhooksSealed, b.webhookSealed
	breakIt(b)
	return b
}

// options returns the options that the suite needs for a Store.
func options(s webhook.Store) []storetest.Option {
	b := s.(interface{ self() *broken }).self()
	return []storetest.Option{
		storetest.WithUnreadable(func(_ context.Context, w webhook.Webhook, sealed bool) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.sealed[w.ID] = sealed
			return nil
		}),
		storetest.WithLostAnswers(func(lost bool) { b.lost = lost }),
	}
}

func (b *broken) self() *broken { return b }

func (b *broken) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	b.remember(ds)
	added, err := b.enqueue(ctx, ds)
	if b.lost && err == nil {
		if err = webhook.ErrUnknown; b.silent {
			err = errors.New("connection reset")
		}
		return nil, err
	}
	return added, err
}

func (b *broken) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	return b.due(ctx, q)
}
func (b *broken) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	return b.claim(ctx, c)
}
func (b *broken) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	return b.settle(ctx, ss)
}
func (b *broken) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return b.webhooks(ctx, scope)
}
func (b *broken) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	return b.webhook(ctx, scope, id)
}
func (b *broken) Create(ctx context.Context, w webhook.Webhook, max int) error {
	return b.create(ctx, w, max)
}
func (b *broken) Update(ctx context.Context, w webhook.Webhook) error { return b.update(ctx, w) }
func (b *broken) Delete(ctx context.Context, scope, id string) error  { return b.remove(ctx, scope, id) }
func (b *broken) DeleteScope(ctx context.Context, scope string) error { return b.clear(ctx, scope) }
func (b *broken) Bind(profile string) error                           { return b.bind(profile) }
func (b *broken) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	return b.list(ctx, q)
}
func (b *broken) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	return b.delivery(ctx, scope, id)
}
func (b *broken) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	return b.requeue(ctx, scope, id, due)
}
func (b *broken) Cancel(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
	return b.cancel(ctx, scope, id, now)
}
func (b *broken) Latest(ctx context.Context, scope string, ids []string) ([]webhook.Delivery, error) {
	return b.latest(ctx, scope, ids)
}
func (b *broken) LatestAttempts(ctx context.Context, scope string, ids []string) (map[string]webhook.Attempt, error) {
	return b.attempts(ctx, scope, ids)
}
func (b *broken) Counts(ctx context.Context, scope string, ids []string, since time.Time) ([]webhook.HourCount, error) {
	return b.tally(ctx, scope, ids, since)
}
func (b *broken) Mark(ctx context.Context, scope, key string, now, until time.Time) (bool, error) {
	return b.mark(ctx, scope, key, now, until)
}
func (b *broken) Marked(ctx context.Context, scope, key string, now time.Time) (bool, error) {
	return b.marked(ctx, scope, key, now)
}
func (b *broken) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.prune(ctx, before, limit)
}
func (b *broken) Health(ctx context.Context, scope, id string) ([]webhook.Health, error) {
	return b.health(ctx, scope, id)
}
func (b *broken) Totals(ctx context.Context, now time.Time) (webhook.Totals, error) {
	return b.totals(ctx, now)
}
func (b *broken) Backlog(ctx context.Context, q webhook.BacklogQuery) ([]webhook.Backlog, string, error) {
	return b.backlog(ctx, q)
}
func (b *broken) Find(ctx context.Context, event string, limit int) ([]webhook.Delivery, error) {
	return b.lookUp(ctx, event, limit)
}
func (b *broken) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	return b.set(ctx, scope, id, old, new)
}
func (b *broken) Sweep(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
	return b.sweep(ctx, s, limit)
}

// claimSealed is the claim of a Store that keeps its contract.
func (b *broken) claimSealed(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	batch, err := b.Store.Claim(ctx, c)
	b.mu.Lock()
	defer b.mu.Unlock()
	batch.Deliveries = slices.DeleteFunc(batch.Deliveries, func(d webhook.Delivery) bool {
		if b.sealed[d.WebhookID] {
			batch.Unreadable = append(batch.Unreadable, webhook.Unreadable{ID: d.ID, Lease: d.Lease, Lane: d.Lane(), Due: d.Due, Err: webhook.ErrSealed})
		}
		return b.sealed[d.WebhookID]
	})
	batch.Webhooks = slices.DeleteFunc(batch.Webhooks, func(w webhook.Webhook) bool { return b.sealed[w.ID] })
	return batch, err
}

func (b *broken) webhooksSealed(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := b.Store.Webhooks(ctx, scope)
	for i := range ws {
		b.hide(&ws[i])
	}
	return ws, err
}

func (b *broken) webhookSealed(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := b.Store.Webhook(ctx, scope, id)
	b.hide(&w)
	return w, err
}

// hide removes what cannot be opened of a sealed webhook.
func (b *broken) hide(w *webhook.Webhook) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sealed[w.ID] {
		w.URL, w.Secrets, w.Headers, w.Unreadable = "", nil, nil, webhook.ErrSealed
	}
}

// The wrong… functions break a method by changing its arguments or its results.

func wrongEnqueue(change func(d *webhook.Delivery)) func(*broken) {
	return func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			ds = slices.Clone(ds)
			for i := range ds {
				change(&ds[i])
			}
			return b.Store.Enqueue(ctx, ds)
		}
	}
}

func wrongQuestion(change func(q *webhook.DueQuery)) func(*broken) {
	return func(b *broken) {
		b.due = func(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
			change(&q)
			return b.Store.Due(ctx, q)
		}
	}
}

func wrongPage(change func(b *broken, q webhook.DueQuery, p *webhook.DuePage)) func(*broken) {
	return func(b *broken) {
		b.due = func(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
			p, err := b.Store.Due(ctx, q)
			b.mu.Lock()
			defer b.mu.Unlock()
			change(b, q, &p)
			return p, err
		}
	}
}

func wrongClaim(change func(c *webhook.Claim)) func(*broken) {
	return func(b *broken) {
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			c.Lanes = slices.Clone(c.Lanes)
			change(&c)
			return b.claimSealed(ctx, c)
		}
	}
}

func wrongBatch(change func(b *broken, c webhook.Claim, batch *webhook.Batch)) func(*broken) {
	return func(b *broken) {
		former := b.claim
		b.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			batch, err := former(ctx, c)
			b.mu.Lock()
			defer b.mu.Unlock()
			change(b, c, &batch)
			return batch, err
		}
	}
}

// wrongDelivery changes each delivery of a batch.
func wrongDelivery(change func(b *broken, c webhook.Claim, d *webhook.Delivery)) func(*broken) {
	return wrongBatch(func(b *broken, c webhook.Claim, batch *webhook.Batch) {
		for i := range batch.Deliveries {
			change(b, c, &batch.Deliveries[i])
		}
	})
}

// wrongSettle changes each settlement; latest is the current delivery.
func wrongSettle(change func(b *broken, x *webhook.Settlement, latest webhook.Delivery)) func(*broken) {
	return func(b *broken) {
		b.settle = func(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			ss = slices.Clone(ss)
			for i := range ss {
				latest, _ := b.find(ss[i].ID)
				change(b, &ss[i], latest)
			}
			return b.Store.Settle(ctx, ss)
		}
	}
}

func wrongSweep(change func(s *webhook.Sweep, limit *int)) func(*broken) {
	return func(b *broken) {
		b.sweep = func(ctx context.Context, s webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
			change(&s, &limit)
			return b.Store.Sweep(ctx, s, limit)
		}
	}
}

// find returns the current state of a delivery that was enqueued. b.mu must be held.
func (b *broken) find(id string) (webhook.Delivery, bool) {
	d, ok := b.known[id]
	if !ok {
		return d, false
	}
	d, _, err := b.Store.Delivery(context.Background(), d.Scope, id)
	return d, err == nil
}

// pending returns the current pending deliveries of a lane. b.mu must be held.
func (b *broken) pending(l webhook.Lane) (ds []webhook.Delivery) {
	for id, d := range b.known {
		if d.Lane() != l {
			continue
		}
		if now, ok := b.find(id); ok && now.State == webhook.StatePending {
			ds = append(ds, now)
		}
	}
	return ds
}

// remember stores deliveries for find. They share memory with the caller's.
func (b *broken) remember(ds []webhook.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range ds {
		if _, ok := b.known[d.ID]; !ok {
			b.known[d.ID] = d
		}
	}
}

// checkThenAct lets a race happen: in a bubble of fake time all callers
// arrive here before any of them continues.
func checkThenAct() { time.Sleep(time.Nanosecond) }
