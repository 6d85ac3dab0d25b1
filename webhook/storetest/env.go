package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// lease is how long the leases of the cases are.
const lease = time.Minute

// env is what a case works with: a Store, and names and a day of its own.
type env struct {
	ctx   context.Context
	store webhook.Store
	seed  func(context.Context, []webhook.Webhook) error
	base  time.Time // when the case begins
	id    string    // in every name that the case makes

	mu       sync.Mutex
	failures []string
	hooks    int
	events   int
	scopes   []string
}

func newEnv(ctx context.Context, s webhook.Store, c config, day int) *env {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return &env{
		ctx: ctx, store: s, seed: c.seed,
		base: time.Date(2001, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, 3*day),
		id:   hex.EncodeToString(random[:]),
	}
}

// at is the time that long after the case began.
func (e *env) at(d time.Duration) time.Time { return e.base.Add(d) }

// scope returns a scope of the case.
func (e *env) scope(name string) string {
	s := "st-" + e.id + "-" + name
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.scopes, s) {
		e.scopes = append(e.scopes, s)
	}
	return s
}

func (e *env) mine(scope string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.scopes, scope)
}

// draft is a webhook that is not stored yet.
func (e *env) draft(scope string) webhook.Webhook {
	e.mu.Lock()
	e.hooks++
	n := e.hooks
	e.mu.Unlock()
	created := e.at(time.Duration(n-1000) * time.Millisecond)
	return webhook.Webhook{
		ID: fmt.Sprintf("wh_%s_%03d", e.id, n), Scope: e.scope(scope), Name: fmt.Sprintf("Webhook %d", n),
		URL: "https://example.com/hook", Secrets: []webhook.Secret{webhook.NewSecret("secret-" + e.id)},
		Events: []string{"taskSuccess"}, Active: true, CreatedAt: created, UpdatedAt: created,
	}
}

// hook stores an active webhook in scope "a".
func (e *env) hook() webhook.Webhook { return e.keep(e.draft("a")) }

// keep stores a new webhook and returns it as it is stored.
func (e *env) keep(w webhook.Webhook) webhook.Webhook {
	if reg, ok := e.store.(webhook.Registry); ok && e.seed == nil {
		e.ok(reg.Create(e.ctx, w, 0), "Create")
		w.Version = 1
		return w
	}
	if e.seed == nil {
		e.fatalf("%T has no webhook.Registry: make webhooks with the option WithWebhooks", e.store)
	}
	e.ok(e.seed(e.ctx, []webhook.Webhook{w}), "WithWebhooks")
	return w
}

// change stores another version of a webhook.
func (e *env) change(w webhook.Webhook) webhook.Webhook {
	if reg, ok := e.store.(webhook.Registry); ok && e.seed == nil {
		e.ok(reg.Update(e.ctx, w), "Update")
		w.Version++
		return w
	}
	e.ok(e.seed(e.ctx, []webhook.Webhook{w}), "WithWebhooks")
	return w
}

// fresh makes n deliveries to a webhook, of events of their own, due when the case begins.
func (e *env) fresh(w webhook.Webhook, n int) []webhook.Delivery { return e.freshAt(e.base, w, n) }

// freshAt makes them at another time.
func (e *env) freshAt(now time.Time, w webhook.Webhook, n int) []webhook.Delivery {
	ds := make([]webhook.Delivery, n)
	for i := range ds {
		e.mu.Lock()
		e.events++
		event := fmt.Sprintf("evt_%s_%06d", e.id, e.events)
		e.mu.Unlock()
		ds[i] = e.delivery(w, event)
		ds[i].Due, ds[i].CreatedAt, ds[i].QueuedAt = now, now, now
	}
	return ds
}

// delivery makes the delivery of an event to a webhook.
func (e *env) delivery(w webhook.Webhook, event string) webhook.Delivery {
	return webhook.Delivery{
		ID: deliveryID(w.Scope, event, w.ID), EventID: event, WebhookID: w.ID, Scope: w.Scope, Type: "taskSuccess",
		Lane: w.ID, Body: []byte(`{"event":"` + event + `"}`), Due: e.base, CreatedAt: e.base, QueuedAt: e.base,
	}
}

