package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/payload"
)

// Receipt tells what became of the events of one Dispatch, in their order.
type Receipt struct{ Events []EventReceipt }

// EventReceipt tells what became of one event.
type EventReceipt struct {
	// ID is the event's.
	ID string
	// Matched is the number of deliveries the event calls for; 0 means that nobody listens.
	Matched int
	// Added is how many of them are new; the others were stored by an earlier Dispatch
	// of the same event.
	Added int
	// Deliveries are the IDs of all of them, old and new.
	Deliveries []string
}

// Dispatch stores a delivery of each event for every webhook that receives it, all or
// none of each scope, and returns once the Store has them. Where bodies together exceed 64
// MiB they are stored in parts, and all or none holds for each part. They are sent while [Dispatcher.Run] runs
// here or in another process on the same Store. A second Dispatch of an event with the
// same ID adds nothing.
//
// It returns within Options.DispatchTimeout, whatever the Store does. After an
// error the Store holds nothing new, unless errors.Is(err, [ErrUnknown]): then a statement
// was sent and its answer is missing, and repeating the call with the same event IDs is safe.
// Errors: [ErrTooLarge], [ErrFull], [ErrClosed], [ErrBusy], [ErrUnknown], those of the
// Profile's hooks and of the Store.
func (d *Dispatcher) Dispatch(ctx context.Context, events ...payload.Event) (Receipt, error) {
	if len(events) == 0 {
		return Receipt{}, nil
	}
	if err := d.checkEvents(events); err != nil {
		return Receipt{}, err
	}
	if err := ctx.Err(); err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch: nothing was stored: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.DispatchTimeout)
	defer cancel()
	call, err := d.calls.Reserve(ctx, 1)
	if err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch: %w: %w", ErrBusy, err)
	}
	type result struct {
		receipt Receipt
		err     error
	}
	// A Store that ignores its context must not hold the host's hook, so it is
	// called from a goroutine that may be left behind.
	done := make(chan result, 1)
	events = slices.Clone(events)
	go func() {
		var r result
		var first *job
		r.err = protect("Enqueue", func() (err error) {
			defer call.Close()
			d.worked.Store(true)
			d.knowTime(ctx, clockStale) // not in DispatchTx: the host's transaction may hold the only connection
			store := func(ctx context.Context, to Enqueuer, b *batch) (added []bool, err error) {
				added, first, err = d.handOff(ctx, to, b)
				return added, err
			}
			r.receipt, err = d.enqueue(ctx, d.reported, events, d.cache, store)
			for read := 0; errors.Is(err, ErrStale) && read < 2; read++ { // webhooks changed since they were read
				d.engine.start(first)
				again := store
				if read > 0 {
					again = unchecked(store) // a tenant that changes webhooks all the time must not fail the host
				}
				r.receipt, err = d.enqueue(ctx, d.reported, events, nil, again)
			}
			return err
		})
		done <- r
		d.engine.send(first) // the goroutine is here already
	}()
	select {
	case r := <-done:
		return r.receipt, r.err
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("webhook: dispatch: %w: %w", ErrUnknown, ctx.Err())
	}
}

