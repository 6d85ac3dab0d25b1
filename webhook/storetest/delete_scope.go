package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
)

func testDeleteScope(e *env, reg webhook.Registry) {
	mine, theirs := e.keep(e.draft("a")), e.keep(e.draft("b"))
	e.queue(mine, 2)
	kept := e.queue(theirs, 1)
	leased := e.take(e.base, mine, 1)
	marks, marked := e.store.(webhook.Marks)
	if marked {
		for _, scope := range []string{mine.Scope, theirs.Scope} {
			e.wantMark(marks, "Mark", scope, "key", e.base, farFuture, true)
		}
	}
	health, healthy := e.store.(webhook.HealthStore)
	if healthy {
		e.ok(health.SetHealth(e.ctx, mine.Scope, mine.ID, webhook.Health{}, webhook.Health{Failures: 1, FailingSince: e.base}), "SetHealth")
	}
	e.ok(reg.DeleteScope(e.ctx, mine.Scope), "DeleteScope")
	ws, err := reg.Webhooks(e.ctx, mine.Scope)
	if e.ok(err, "Webhooks"); len(ws) != 0 {
		e.errorf("the scope still has %d webhooks", len(ws))
	}
	for _, d := range leased {
		if lost := e.settle(delivered(d, e.at(time.Second))); len(lost) != 1 {
			e.errorf("settling a lease of a deleted scope: lost %v, want the delivery", lost)
		}
	}
	e.wantLanes("Due", e.walk(webhook.DueQuery{Now: e.at(2 * lease)}).Lanes, laneOf(theirs))
	e.wantIDs("claim", e.claim(e.at(2*lease)), kept...)
	if h, ok := e.store.(webhook.History); ok {
		ds, _, err := h.Deliveries(e.ctx, webhook.Query{Scope: mine.Scope})
		if e.ok(err, "Deliveries"); len(ds) != 0 {
			e.errorf("the history still has %d deliveries of the scope", len(ds))
		}
	}
	if marked {
		e.wantMark(marks, "Mark after DeleteScope", mine.Scope, "key", e.base, farFuture, true)
		e.wantMark(marks, "Mark in another scope after DeleteScope", theirs.Scope, "key", e.base, farFuture, false)
	}
	if healthy {
		hs, err := health.Health(e.ctx, mine.Scope, "")
		if e.ok(err, "Health"); len(hs) != 0 {
			e.errorf("the health of a deleted scope's webhook is still there")
		}
	}
}

func testDeleteScopeCutOff(e *env, reg webhook.Registry) {
	for asked := range int64(12) {
		w := e.keep(e.draft("a"))
		e.queue(w, 5)
		err := e.fading(asked, func(ctx context.Context) error { return reg.DeleteScope(ctx, w.Scope) })
		if err != nil && !errors.Is(err, webhook.ErrUnknown) {
			_, err := reg.Webhook(e.ctx, w.Scope, w.ID)
			e.ok(err, "Webhook after a DeleteScope whose error says that nothing was changed")
		}
		if err != nil {
			e.ok(reg.DeleteScope(e.ctx, w.Scope), "another DeleteScope")
		}
		if _, err := reg.Webhook(e.ctx, w.Scope, w.ID); !errors.Is(err, webhook.ErrNotFound) {
			e.errorf("Webhook after DeleteScope: %v, want ErrNotFound", err)
		}
		e.wantIDs("claim after DeleteScope", e.claim(e.base))
	}
}
