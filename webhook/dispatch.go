package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/payload"
)

// Receipt is the result of one Dispatch.
type Receipt struct {
	// Events are in the order of the call; none after an error.
	Events []EventReceipt `json:"events"`
}

// EventReceipt is the result for one event.
type EventReceipt struct {
	// ID is the event's.
	ID string `json:"id"`
	// Matched is the number of deliveries of the event; 0 means that no webhook receives it: none of
	// the scope is active and listens to its type.
	Matched int `json:"matched"`
	// Added is the number of new ones; the others were stored by an earlier Dispatch of the same
	// event.
	Added int `json:"added"`
	// Deliveries are the IDs of all of them, old and new.
	Deliveries []string `json:"deliveries"`
}

// Dispatch stores a delivery of each event for every webhook that receives it, all or none of each
// scope, and returns once the Store has them. If the bodies together exceed 64 MiB they are stored
// in parts, and all or none holds for each part. [Dispatcher.Run] sends them, here or in another
// process on the same Store. A webhook that has a delivery of this event ID gets no second one,
// whatever the type and body, as long as the Store keeps the first; see Options.History. A webhook
// that matches only now gets one.
//
// It returns within Options.DispatchTimeout, whatever the Store does, and at most 100 ms after the
// end of ctx. After an error the Store holds nothing new, unless errors.Is(err, [ErrUnknown]): then a
// statement was sent and its answer is missing, and repeating the call with the same event IDs is
// safe. Errors: [ErrInvalid] for an event that cannot be sent, [ErrTooLarge], [ErrFull], [ErrClosed],
// [ErrBusy], [ErrUnknown], [ErrPanic], those of the Profile's hooks and of the Store.
func (d *Dispatcher) Dispatch(ctx context.Context, events ...payload.Event) (Receipt, error) {
	if len(events) == 0 {
		return Receipt{Events: []EventReceipt{}}, nil
	}
	if err := d.checkEvents(events); err != nil {
		return Receipt{}, err
	}
	if err := ctx.Err(); err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch: nothing was stored: %w", err)
	}
	grace := min(answerGrace, d.o.DispatchTimeout/10)
	ctx, cancel := context.WithTimeoutCause(ctx, d.o.DispatchTimeout-grace, errNoAnswer)
	defer cancel()
	if err := d.calls.Acquire(ctx, 1); err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch: %w: nothing was stored: %w", ErrBusy, err)
	}
	// A Store that ignores its context must not block the host, so a goroutine calls it that may
	// outlast this function.
	c := &dispatching{done: make(chan struct{})}
	events = slices.Clone(events)
	d.engine.workers.run(func() {
		var first *job
		func() {
			defer close(c.done)
			defer d.calls.Release(1)
			returned := false
			defer func() {
				if !returned { // code of the host has ended this goroutine
					c.err = c.failed(ErrPanic)
				}
			}()
			c.receipt, first, c.err = d.dispatch(ctx, c, events)
			returned = true
		}()
		d.engine.send(first) // the stack of this goroutine has grown already
	})
	select {
	case <-c.done:
		return c.receipt, c.err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-c.done: // the Store knows whether it has stored anything
		return c.receipt, c.err
	case <-late.C:
		return Receipt{}, c.failed(ctx.Err())
	}
}

// answerGrace is the time in which a Store may say how a call ended whose context is over.
const answerGrace = 100 * time.Millisecond

// dispatching is a call of Dispatch.
type dispatching struct {
	state   atomic.Int32 // whether the Store may have been called
	receipt Receipt
	err     error
	done    chan struct{} // closed once receipt and err are there
}

// The states of dispatching.
const (
	notStoring int32 = iota
	storing
	givenUp // the Store must not be called any more
)

// begin reports whether the Store may be called.
func (c *dispatching) begin() bool {
	return c.state.CompareAndSwap(notStoring, storing) || c.state.Load() == storing
}

// failed is the error of a call that has no result. Unless the Store has been called, nothing is
// stored, nor will be.
func (c *dispatching) failed(err error) error {
	if c.state.CompareAndSwap(notStoring, givenUp) {
		return fmt.Errorf("webhook: dispatch: nothing was stored: %w", err)
	}
	return fmt.Errorf("webhook: dispatch: %w: %w", ErrUnknown, err)
}

