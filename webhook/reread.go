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
	began := time.Now()
	callStore(g, storeTimeout, "Webhook", func(ctx context.Context) (*Webhook, error) {
		w, err := d.readWebhook(ctx, c.Scope, c.WebhookID)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		return &w, err
	}, func(_ context.Context, w *Webhook, err error) {
		e := scheduler.Reread{Scope: c.Scope, WebhookID: c.WebhookID, Began: began, Verdict: scheduler.Unusable}
		switch {
		case err != nil:
		case w == nil:
			e.Verdict = scheduler.WebhookGone
		case w.Unreadable == nil && w.Live(d.now()):
			e.Verdict, e.Hook = scheduler.Usable, w
		}
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

// notifyTries is how often a notification is tried: an idle host may look only once a minute.
const notifyTries = 3

// doNotify wakes other hosts.
func (g *engine) doNotify() {
	callStore(g, storeTimeout, "Notify", func(ctx context.Context) (none struct{}, err error) {
		for range notifyTries {
			if err = g.d.notifier.Notify(ctx); err == nil || errors.Is(err, ErrUnsupported) {
				return none, nil
			}
		}
		return none, err
	}, func(context.Context, struct{}, error) { g.finish(scheduler.Notified{}) })
}
