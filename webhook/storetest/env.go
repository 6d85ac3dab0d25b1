package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// lease is the duration of the cases' leases.
const lease = time.Minute

// many is a limit of deliveries or lanes that no case reaches.
const many = 1000

// env is the environment of a case: a Store, and the case's names and day.
type env struct {
	ctx   context.Context
	store webhook.Store
	config
	base time.Time // when the case begins
	id   string    // part of every name of the case

	mu         sync.Mutex
	failures   []string
	hooks      int
	events     int
	deliveries int
	claims     int64
	scopes     []string
	lanes      []webhook.Lane
	labels     map[string]string // by name; findings show labels
	replacer   *strings.Replacer // of all labels; nil after a new label
}

func newEnv(ctx context.Context, s webhook.Store, c config, day int) *env {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return &env{
		ctx: ctx, store: s, config: c,
		base: time.Date(2001, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, 3*day),
		id:   hex.EncodeToString(random[:]), labels: make(map[string]string),
	}
}

// at returns the time d after the case began.
func (e *env) at(d time.Duration) time.Time { return e.base.Add(d) }

// name registers the label that findings show in the place of a name, and returns the name.
func (e *env) name(name, label string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.labels[name]; !known {
		e.labels[name], e.replacer = label, nil
	}
	return name
}

// labelled replaces the names in a text by their labels.
func (e *env) labelled(text string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.replacer == nil {
		var pairs []string
		for name, label := range e.labels {
			pairs = append(pairs, name, label)
		}
		e.replacer = strings.NewReplacer(pairs...)
	}
	return e.replacer.Replace(text)
}