// dispatch stores deliveries. The caller makes the request of first, if that is not nil.
func (d *Dispatcher) dispatch(ctx context.Context, c *dispatching, events []payload.Event) (r Receipt, first *job, err error) {
	defer contain("Store.Enqueue", &err)
	d.useClock(ctx) // not in DispatchTx: the host's transaction may hold the only connection
	unchecked := false
	store := func(b batch) (added []bool, err error) {
		if !c.begin() {
			return nil, fmt.Errorf("nothing was stored: %w", ctx.Err())
		}
		if unchecked {
			for i := range b.deliveries {
				b.deliveries[i].Seen = 0 // as in a Store that does not count changes
			}
		}
		added, first, err = d.handOff(ctx, b)
		return added, err
	}
	r, err = d.enqueue(ctx, d.readScope, events, d.cache, store)
	for read := 0; errors.Is(err, ErrStale) && read < 2; read++ { // webhooks changed since they were read
		d.engine.start(first)
		first = nil
		unchecked = read > 0 // a tenant that changes webhooks all the time must not fail the host
		r, err = d.enqueue(ctx, d.readScope, events, nil, store)
	}
	return r, first, err
}

// DispatchTx is Dispatch inside a transaction of the host: tx comes from the Store
// adapter, such as sqlstore's Store.Tx. Deliveries appear when the host commits, and never
// if it rolls back; call [Dispatcher.Wake] after the commit. Everything is validated,
// matched and composed before the first row is written. The timeout is that of Dispatch,
// as far as tx honours its context.
func (d *Dispatcher) DispatchTx(ctx context.Context, tx Enqueuer, events ...payload.Event) (Receipt, error) {
	if tx == nil {
		return Receipt{}, fmt.Errorf("%w call: DispatchTx needs an Enqueuer, such as sqlstore's Store.Tx", ErrInvalid)
	}
	if len(events) == 0 {
		return Receipt{Events: []EventReceipt{}}, nil
	}
	if err := d.checkEvents(events); err != nil {
		return Receipt{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.DispatchTimeout)
	defer cancel()
	var r Receipt
	err := protect("Enqueue", func() (err error) {
		store := func(b batch) ([]bool, error) { return d.storeInTx(ctx, tx, b) }
		r, err = d.enqueue(ctx, tx.Webhooks, events, nil, store) // Status does not record reads by a transaction of the host
		return err
	})
	return r, err
}

// checkEvents refuses events that must not be stored.
func (d *Dispatcher) checkEvents(events []payload.Event) error {
	for _, e := range events {
		switch {
		case !validEventID(e.ID):
			return fmt.Errorf("webhook: dispatch: %w: an event ID must be 1 to 255 printable ASCII characters without a dot or space: use payload.New", ErrInvalid)
		case e.Scope == "" || e.Type == "":
			return fmt.Errorf("webhook: dispatch %s: %w: an event needs a Scope and a Type: use payload.New", e.ID, ErrInvalid)
		case !d.profile.hasEvent(e.Type):
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
	return id != "" && len(id) <= maxEventID && ascii.IsVisible(id) && !strings.Contains(id, ".")
}

// readScopeFunc reads the webhooks of a scope.
type readScopeFunc = func(ctx context.Context, scope string) ([]Webhook, error)

// enqueue compiles the deliveries and passes them to store. With a nil cache it reads the webhooks.
func (d *Dispatcher) enqueue(ctx context.Context, read readScopeFunc, events []payload.Event, cache WebhookCache,
	store func(batch) ([]bool, error)) (Receipt, error) {
	receipt, b, err := d.compile(ctx, read, events, cache)
	if err != nil || len(b.deliveries) == 0 {
		return receipt, err
	}
	added, err := store(b)
	if err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch %s: enqueue: %w", events[0].ID, err)
	}
	d.reportAdded(ctx, &receipt, b.deliveries, added)
	return receipt, nil
}

// readScope reads the webhooks of a scope from the Store, with a record in Status.
func (d *Dispatcher) readScope(ctx context.Context, scope string) ([]Webhook, error) {
	ws, err := d.store.Webhooks(ctx, scope)
	d.recordCall(ctx, "Webhooks", err)
	return ws, err
}

// reportAdded counts the new deliveries in the receipt and calls the Observer for each.
func (d *Dispatcher) reportAdded(ctx context.Context, r *Receipt, ds []Delivery, added []bool) {
	f := d.o.Observer.Enqueued
	for i := range r.Events {
		e := &r.Events[i]
		for at := range e.Matched {
			if !added[at] {
				continue
			}
			e.Added++
			if f != nil {
				dl := &ds[at]
				d.observe(ctx, "Enqueued", func() { f(ctx, *dl) })
			}
		}
		ds, added = ds[e.Matched:], added[e.Matched:]
	}
}
