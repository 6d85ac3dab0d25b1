package main

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/ledger"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
)

// killLoop is row P6: one delivery kills every process that sends it. The clock of each process is
// a lease ahead of the one before, so that no process waits for leases.
func killLoop(ctx context.Context, l *life) {
	const interruptions = 10
	poison := l.field.Hooks[0]
	held := make(chan receiver.Request, 16)
	l.answers(func(r receiver.Request, gone <-chan struct{}) int {
		if r.Webhook() == poison && r.Event == "p1-1" {
			held <- r
			<-gone
		}
		return 200
	})
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for n := range interruptions {
		cfg := l.config(1)
		cfg.Timeout, cfg.Lease = hold, hold+lease
		cfg.ClockOffset = time.Duration(n) * (cfg.Lease + time.Second)
		p, _, err := l.start(cfg)
		if err != nil {
			l.wrong("P6", "%v", err)
			return
		}
		select {
		case <-held:
			// Its neighbours must not be interrupted as often. Its own webhook gets one request at
			// a time, and no process holds a delivery that waits for it.
			err = l.field.Until(ctx, webhook.Query{States: []webhook.State{webhook.StatePending}}, "only the poison is held",
				func(ds []webhook.Delivery) bool {
					return p.Count(hostproc.Loaded) == 1 && !slices.ContainsFunc(ds, func(d webhook.Delivery) bool {
						return d.EventID != "p1-1" && (d.Held || d.WebhookID != poison)
					})
				})
		case <-ctx.Done():
			err = ctx.Err()
		}
		l.kill(p)
		if err != nil {
			l.wrong("P6", "the delivery was not sent a %d. time: %v", n+1, err)
			return
		}
	}
	cfg := l.config(1)
	cfg.ClockOffset = interruptions * (hold + lease + time.Second)
	p, _, err := l.start(cfg)
	if err != nil {
		l.wrong("P6", "%v", err)
		return
	}
	err = p.Wait(ctx, hostproc.Loaded, 1)
	if err == nil {
		err = l.field.Drained(ctx)
	}
	if err != nil {
		l.wrong("P6", "%v", err)
	}
	if err := p.Stop(); err != nil {
		l.wrong("P6", "%v", err)
	}
	l.did("P6")
	l.world.books.add(l.database, ledger.Balance{}, l.kills)
	ds, err := l.field.All(ctx, webhook.Query{})
	if err != nil {
		l.wrong("P6", "%v", err)
	}
	if n := len(l.receiver.Of(poison, "p1-1")); n != interruptions {
		l.wrong("P6", "the delivery was sent %d times, want %d", n, interruptions)
	}
	for _, d := range ds {
		isPoison := d.WebhookID == poison && d.EventID == "p1-1"
		switch {
		case isPoison && (d.State != webhook.StateFailed || d.LastCode != webhook.CodeInterrupted || d.Tries != 0):
			l.wrong("P6", "the delivery ended as %v with code %q after %d tries", d.State, d.LastCode, d.Tries)
		case !isPoison && d.State != webhook.StateDelivered:
			l.wrong("P6", "event %s did not reach %s beside it", d.EventID, d.WebhookID)
		}
	}
}