// DispatchTx is Dispatch inside a transaction of the host: tx comes from the Store
// adapter, such as sqlstore's Store.Tx. Deliveries appear when the host commits, and never
// if it rolls back; call [Dispatcher.Wake] after the commit. Everything is validated,
// matched and composed before the first row is written. The timeout is that of Dispatch,
// as far as tx honours its context.
func (d *Dispatcher) DispatchTx(ctx context.Context, tx Enqueuer, events ...payload.Event) (Receipt, error) {
	if tx == nil {
		return Receipt{}, errors.New("webhook: DispatchTx needs an Enqueuer, such as sqlstore's Store.Tx")
	}
	if len(events) == 0 {
		return Receipt{}, nil
	}
	if err := d.checkEvents(events); err != nil {
		return Receipt{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.DispatchTimeout)
	defer cancel()
	var r Receipt
	err := protect("Enqueue", func() (err error) {
		r, err = d.enqueue(ctx, tx, events, nil, d.expect)
		return err
	})
	return r, err
}

// checkEvents refuses what must not be stored.
func (d *Dispatcher) checkEvents(events []payload.Event) error {
	for _, e := range events {
		switch {
		case !validEventID(e.ID):
			return fmt.Errorf("webhook: dispatch: %w: an event ID must be 1 to 255 printable ASCII characters without a dot or space: use payload.New", ErrInvalid)
		case e.Scope == "" || e.Type == "":
			return fmt.Errorf("webhook: dispatch %s: %w: an event needs a Scope and a Type: use payload.New", e.ID, ErrInvalid)
		case !d.profile.has(e.Type):
			return fmt.Errorf("webhook: dispatch %s: %w: profile %s has no event type %q, add it to Profile.Form.Events", e.ID, ErrInvalid, d.profile.Name, e.Type)
		case e.Key != "" && !payload.ValidKey(e.Key):
			return fmt.Errorf("webhook: dispatch %s: %w: a key must be 1 to 255 bytes of text in one line: use payload.WithKey", e.ID, ErrInvalid)
		case len(e.Body) > d.profile.maxBody():
			return fmt.Errorf("webhook: dispatch %s: %w: body of %d bytes, profile %s allows %d", e.ID, ErrTooLarge, len(e.Body), d.profile.Name, d.profile.maxBody())
		}
	}
	return nil
}

func validEventID(id string) bool {
	return id != "" && len(id) <= 255 && ascii.IsVisible(id) && !strings.Contains(id, ".")
}

// batch is what one Dispatch is about to store.
type batch struct {
	deliveries []Delivery
	hooks      map[webhookKey]*Webhook
	read       time.Time // when the first read of webhooks began
}

type storing = func(context.Context, Enqueuer, *batch) ([]bool, error)

// unchecked lets a Store that counts changes store what was read a moment ago, as others do.
func unchecked(store storing) storing {
	return func(ctx context.Context, to Enqueuer, b *batch) ([]bool, error) {
		for i := range b.deliveries {
			b.deliveries[i].Seen = 0
		}
		return store(ctx, to, b)
	}
}

// enqueue matches and composes, and lets store store. cache is nil where webhooks are to be read.
func (d *Dispatcher) enqueue(ctx context.Context, to Enqueuer, events []payload.Event, cache WebhookCache,
	store storing) (Receipt, error) {
	receipt, b, err := d.compile(ctx, to, events, cache)
	if err != nil || len(b.deliveries) == 0 {
		return receipt, err
	}
	added, err := store(ctx, to, b)
	if err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch %s: enqueue: %w", events[0].ID, err)
	}
	d.account(ctx, &receipt, b.deliveries, added)
	return receipt, nil
}

// reported is the Store with reads of webhooks that Status hears of. A transaction of the host is
// not: what fails there says nothing about the Store.
type reported struct {
	Enqueuer
	d *Dispatcher
}

func (r reported) Webhooks(ctx context.Context, scope string) ([]Webhook, error) {
	ws, err := r.Enqueuer.Webhooks(ctx, scope)
	if !errors.Is(err, context.Canceled) { // the caller's patience neither
		r.d.answered(ctx, "Webhooks", err)
	}
	return ws, err
}

