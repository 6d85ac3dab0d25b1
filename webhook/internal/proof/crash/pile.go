package main

import (
	"context"
	"sync/atomic"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// corrupt is row P12: one row of many cannot be read any more.
func corrupt(ctx context.Context, l *life) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	broken := ledger.Key{Webhook: l.field.Hooks[0], Event: "row-3"}
	l.dispatch(ctx, "P12", "row", 10)
	_, err := l.field.DB.ExecContext(ctx, `UPDATE postrider_delivery SET extra = '{"vars":' WHERE webhook = $1 AND event = $2`, broken.Webhook, broken.Event)
	if err != nil {
		l.wrong("P12", "%v", err)
		return
	}
	p, _, err := l.start(l.config(0))
	if err == nil {
		err = l.field.Drained(ctx)
	}
	if err != nil {
		l.wrong("P12", "%v", err)
		return
	}
	if err := p.Stop(); err != nil {
		l.wrong("P12", "%v", err)
	}
	l.did("P12")
	ds, err := l.field.All(ctx, webhook.Query{})
	if err != nil || len(ds) != 10*len(l.field.Hooks) {
		l.wrong("P12", "%d deliveries are stored, %v", len(ds), err)
	}
	for _, d := range ds {
		requests := len(l.receiver.Of(d.WebhookID, d.EventID))
		switch isBroken := ledger.Of(d) == broken; {
		case isBroken && (d.State != webhook.StateFailed || d.LastCode != webhook.CodeConfig || requests != 0):
			l.wrong("P12", "the row that cannot be read is %v with code %q after %d requests", d.State, d.LastCode, requests)
		case !isBroken && d.State != webhook.StateDelivered:
			l.wrong("P12", "event %s did not reach %s beside it", d.EventID, d.WebhookID)
		}
	}
}

// pile is row P17: 10,000 deliveries to an endpoint that hangs, or 1,000 in a hurry, are due when a
// process starts.
func pile(ctx context.Context, l *life) {
	const beside = 20
	piled := 10_000
	if l.world.hurry {
		piled = 1_000
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dead, healthy := l.field.Hooks[0], l.field.Hooks[1]
	if err := l.field.Manager.SetActive(ctx, hostproc.Scope, healthy, false); err != nil {
		l.wrong("P17", "%v", err)
		return
	}
	l.dispatch(ctx, "P17", "pile", piled)
	if err := l.field.Manager.SetActive(ctx, hostproc.Scope, healthy, true); err != nil {
		l.wrong("P17", "%v", err)
		return
	}
	var inFlight, most atomic.Int64
	l.answers(func(r receiver.Request, gone <-chan struct{}) int {
		if r.Webhook() != dead {
			return 200
		}
		n := inFlight.Add(1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		<-gone
		inFlight.Add(-1)
		return 200
	})
	cfg := l.config(beside)
	p, _, err := l.start(cfg)
	if err != nil {
		l.wrong("P17", "%v", err)
		return
	}
	served := webhook.Query{WebhookID: healthy, States: []webhook.State{webhook.StateDelivered}}
	err = l.field.Until(ctx, served, "the healthy webhook is served", func(ds []webhook.Delivery) bool { return len(ds) == beside })
	ended, _ := l.field.All(ctx, webhook.Query{WebhookID: dead, States: []webhook.State{webhook.StateDelivered, webhook.StateFailed}})
	l.kill(p)
	l.did("P17")
	if err != nil {
		l.wrong("P17", "%v", err)
	}
	if len(ended) > piled/2 {
		l.wrong("P17", "the healthy webhook had to wait for %d of %d", len(ended), piled)
	}
	if n := most.Load(); n < 1 || n > int64(cfg.PerLane) {
		l.wrong("P17", "%d requests at once to the endpoint that hangs, want 1 to %d", n, cfg.PerLane)
	}
}
