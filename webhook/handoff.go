package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// handOffMargin is added to the timeout of a request for the lease of a hand-off.
const handOffMargin = 10 * time.Second

// handOff stores deliveries. Those that can be sent at once are stored with a lease of this
// process: after the commit they wait for their turn here, without another call to the Store. The
// caller makes the request of first, if that is not nil.
func (d *Dispatcher) handOff(ctx context.Context, b batch) (added []bool, first *job, err error) {
	began := time.Now()
	earliest, latest := d.timeBounds()
	number, until := d.engine.nextLease(latest), latest.Add(d.o.Timeout+handOffMargin)
	jobs := jobBlock{wanted: len(b.deliveries)}
	offer := make([]*scheduler.Job, len(b.deliveries))
	for i := range offer {
		j := jobs.next()
		j.delivery = b.deliveries[i]
		dl := &j.delivery
		hook := b.hooks[i]
		read := b.read
		if dl.Seen > 0 {
			read = began // the insert checks that it has not changed
		}
		j.lease(number, dl.Due, until, hook, read)
		// The caller of an Enqueue does not learn the Sequence, which such a webhook is sent.
		numbered := d.keys != nil && hook.take() != TakeAny
		j.ClaimFirst = numbered || hook.Unreadable != nil || d.admit(j, hook, earliest) != CodeOK
		dl.Lease, dl.Held = number, true
		offer[i] = &j.Job
	}
	d.engine.post(scheduler.Offered{Jobs: offer})
	for i := range offer {
		if offer[i].Held() {
			b.deliveries[i].Lease, b.deliveries[i].Held, b.deliveries[i].Due = number, true, until
		}
	}
	answered := false
	defer func() {
		if !answered { // the Store has ended this goroutine
			d.engine.post(scheduler.Enqueued{Jobs: offer, Stored: scheduler.StoredUnknown})
		}
	}()
	added, err = d.storeAll(ctx, d.store, b.deliveries)
	answered = true
	first = d.engine.carryOutButOne(d.engine.step(scheduler.Enqueued{Jobs: offer, Added: added, Stored: storedState(err)}, 0, nil))
	if !errors.Is(err, ErrStale) && !errors.Is(err, ErrFull) && !errors.Is(err, ErrInvalid) { // these errors say nothing about the Store
		d.recordCall(ctx, "Enqueue", err)
	}
	return added, first, err
}

// storedState classifies the result of an Enqueue.
func storedState(err error) scheduler.Stored {
	switch {
	case err == nil:
		return scheduler.IsStored
	case errors.Is(err, ErrUnknown), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return scheduler.StoredUnknown
	}
	return scheduler.NotStored
}

// storeAll stores deliveries, in parts if their bodies are too large for one call, because a
// tenant's many webhooks must not fail the host's transaction. After an error in a later part the
// earlier ones may be stored.
func (d *Dispatcher) storeAll(ctx context.Context, to Enqueuer, ds []Delivery) (added []bool, err error) {
	for len(added) < len(ds) {
		part := nextPart(ds[len(added):])
		var a []bool
		err := protect("Enqueue", func() (err error) {
			a, err = to.Enqueue(ctx, part)
			return err
		})
		switch {
		case err == nil && len(a) != len(part):
			return nil, fmt.Errorf("%w: it answered for %d of %d deliveries", ErrUnknown, len(a), len(part))
		case err != nil && len(added) > 0:
			return nil, fmt.Errorf("%w: part of the deliveries are stored: %w", ErrUnknown, err)
		case errors.Is(err, ErrPanic):
			return nil, fmt.Errorf("%w: %w", ErrUnknown, err) // it may have stored before it panicked
		case err != nil:
			return nil, err
		}
		if len(a) == len(ds) {
			return a, nil
		}
		added = append(added, a...)
	}
	return added, nil
}

// nextPart is the beginning of ds whose bodies fit into one call; one delivery always fits.
func nextPart(ds []Delivery) []Delivery {
	size := 0
	for i := range ds {
		if size += len(ds[i].Body); size > maxFanOut && i > 0 {
			return ds[:i]
		}
	}
	return ds
}

// storeInTx stores deliveries in a transaction of the host and announces them to the scheduler,
// which claims them after the commit.
func (d *Dispatcher) storeInTx(ctx context.Context, to Enqueuer, b batch) ([]bool, error) {
	added, err := d.storeAll(ctx, to, b.deliveries)
	if err != nil {
		return nil, err
	}
	var e scheduler.Expected
	for i := range b.deliveries {
		if dl := &b.deliveries[i]; added[i] {
			e.IDs, e.Lanes = append(e.IDs, dl.ID), append(e.Lanes, scheduler.Lane(dl.Lane()))
		}
	}
	if len(e.IDs) > 0 {
		d.engine.post(e)
	}
	return added, nil
}
