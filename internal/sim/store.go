package sim

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

var (
	errDead   = errors.New("sim: the process is dead")
	errOutage = errors.New("sim: the database is away")
)

// view is the Store as one process sees it: it fails, delays, forgets to answer, and is
// gone once the process is dead. It embeds the real one for what needs no faults.
type view struct {
	*memstore.Store
	h *host
}

// call wraps one call. An outage may strike before the work is done or after it was.
func (v *view) call(ctx context.Context, name string, work func() error) error {
	w := v.h.world
	n := w.calls.Add(1)
	if v.h.dead() || v.h.at("before "+name) {
		return errDead
	}
	now := time.Now()
	if now.Before(w.slowUntil.get()) {
		select {
		case <-time.After(time.Duration(w.draw(4000, "slow", name, n)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	away := now.Before(w.outageUntil.get())
	if away && w.draw(4, "commits", name, n) != 0 {
		return errOutage
	}
	err := work()
	if v.h.at("after "+name) || v.h.dead() {
		return errDead
	}
	if away {
		return errOutage // it was done all the same
	}
	return err
}

func (v *view) Webhooks(ctx context.Context, scope string) (ws []webhook.Webhook, err error) {
	err = v.call(ctx, "Webhooks", func() error {
		ws, err = v.Store.Webhooks(ctx, scope)
		return err
	})
	return ws, err
}

func (v *view) Enqueue(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	err = v.call(ctx, "Enqueue", func() error {
		added, err = v.Store.Enqueue(ctx, ds)
		return err
	})
	return added, err
}

func (v *view) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	w := v.h.world
	err = v.call(ctx, "Claim", func() error {
		w.booking.Lock()
		defer w.booking.Unlock()
		if b, err = v.Store.Claim(ctx, c); err == nil {
			w.claimed(&c, &b)
		}
		return err
	})
	return b, err
}

func (v *view) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	w := v.h.world
	err = v.call(ctx, "Settle", func() error {
		w.booking.Lock()
		defer w.booking.Unlock()
		if lost, err = v.Store.Settle(ctx, ss); err == nil {
			w.settled(ss, lost)
		}
		return err
	})
	return lost, err
}

func (v *view) Health(ctx context.Context, ids []string) (hs []webhook.Health, err error) {
	err = v.call(ctx, "Health", func() error {
		hs, err = v.Store.Health(ctx, ids)
		return err
	})
	return hs, err
}

func (v *view) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	return v.call(ctx, "SetHealth", func() error { return v.Store.SetHealth(ctx, scope, id, old, new) })
}

func (v *view) Update(ctx context.Context, w webhook.Webhook) error {
	return v.call(ctx, "Update", func() error {
		v.h.world.books.change(w.ID) // a dispatcher switches a webhook off: requests may be on their way
		return v.Store.Update(ctx, w)
	})
}

// Now makes the Store a webhook.Clock.
func (v *view) Now(ctx context.Context) (t time.Time, err error) {
	err = v.call(ctx, "Now", func() error {
		t = v.h.world.storeTime()
		return nil
	})
	return t, err
}
