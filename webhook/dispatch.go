package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
// none, and returns once the Store has them. They are sent while [Dispatcher.Run] runs
// here or in another process on the same Store. A second Dispatch of an event with the
// same ID adds nothing.
//
// It returns within Options.DispatchTimeout, whatever the Store does. After an
// error the Store holds nothing new, except when the error is a timeout: then the
// Store may still finish, and repeating the call with the same event IDs is safe.
// Errors: [ErrTooLarge], [ErrFull], [ErrClosed], [ErrBusy], those of the
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
	select {
	case d.calls <- struct{}{}:
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("webhook: dispatch: %w: %w", ErrBusy, ctx.Err())
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
		defer func() { <-d.calls }()
		var r result
		r.err = protect("Enqueue", func() (err error) {
			d.knowTime(ctx) // not in DispatchTx: the host's transaction may hold the only connection
			r.receipt, err = d.enqueue(ctx, d.store, events)
			return err
		})
		done <- r
		if r.err == nil && r.receipt.added() > 0 {
			d.announce(ctx)
		}
	}()
	select {
	case r := <-done:
		return r.receipt, r.err
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("webhook: dispatch: the Store did not answer, whether the events were stored is unknown: %w", ctx.Err())
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
		r, err = d.enqueue(ctx, tx, events)
		return err
	})
	return r, err
}

func (r *Receipt) added() (n int) {
	for _, e := range r.Events {
		n += e.Added
	}
	return n
}

// checkEvents refuses what must not be stored.
func (d *Dispatcher) checkEvents(events []payload.Event) error {
	for _, e := range events {
		switch {
		case !validEventID(e.ID):
			return fmt.Errorf("webhook: dispatch: %w: an event ID must be 1 to 255 printable ASCII characters without a dot or space: use payload.New", ErrInvalid)
		case e.Scope == "" || e.Type == "":
			return fmt.Errorf("webhook: dispatch %s: %w: an event needs a Scope and a Type: use payload.New", e.ID, ErrInvalid)
		case len(e.Body) > d.profile.maxBody():
			return fmt.Errorf("webhook: dispatch %s: %w: body of %d bytes, profile %s allows %d", e.ID, ErrTooLarge, len(e.Body), d.profile.Name, d.profile.maxBody())
		}
	}
	return nil
}

func validEventID(id string) bool {
	if id == "" || len(id) > 255 {
		return false
	}
	for i := range len(id) {
		if id[i] <= 0x20 || id[i] > 0x7e || id[i] == '.' {
			return false
		}
	}
	return true
}

// enqueue matches, composes and stores.
func (d *Dispatcher) enqueue(ctx context.Context, to Enqueuer, events []payload.Event) (Receipt, error) {
	now := d.now()
	carry, err := d.carry(ctx)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Events: make([]EventReceipt, 0, len(events))}
	scopes := make(map[string][]Webhook, 1)
	var ds []Delivery
	var size int
	for _, e := range events {
		hooks, known := scopes[e.Scope]
		if !known {
			if hooks, err = to.Webhooks(ctx, e.Scope); err != nil {
				return Receipt{}, fmt.Errorf("webhook: dispatch %s: webhooks: %w", e.ID, err)
			}
			scopes[e.Scope] = hooks
		}
		made, err := d.plan(e, hooks, now)
		if err != nil {
			return Receipt{}, fmt.Errorf("webhook: dispatch %s: %w", e.ID, err)
		}
		er := EventReceipt{ID: e.ID, Matched: len(made)}
		for i := range made {
			if made[i].Carry = carry; len(made[i].Body) > d.profile.maxBody() {
				return Receipt{}, fmt.Errorf("webhook: dispatch %s: %w: composed body of %d bytes, profile %s allows %d", e.ID, ErrTooLarge, len(made[i].Body), d.profile.Name, d.profile.maxBody())
			}
			size += len(made[i].Body)
			er.Deliveries = append(er.Deliveries, made[i].ID)
		}
		if size > maxFanOut {
			return Receipt{}, fmt.Errorf("webhook: dispatch %s: %w: matched webhooks times body exceed %d MiB, dispatch fewer events at once", e.ID, ErrTooLarge, maxFanOut>>20)
		}
		ds = append(ds, made...)
		receipt.Events = append(receipt.Events, er)
	}
	if len(ds) == 0 {
		return receipt, nil
	}
	added, err := to.Enqueue(ctx, ds)
	if err != nil {
		return Receipt{}, fmt.Errorf("webhook: dispatch %s: enqueue: %w", events[0].ID, err)
	}
	if len(added) != len(ds) {
		return Receipt{}, fmt.Errorf("webhook: dispatch %s: the Store answered for %d of %d deliveries", events[0].ID, len(added), len(ds))
	}
	d.account(ctx, &receipt, ds, added)
	return receipt, nil
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

// announce wakes this process and the others on the same Store.
func (d *Dispatcher) announce(ctx context.Context) {
	d.Wake()
	if d.notifier == nil {
		return
	}
	ctx, cancel := d.storeContext(ctx)
	defer cancel()
	if err := protect("Notify", func() error { return d.notifier.Notify(ctx) }); err != nil && !errors.Is(err, ErrUnsupported) {
		d.log.WarnContext(ctx, "webhook: other hosts were not notified, their next poll finds the work", "error", err)
	}
}
