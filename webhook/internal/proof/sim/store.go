package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

var (
	errDead   = errors.New("sim: the process is dead")
	errOutage = errors.New("sim: the database is away")
	errLost   = fmt.Errorf("sim: no answer: %w", webhook.ErrUnknown)
	errSealed = fmt.Errorf("sim: the key is away: %w", webhook.ErrSealed)
)

// view is the Store of one process: it fails, delays, loses answers, and is gone once the process
// is dead. It embeds the real Store for calls without faults.
type view struct {
	*memstore.Store
	h *host
}

// call wraps one call. An outage may strike before the work is done or after it. Where answers get
// lost, the work is done, is never done, or is done later by late.
func (v *view) call(ctx context.Context, name string, work func() error, late func()) error {
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
	if late != nil && now.Before(w.lossyUntil.get()) {
		switch w.draw(8, "lost", name, n) {
		case 0:
			away = true
		case 1:
			w.seen.lost.Add(1)
			return errLost
		case 2:
			w.seen.lost.Add(1)
			w.late.Go(func() {
				time.Sleep(time.Duration(w.draw(5000, "late", name, n)) * time.Millisecond)
				late()
			})
			return errLost
		}
	}
	err := work()
	if v.h.at("after "+name) || v.h.dead() {
		return errDead
	}
	if away {
		w.seen.lost.Add(1)
		return errLost // the work was done all the same
	}
	return err
}

func (v *view) Webhooks(ctx context.Context, scope string) (ws []webhook.Webhook, err error) {
	err = v.call(ctx, "Webhooks", func() error {
		ws, err = v.h.world.webhooks(ctx, scope)
		return err
	}, nil)
	return ws, err
}

// webhooks reads a scope, including sealed webhooks.
func (w *World) webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := w.store.Webhooks(ctx, scope)
	for i := range ws {
		w.seal(&ws[i])
	}
	return ws, err
}

// seal hides the secrets of a sealed webhook.
func (w *World) seal(hook *webhook.Webhook) {
	if w.isSealed(hook.ID) {
		hook.URL, hook.Secrets, hook.Headers, hook.Unreadable = "", nil, nil, errSealed
	}
}

func (w *World) isSealed(id string) bool {
	_, sealed := w.sealed.Load(id)
	return sealed
}

func (v *view) Webhook(ctx context.Context, scope, id string) (hook webhook.Webhook, err error) {
	err = v.call(ctx, "Webhook", func() error {
		if hook, err = v.Store.Webhook(ctx, scope, id); err == nil {
			v.h.world.seal(&hook)
		}
		return err
	}, nil)
	return hook, err
}

func (v *view) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	return callAndBook(ctx, v, "Enqueue", func(ctx context.Context) ([]bool, error) { return v.Store.Enqueue(ctx, ds) },
		func(added *[]bool) { v.h.world.enqueued(ds, *added) })
}

// callAndBook calls a method of the Store and books its result, also if the host loses the answer.
func callAndBook[T any](ctx context.Context, v *view, name string, method func(context.Context) (T, error), book func(*T)) (result T, err error) {
	run := func(ctx context.Context) (T, error) {
		w := v.h.world
		w.booking.Lock()
		defer w.booking.Unlock()
		result, err := method(ctx)
		if err == nil {
			book(&result)
		}
		return result, err
	}
	err = v.call(ctx, name, func() error {
		result, err = run(ctx)
		return err
	}, func() { _, _ = run(context.Background()) })
	return result, err
}

func (v *view) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	err = v.call(ctx, "Due", func() error {
		p, err = v.Store.Due(ctx, q)
		return err
	}, nil)
	return p, err
}

func (v *view) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	return callAndBook(ctx, v, "Claim", func(ctx context.Context) (webhook.Batch, error) { return v.Store.Claim(ctx, c) }, func(b *webhook.Batch) {
		v.h.world.claimed(&c, b)
		v.h.world.hide(b)
	})
}