// scope returns a scope of the case.
func (e *env) scope(name string) string {
	s := e.name("st-"+e.id+"-"+name, name)
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

// draft returns a webhook that is not stored yet.
func (e *env) draft(scope string) webhook.Webhook {
	e.mu.Lock()
	e.hooks++
	n := e.hooks
	e.mu.Unlock()
	created := e.at(time.Duration(n-1000) * time.Millisecond)
	return webhook.Webhook{
		ID: e.name(fmt.Sprintf("wh_%s_%03d", e.id, n), fmt.Sprintf("w%d", n)), Scope: e.scope(scope), Name: fmt.Sprintf("Webhook %d", n),
		URL: "https://example.com/hook", Secrets: []webhook.Secret{webhook.NewSecret("secret-" + e.id)},
		Events: []string{"taskSuccess"}, Active: true, CreatedAt: created, UpdatedAt: created,
	}
}

// hook stores an active webhook in scope "a".
func (e *env) hook() webhook.Webhook { return e.keep(e.draft("a")) }

// keep stores a new webhook and returns the stored one.
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

// fresh makes n deliveries to a webhook, each of a new event, due when the case begins.
func (e *env) fresh(w webhook.Webhook, n int) []webhook.Delivery { return e.freshAt(e.base, w, n) }

// freshAt is fresh with another time.
func (e *env) freshAt(now time.Time, w webhook.Webhook, n int) []webhook.Delivery {
	ds := make([]webhook.Delivery, n)
	for i := range ds {
		ds[i] = e.delivery(w, e.event())
		ds[i].Due, ds[i].CreatedAt, ds[i].QueuedAt = now, now, now
	}
	return ds
}

// event makes the name of an event.
func (e *env) event() string {
	e.mu.Lock()
	e.events++
	n := e.events
	e.mu.Unlock()
	return e.name(fmt.Sprintf("evt_%s_%06d", e.id, n), fmt.Sprintf("e%d", n))
}

// delivery makes the delivery of an event to a webhook.
func (e *env) delivery(w webhook.Webhook, event string) webhook.Delivery {
	id := webhook.DeliveryID(w.Scope, event, w.ID)
	e.mu.Lock()
	e.deliveries++
	label := fmt.Sprintf("d%d", e.deliveries)
	e.mu.Unlock()
	return webhook.Delivery{
		ID: e.name(id, label), EventID: event, WebhookID: w.ID, Scope: w.Scope, Type: "taskSuccess",
		Body: []byte(`{"event":"` + event + `"}`), Due: e.base, CreatedAt: e.base, QueuedAt: e.base,
	}
}

// unknownID returns the ID of a delivery that does not exist.
func (e *env) unknownID() string { return e.name(webhook.DeliveryID("no", "such", e.id), "unknown") }

// enqueue enqueues deliveries and registers their lanes for claims.
func (e *env) enqueue(ctx context.Context, ds ...webhook.Delivery) ([]bool, error) {
	e.mu.Lock()
	for i := range ds {
		if lane := ds[i].Lane(); !slices.Contains(e.lanes, lane) {
			e.lanes = append(e.lanes, lane)
		}
	}
	e.mu.Unlock()
	return e.store.Enqueue(ctx, ds)
}

// put enqueues deliveries that are not stored yet.
func (e *env) put(ds ...webhook.Delivery) {
	added, err := e.enqueue(e.ctx, ds...)
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

// number returns the lease number of the next claim, as a Dispatcher makes it.
func (e *env) number() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.claims++
	return (e.base.UnixMicro() + e.claims) << 11
}

// claim claims deliveries of all lanes of the case at the given time.
func (e *env) claim(now time.Time) []webhook.Delivery {
	return e.batch(webhook.Claim{Now: now}).Deliveries
}

// take claims at most n deliveries of one lane.
func (e *env) take(now time.Time, w webhook.Webhook, n int) []webhook.Delivery {
	return e.batch(webhook.Claim{Now: now, Lanes: asked(n, laneOf(w))}).Deliveries
}

// laneOf returns the lane of a webhook's deliveries without a class.
func laneOf(w webhook.Webhook) webhook.Lane {
	return webhook.Lane{Scope: w.Scope, WebhookID: w.ID}
}

// asked returns the LaneClaims for at most n deliveries of each lane.
func asked(n int, lanes ...webhook.Lane) []webhook.LaneClaim {
	out := make([]webhook.LaneClaim, len(lanes))
	for i, l := range lanes {
		out[i] = webhook.LaneClaim{Lane: l, Most: n}
	}
	return out
}

// batch makes a claim. By default it names all lanes of the case, lasts for lease and has a new number.
func (e *env) batch(c webhook.Claim) webhook.Batch {
	b, err := e.tryBatch(c)
	e.ok(err, "Claim")
	return b
}

func (e *env) tryBatch(c webhook.Claim) (webhook.Batch, error) {
	if c.Lanes == nil {
		e.mu.Lock()
		c.Lanes = asked(many, e.lanes...)
		e.mu.Unlock()
	}
	if c.Until.IsZero() {
		c.Until = c.Now.Add(lease)
	}
	if c.Lease == 0 {
		c.Lease = e.number()
	}
	return e.store.Claim(e.ctx, c)
}

// settle writes outcomes and returns the lost ones.
func (e *env) settle(ss ...webhook.Settlement) []string {
	lost, err := e.store.Settle(e.ctx, ss)
	e.ok(err, "Settle")
	return lost
}

// cleanUp removes the case's data.
func (e *env) cleanUp() {
	if e.store == nil {
		return // a case of notifiers
	}
	if reg, ok := e.store.(webhook.Registry); ok {
		for _, s := range e.scopes {
			_ = reg.DeleteScope(e.ctx, s) // an error is harmless: the next case has other scopes
		}
		return
	}
	now := e.at(48 * time.Hour)
	for range 20 {
		b, err := e.tryBatch(webhook.Claim{Now: now})
		if err != nil || len(b.Deliveries) == 0 {
			return
		}
		ss := make([]webhook.Settlement, len(b.Deliveries))
		for i, d := range b.Deliveries {
			ss[i] = webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateFailed, Due: now, Code: webhook.CodeCancelled}
		}
		_, _ = e.store.Settle(e.ctx, ss)
	}
}
