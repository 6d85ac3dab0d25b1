package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

func prunerCases() []testCase {
	return []testCase{
		{"pruner/ended-before", "Prune removes deliveries that ended before the given time and returns their number", onPruner(testPruneBefore)},
		{"pruner/whole-events", "an event stays until all its deliveries have ended", onPruner(testPruneWholeEvents)},
		{"pruner/limit", "Prune removes at most limit deliveries, in whole events, and continues at the next call", onPruner(testPruneLimit)},
		{"pruner/keeps-pending", "a pending delivery is never removed, however old", onPruner(testPrunePending)},
		{"pruner/keeps-requeued", "a requeued delivery is pending and stays, although it ended before", onPruner(testPruneRequeued)},
	}
}

func onPruner(test func(*env, webhook.Pruner)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Pruner)) }
}

func (e *env) prune(p webhook.Pruner, before time.Time, limit int) int {
	n, err := p.Prune(e.ctx, before, limit)
	e.ok(err, "Prune")
	return n
}

// wantAdded enqueues deliveries again: those that were removed are added.
func (e *env) wantAdded(what string, want []bool, ds ...webhook.Delivery) {
	added, err := e.enqueue(e.ctx, ds...)
	e.ok(err, "Enqueue")
	e.want(what, want, added)
}

func testPruneBefore(e *env, p webhook.Pruner) {
	ds := e.fresh(e.hook(), 3)
	e.put(ds...)
	for _, d := range e.claim(e.base) {
		switch d.ID {
		case ds[0].ID:
			e.settle(delivered(d, e.at(time.Second)))
		case ds[1].ID:
			e.settle(failed(d, e.at(2*time.Second)))
		case ds[2].ID:
			e.settle(delivered(d, e.at(3*time.Second)))
		}
	}
	for _, step := range []struct {
		before time.Duration
		want   int
	}{{time.Second, 0}, {time.Second + time.Microsecond, 1}, {3 * time.Second, 1}, {3 * time.Second, 0}} {
		if n := e.prune(p, e.at(step.before), 100); n != step.want {
			e.errorf("Prune of deliveries that ended before %v removed %d, want %d", step.before, n, step.want)
		}
	}
	if h, ok := e.store.(webhook.History); ok {
		left, _ := e.page(h, webhook.Query{Scope: ds[0].Scope})
		e.wantIDs("history after Prune", left, ds[2].ID)
	}
	e.wantAdded("added after Prune", []bool{true, true, false}, ds...)
}

func testPruneWholeEvents(e *env, p webhook.Pruner) {
	a, b := e.hook(), e.hook()
	event := e.event()
	ds := []webhook.Delivery{e.delivery(a, event), e.delivery(b, event)}
	e.put(ds...)
	first := e.one("claim", e.take(e.base, a, 1))
	e.settle(delivered(first, e.at(time.Second)))
	if n := e.prune(p, e.at(time.Hour), 100); n != 0 {
		e.errorf("Prune removed %d deliveries of an event with a pending one", n)
	}
	e.wantAdded("added while the other one is pending", []bool{false, false}, ds...)
	second := e.one("claim", e.claim(e.at(2*time.Second)))
	e.settle(delivered(second, e.at(10*time.Second)))
	if n := e.prune(p, e.at(5*time.Second), 100); n != 0 {
		e.errorf("Prune removed %d deliveries of an event of which one ended later", n)
	}
	if n := e.prune(p, e.at(time.Hour), 100); n != 2 {
		e.errorf("Prune removed %d deliveries of an event of which all ended, want 2", n)
	}
}

func testPruneLimit(e *env, p webhook.Pruner) {
	a, b := e.hook(), e.hook()
	const events = 5
	for range events {
		event := e.event()
		e.put(e.delivery(a, event), e.delivery(b, event))
	}
	for _, d := range e.claim(e.base) {
		e.settle(delivered(d, e.at(time.Second)))
	}
	total := 0
	for range 2 * events {
		n := e.prune(p, e.at(time.Hour), 5)
		if n > 5 || n%2 != 0 {
			e.errorf("Prune with limit 5 removed %d of events with two deliveries each, want 0, 2 or 4", n)
		}
		if total += n; n == 0 {
			break
		}
	}
	if total != 2*events {
		e.errorf("repeated Prunes removed %d deliveries, want %d", total, 2*events)
	}
}

func testPrunePending(e *env, p webhook.Pruner) {
	w := e.hook()
	waiting, leased := e.queue(w, 1), e.queue(w, 1)
	held := e.take(e.base, w, 1)
	if n := e.prune(p, e.at(24*time.Hour), 100); n != 0 {
		e.errorf("Prune removed %d pending deliveries", n)
	}
	for _, d := range held {
		e.wantKept(e.settle(released(d, e.at(time.Second))))
	}
	e.wantIDs("claim after Prune", e.claim(e.at(time.Second)), append(waiting, leased...)...)
}

func testPruneRequeued(e *env, p webhook.Pruner) {
	h, ok := e.store.(webhook.History)
	if !ok {
		return
	}
	a, b := e.hook(), e.hook()
	event := e.event()
	e.put(e.delivery(a, event), e.delivery(b, event))
	ds := e.count("claim", 2, e.claim(e.base))
	e.settle(failed(ds[0], e.at(time.Second)), failed(ds[1], e.at(time.Second)))
	e.ok(h.Requeue(e.ctx, a.Scope, ds[0].ID, e.at(time.Minute)), "Requeue")
	if n := e.prune(p, e.at(time.Hour), 100); n != 0 {
		e.errorf("Prune removed %d deliveries of an event of which one was queued again", n)
	}
	e.wantIDs("claim after Prune", e.claim(e.at(time.Minute)), ds[0].ID)
}