// hide makes the deliveries of sealed webhooks unreadable.
func (w *World) hide(b *webhook.Batch) {
	ds, ws := b.Deliveries, b.Webhooks
	b.Deliveries, b.Webhooks = nil, nil
	for _, d := range ds {
		if !w.isSealed(d.WebhookID) {
			b.Deliveries = append(b.Deliveries, d)
			continue
		}
		w.seen.sealed.Add(1)
		b.Unreadable = append(b.Unreadable, webhook.Unreadable{ID: d.ID, Lease: d.Lease, Lane: d.Lane(), Due: d.Due, Err: errSealed})
	}
	for _, hook := range ws {
		if !w.isSealed(hook.ID) {
			b.Webhooks = append(b.Webhooks, hook)
		}
	}
}

func (v *view) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	return callAndBook(ctx, v, "Settle", func(ctx context.Context) ([]string, error) { return v.Store.Settle(ctx, ss) },
		func(lost *[]string) { v.h.world.settled(ss, *lost) })
}

func (v *view) Sweep(ctx context.Context, s webhook.Sweep, limit int) (ended []webhook.Delivery, more bool, err error) {
	err = v.call(ctx, "Sweep", func() error {
		ended, more, err = v.Store.Sweep(ctx, s, limit)
		return err
	}, nil)
	return ended, more, err
}

func (v *view) Health(ctx context.Context, scope, id string) (hs []webhook.Health, err error) {
	err = v.call(ctx, "Health", func() error {
		hs, err = v.Store.Health(ctx, scope, id)
		return err
	}, nil)
	return hs, err
}

func (v *view) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	return v.call(ctx, "SetHealth", func() error { return v.Store.SetHealth(ctx, scope, id, old, new) }, nil)
}

func (v *view) Update(ctx context.Context, hook webhook.Webhook) error {
	return v.call(ctx, "Update", func() error {
		defer v.h.world.books.change(hook.ID) // a dispatcher switches a webhook off while requests may be in flight
		return v.Store.Update(ctx, hook)
	}, nil)
}

// Now makes the Store a webhook.Clock. A reading takes up to 40 ms, most of it in one direction.
func (v *view) Now(ctx context.Context) (r webhook.Reading, err error) {
	err = v.call(ctx, "Now", func() error {
		w := v.h.world
		n := w.calls.Load()
		r.Before = time.Now()
		time.Sleep(time.Duration(w.draw(20, "there", n)) * time.Millisecond)
		r.Store = w.storeTime()
		time.Sleep(time.Duration(w.draw(20, "back", n)) * time.Millisecond)
		r.After = time.Now()
		return nil
	}, nil)
	return r, err
}

// Notifies reports whether this story's hosts notify each other.
func (v *view) Notifies() bool { return v.h.world.story.Notifier }

// Wait implements webhook.Notifier.
func (v *view) Wait(ctx context.Context) error {
	select {
	case <-v.h.bell:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Notify notifies every host.
func (v *view) Notify(ctx context.Context) error {
	return v.call(ctx, "Notify", func() error {
		w := v.h.world
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, h := range w.hosts {
			select {
			case h.bell <- struct{}{}:
			default:
			}
		}
		return nil
	}, nil)
}

// transaction has the deliveries of a host's transaction. They are stored at its commit.
type transaction struct {
	w  *World
	ds []webhook.Delivery
}

// Webhooks implements webhook.Enqueuer.
func (t *transaction) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return t.w.webhooks(ctx, scope)
}

// Enqueue implements webhook.Enqueuer.
func (t *transaction) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	added := make([]bool, len(ds))
	for i, d := range ds {
		if d.Held {
			t.w.violated("a delivery of a transaction is handed off before its commit")
		}
		if _, _, err := t.w.store.Delivery(ctx, d.Scope, d.ID); err != nil {
			added[i], d.Seen = true, 0
			t.ds = append(t.ds, d)
		}
	}
	return added, nil
}
