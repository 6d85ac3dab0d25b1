package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// doRead reads a webhook again, for jobs whose read is too old.
func (g *engine) doRead(c scheduler.Read) {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	e := scheduler.Reread{Scope: c.Scope, WebhookID: c.WebhookID, Began: time.Now(), Verdict: scheduler.Unusable}
	var w Webhook
	g.callStore(storeTimeout, "Webhook", func() (err error) {
		w, err = d.readWebhook(ctx, c.Scope, c.WebhookID)
		return err
	}, func(err error) {
		gone := errors.Is(err, ErrNotFound)
		if gone {
			e.Verdict, err = scheduler.WebhookGone, nil
		}
		d.recordCall(ctx, "Webhook", err)
		if err == nil && !gone && w.Unreadable == nil && w.Live(d.now()) {
			e.Verdict, e.Hook = scheduler.Usable, &w
		}
		g.finish(e)
	}, func() {
		d.recordCall(ctx, "Webhook", errNoAnswer)
		g.finish(e)
	})
}

// errOtherWebhook contains a Store that breaks its contract: its answer must not send requests to
// another tenant, nor show one tenant's webhook to another.
var errOtherWebhook = errors.New("webhook: the Store answered with another webhook than it was asked for, prove it with package storetest")

// readWebhook reads one webhook, also from a Store that is no Registry.
func (d *Dispatcher) readWebhook(ctx context.Context, scope, id string) (Webhook, error) {
	w, err := d.findWebhook(ctx, scope, id)
	if err == nil && (w.Scope != scope || w.ID != id) {
		return Webhook{}, errOtherWebhook
	}
	return w, err
}

func (d *Dispatcher) findWebhook(ctx context.Context, scope, id string) (Webhook, error) {
	if d.registry != nil {
		return d.registry.Webhook(ctx, scope, id)
	}
	ws, err := d.store.Webhooks(ctx, scope)
	if err != nil {
		return Webhook{}, err
	}
	for _, w := range ws {
		if w.ID == id {
			return w, nil
		}
	}
	return Webhook{}, ErrNotFound
}

func (g *engine) doNotify() {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	g.callStore(storeTimeout, "Notify", func() error { return d.notifier.Notify(ctx) }, func(err error) {
		if !errors.Is(err, ErrUnsupported) {
			d.recordCall(ctx, "Notify", err)
		}
		g.finish(scheduler.Notified{})
	}, func() {
		d.recordCall(ctx, "Notify", errNoAnswer)
		g.finish(scheduler.Notified{})
	})
}