// deliveryID names a delivery as a Dispatcher does.
func deliveryID(scope, event, webhook string) string {
	sum := sha256.Sum256([]byte(scope + "\x00" + event + "\x00" + webhook + "\x00"))
	return "dlv_" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16])
}

// put enqueues deliveries that the Store does not know yet.
func (e *env) put(ds ...webhook.Delivery) {
	added, err := e.store.Enqueue(e.ctx, ds)
	e.ok(err, "Enqueue")
	if len(added) != len(ds) || slices.Contains(added, false) {
		e.fatalf("Enqueue of %d new deliveries: added %v, want true for each", len(ds), added)
	}
}

// queue enqueues n fresh deliveries to a webhook and returns their IDs.
func (e *env) queue(w webhook.Webhook, n int) []string {
	ds := e.fresh(w, n)
	e.put(ds...)
	return ids(ds)
}

// claim returns what a claim at the given time takes, without limits that matter.
func (e *env) claim(now time.Time) []webhook.Delivery {
	return e.batch(webhook.Claim{Now: now, Until: now.Add(lease)}).Deliveries
}

// batch makes a claim; Limit and PerLane are large unless set. It leaves out what belongs to others.
func (e *env) batch(c webhook.Claim) webhook.Batch {
	b, err := e.tryBatch(c)
	e.ok(err, "Claim")
	return b
}

func (e *env) tryBatch(c webhook.Claim) (webhook.Batch, error) {
	if c.Limit == 0 {
		c.Limit = 1000
	}
	if c.PerLane == 0 {
		c.PerLane = 1000
	}
	if c.Until.IsZero() {
		c.Until = c.Now.Add(lease)
	}
	b, err := e.store.Claim(e.ctx, c)
	b.Deliveries = slices.DeleteFunc(b.Deliveries, func(d webhook.Delivery) bool { return !e.mine(d.Scope) })
	b.Webhooks = slices.DeleteFunc(b.Webhooks, func(w webhook.Webhook) bool { return !e.mine(w.Scope) })
	return b, err
}

// settle writes outcomes and returns the lost ones.
func (e *env) settle(ss ...webhook.Settlement) []string {
	lost, err := e.store.Settle(e.ctx, ss)
	e.ok(err, "Settle")
	return lost
}

// sweep does what Run does when it begins. A Sweeper may need it to find what was due long ago.
func (e *env) sweep(now time.Time) {
	if sw, ok := e.store.(webhook.Sweeper); ok {
		e.ok(sw.Sweep(e.ctx, webhook.Sweep{Now: now}), "Sweep")
	}
}

// cleanUp removes what the case made.
func (e *env) cleanUp() {
	if e.store == nil {
		return // a case of two notifiers
	}
	if reg, ok := e.store.(webhook.Registry); ok {
		for _, s := range e.scopes {
			_ = reg.DeleteScope(e.ctx, s) // the next case has scopes of its own
		}
		return
	}
	now := e.at(48 * time.Hour)
	e.settleAll(now, 20, func(d webhook.Delivery) webhook.Settlement {
		return webhook.Settlement{ID: d.ID, Lease: d.Lease, State: webhook.StateFailed, Due: now, Code: webhook.CodeCancelled}
	})
}

// settleAll claims and settles until nothing is due, in a bounded number of rounds.
func (e *env) settleAll(now time.Time, rounds int, settle func(webhook.Delivery) webhook.Settlement) {
	for range rounds {
		b, err := e.tryBatch(webhook.Claim{Now: now})
		if err != nil || len(b.Deliveries) == 0 {
			return
		}
		ss := make([]webhook.Settlement, len(b.Deliveries))
		for i, d := range b.Deliveries {
			ss[i] = settle(d)
		}
		_, _ = e.store.Settle(e.ctx, ss)
	}
}