// compile reads the webhooks of the events' scopes, or takes them from the cache, and makes
// the deliveries.
func (d *Dispatcher) compile(ctx context.Context, to Enqueuer, events []payload.Event, cache WebhookCache) (Receipt, *batch, error) {
	now, _ := d.certain() // due at once, also for a claim that follows at once
	b := &batch{read: time.Now(), hooks: make(map[webhookKey]*Webhook)}
	carry, err := d.carry(ctx)
	if err != nil {
		return Receipt{}, nil, err
	}
	receipt := Receipt{Events: make([]EventReceipt, 0, len(events))}
	var scopes map[string][]Webhook // of more events than one
	if len(events) > 1 {
		scopes = make(map[string][]Webhook, 1)
	}
	for _, e := range events {
		hooks, known := scopes[e.Scope]
		cached := false
		if !known && cache != nil {
			hooks, cached = cache.CachedWebhooks(e.Scope)
		}
		if !known && !cached {
			if hooks, err = to.Webhooks(ctx, e.Scope); err != nil {
				return Receipt{}, nil, fmt.Errorf("webhook: dispatch %s: webhooks: %w", e.ID, err)
			}
			if len(hooks) == 0 {
				d.unknownScope(ctx, e.Scope)
			}
			d.gone(e.Scope, func(id string) bool {
				return !slices.ContainsFunc(hooks, func(w Webhook) bool { return w.ID == id })
			})
		}
		made, err := d.plan(e, hooks, now)
		if err != nil {
			return Receipt{}, nil, fmt.Errorf("webhook: dispatch %s: %w", e.ID, err)
		}
		if cached && len(made) == 0 {
			return d.compile(ctx, to, events, nil) // nothing is stored, so nothing tells that the webhooks are out of date
		}
		if !known {
			d.index(ctx, b.hooks, hooks)
			if scopes != nil {
				scopes[e.Scope] = hooks
			}
		}
		er := EventReceipt{ID: e.ID, Matched: len(made)}
		for i := range made {
			if made[i].Carry = carry; len(made[i].Body) > d.profile.maxBody() {
				return Receipt{}, nil, fmt.Errorf("webhook: dispatch %s: %w: composed body of %d bytes, profile %s allows %d", e.ID, ErrTooLarge, len(made[i].Body), d.profile.Name, d.profile.maxBody())
			}
			if w := b.hooks[webhookKey{made[i].Scope, made[i].WebhookID}]; w != nil {
				made[i].Seen = w.Seen
			}
			er.Deliveries = append(er.Deliveries, made[i].ID)
		}
		b.deliveries = append(b.deliveries, made...)
		receipt.Events = append(receipt.Events, er)
	}
	return receipt, b, nil
}

// unknownScope tells the operator once of a scope that has no webhooks at all: as a rule
// nobody has set any up yet, but it may be a spelling mistake.
func (d *Dispatcher) unknownScope(ctx context.Context, scope string) {
	t := &d.status
	t.mu.Lock()
	known := t.scopes[scope] || len(t.scopes) >= maxScopesTold
	if !known {
		if t.scopes == nil {
			t.scopes = make(map[string]bool)
		}
		t.scopes[scope] = true
	}
	t.mu.Unlock()
	if !known {
		d.log.WarnContext(ctx, "webhook: an event of a scope without webhooks was dispatched, it reaches no receiver", "scope", scope)
	}
}

const maxScopesTold = 1000

// index finds webhooks by their names, and notes which of them cannot be opened.
func (d *Dispatcher) index(ctx context.Context, byKey map[webhookKey]*Webhook, hooks []Webhook) {
	for i := range hooks {
		w := &hooks[i]
		key := webhookKey{w.Scope, w.ID}
		byKey[key] = w
		if w.Unreadable != nil {
			d.sealed(ctx, key, w.Unreadable)
		}
	}
	d.opened(hooks)
}

// account counts what was new and tells the Observer.
func (d *Dispatcher) account(ctx context.Context, r *Receipt, ds []Delivery, added []bool) {
	at := 0
	for i := range r.Events {
		for range r.Events[i].Matched {
			if added[at] {
				r.Events[i].Added++
				if f := d.o.Observer.Enqueued; f != nil {
					d.observe(ctx, "Enqueued", func() { f(ctx, ds[at]) })
				}
			}
			at++
		}
	}
}

// carry takes the host's data from the context, within bounds.
func (d *Dispatcher) carry(ctx context.Context) (m map[string]string, err error) {
	if d.o.Carry == nil {
		return nil, nil
	}
	defer contain("Options.Carry", &err)
	m = maps.Clone(d.o.Carry(ctx))
	size := 0
	for k, v := range m {
		size += len(k) + len(v)
	}
	if len(m) > maxCarryKeys || size > maxCarrySize {
		return nil, fmt.Errorf("webhook: dispatch: %w: Options.Carry returned more than %d keys or %d bytes", ErrTooLarge, maxCarryKeys, maxCarrySize)
	}
	return m, nil
}

const (
	maxCarryKeys = 20
	maxCarrySize = 4 << 10
)
