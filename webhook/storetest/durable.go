package storetest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// RunDurable proves that a Store keeps accepted deliveries when its process ends. open returns a
// Store with an empty database. reopen closes it, or abandons it as a crash does, and returns a
// new Store on the same database, as after a restart.
func RunDurable(t *testing.T, open func(t *testing.T) (first webhook.Store, reopen func() webhook.Store), opts ...Option) {
	t.Helper()
	c := configOf(opts)
	for _, dc := range durableCases() {
		t.Run(dc.name, func(t *testing.T) {
			first, reopen := open(t)
			for _, failure := range dc.run(first, reopen, c) {
				t.Error(failure)
			}
		})
	}
}

type durableCase struct {
	name, rule string
	test       func(e *env, reopen func())
}

func (dc durableCase) run(first webhook.Store, reopen func() webhook.Store, c config) []string {
	tc := testCase{dc.name, dc.rule, func(e *env) { dc.test(e, func() { e.store = reopen() }) }}
	return tc.run(first, c, 0)
}

func durableCases() []durableCase {
	return []durableCase{
		{"durable/accepted", "an accepted delivery is there, unchanged and once, when the Store is opened again", testDurableAccepted},
		{"durable/leases", "leases are there when the Store is opened again: they settle, and they end at their time", testDurableLeases},
		{"durable/outcomes", "outcomes are there when the Store is opened again, and repeats are known", testDurableOutcomes},
		{"durable/webhooks", "webhooks are there when the Store is opened again, with URL and secrets", testDurableWebhooks},
	}
}

func testDurableAccepted(e *env, reopen func()) {
	w := e.hook()
	ds := e.fresh(w, 3)
	ds[0].Vars, ds[1].Carry, ds[2].Due = map[string]string{"k": odd}, map[string]string{"k": odd}, e.at(time.Hour)
	e.put(ds...)
	reopen()
	e.wantLanes("Due", e.walk(webhook.DueQuery{Now: e.base}).Lanes, laneOf(w))
	added, err := e.enqueue(e.ctx, ds...)
	e.ok(err, "repeated Enqueue of accepted deliveries")
	e.want("added", []bool{false, false, false}, added)
	got := e.claim(e.at(time.Hour))
	e.wantOrder("claim", got, ids(ds)...)
	for i, d := range got {
		d.Held, d.Lease, d.Sequence = false, 0, 0
		e.want("delivery", ds[i], d)
	}
}

func testDurableLeases(e *env, reopen func()) {
	handed := e.handedOver()
	w := e.hook()
	e.queue(w, 2)
	c := webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: asked(2, laneOf(w))}
	ds := e.count("claim", 2, e.batch(c).Deliveries)
	reopen()
	e.none("claim while the leases last", e.claim(e.at(lease-time.Microsecond)))
	e.wantIDs("the claim of before again", e.batch(c).Deliveries, ids(ds)...)
	e.wantKept(e.settle(delivered(ds[0], e.at(time.Second))))
	got := e.claim(e.at(lease))
	e.wantIDs("claim at the end of the leases", got, handed.ID, ds[1].ID)
	for _, d := range got {
		if d.Interrupted != 1 || d.Lease <= c.Lease {
			e.errorf("interrupted %d, lease number larger %t; want 1, true", d.Interrupted, d.Lease > c.Lease)
		}
	}
}

func testDurableOutcomes(e *env, reopen func()) {
	w := e.hook()
	all := e.fresh(w, 3)
	e.put(all...)
	ds := e.count("claim", 3, e.claim(e.base))
	now, due := e.at(time.Second), e.at(10*time.Minute)
	ss := []webhook.Settlement{delivered(ds[0], now), failed(ds[1], now), retried(ds[2], now, due)}
	e.wantKept(e.settle(ss...))
	reopen()
	e.wantKept(e.settle(ss...))
	added, err := e.enqueue(e.ctx, all[0])
	e.ok(err, "Enqueue of one that was delivered")
	e.want("added", []bool{false}, added)
	e.none("claim before the retry", e.claim(due.Add(-time.Microsecond)))
	d := e.one("claim of the retry", e.claim(due))
	e.want("delivery, tries, first failure, code", []any{ds[2].ID, 1, now, webhook.CodeStatus}, []any{d.ID, d.Tries, d.FirstFailure, d.LastCode})
	e.wantState(w.Scope, ds[0].ID, webhook.StateDelivered, webhook.CodeOK)
	if _, as, ok := e.stored(w.Scope, ds[1].ID); ok && len(as) != 1 {
		e.errorf("the history has %d attempts, want 1", len(as))
	}
}

func testDurableWebhooks(e *env, reopen func()) {
	w := e.whole()
	before, err := e.store.Webhooks(e.ctx, w.Scope)
	e.ok(err, "Webhooks")
	e.wantHook("webhook before", w, before)
	reopen()
	ws, err := e.store.Webhooks(e.ctx, w.Scope)
	e.ok(err, "Webhooks")
	e.wantHook("webhook", w, ws)
	e.want("IDs, ages and ends of its secrets", lives(before[0]), lives(ws[0]))
}
