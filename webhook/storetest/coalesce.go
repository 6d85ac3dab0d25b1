package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

func coalesceCases() []testCase {
	return []testCase{
		{"coalesce/newest", "TakeNewest takes the newest of a key, with any Due, and the others as superseded", testCoalesceNewest},
		{"coalesce/window", "no delivery of a key is taken before the oldest is due", testCoalesceWindow},
		{"coalesce/types", "a delivery supersedes only those of its type, and one delivery of the key is leased at a time", testCoalesceTypes},
		{"coalesce/retry", "a retry is superseded by a newer delivery, and the newest waits for its own retry", testCoalesceRetry},
		{"coalesce/newest-of", "Newest names the delivery that superseded another", testCoalesceNewestOf},
	}
}

// coalescing makes a webhook that sends only the latest delivery of a key.
func (e *env) coalescing() webhook.Webhook {
	w := e.draft("a")
	w.Coalesce = true
	return e.keep(w)
}

// newest claims, and separates the deliveries to send from the superseded ones.
func (e *env) newest(now time.Time, w webhook.Webhook) (sent, superseded []webhook.Delivery) {
	for _, d := range e.takes(now, webhook.TakeNewest, 10, w) {
		if d.Superseded {
			superseded = append(superseded, d)
			continue
		}
		sent = append(sent, d)
	}
	return sent, superseded
}

// supersede claims and ends all superseded deliveries, and returns their IDs.
func (e *env) supersede(now time.Time, w webhook.Webhook, superseded ...webhook.Delivery) (all []string) {
	for range many {
		for _, d := range superseded {
			x := settlement(d, webhook.StateFailed, now)
			x.Code = webhook.CodeSuperseded
			e.settle(x)
			all = append(all, d.ID)
		}
		var sent []webhook.Delivery
		sent, superseded = e.newest(now, w)
		e.none("to be sent beside superseded deliveries", sent)
		if len(superseded) == 0 {
			return all
		}
	}
	e.fatalf("claims of superseded deliveries go on for ever")
	return nil
}

func testCoalesceNewest(e *env) {
	w := e.coalescing()
	q := e.keyed(w, "x", "x", "x", "y", "")
	late := e.fresh(w, 1)[0]
	late.Key, late.Due = "x", e.at(time.Hour)
	e.put(late)
	sent, superseded := e.newest(e.base, w)
	e.wantIDs("taken", sent, late.ID, q[3], q[4])
	if due := e.with(sent, late.ID).Due; due.After(late.Due) { // a lease that is given back waits until then
		e.errorf("the newest is due at %v, later than %v, with which it was stored", due, late.Due)
	}
	e.wantIDs("superseded", asDeliveries(e.supersede(e.base, w, superseded...)), q[0], q[1], q[2])
	for _, d := range superseded {
		if len(d.Body) > 0 {
			e.errorf("superseded delivery %s comes with a body", d.ID)
		}
	}
	e.settle(delivered(e.with(sent, late.ID), e.at(time.Second)))
	next := e.keyed(w, "x")
	sent, _ = e.newest(e.at(2*time.Second), w)
	e.wantIDs("the next", sent, next[0])
}

// asDeliveries converts IDs for wantIDs.
func asDeliveries(ids []string) []webhook.Delivery {
	ds := make([]webhook.Delivery, len(ids))
	for i := range ids {
		ds[i].ID = ids[i]
	}
	return ds
}

func testCoalesceWindow(e *env) {
	w := e.coalescing()
	var q []string
	for i := range 3 {
		d := e.fresh(w, 1)[0]
		d.Key, d.Due = "x", e.at(time.Duration(5+i)*time.Second)
		e.put(d)
		q = append(q, d.ID)
	}
	sent, superseded := e.newest(e.at(5*time.Second-time.Microsecond), w)
	e.none("before the oldest is due", append(sent, superseded...))
	sent, _ = e.newest(e.at(5*time.Second), w)
	e.wantIDs("when it is due", sent, q[2])
}

func testCoalesceTypes(e *env) {
	w := e.coalescing()
	ds := e.fresh(w, 3)
	for i := range ds {
		ds[i].Key, ds[i].Type = "x", []string{"updated", "deleted", "updated"}[i]
	}
	e.put(ds...)
	sent, superseded := e.newest(e.base, w)
	e.wantIDs("taken", sent, ds[2].ID)
	e.wantIDs("superseded", asDeliveries(e.supersede(e.base, w, superseded...)), ds[0].ID)
	e.settle(delivered(sent[0], e.at(time.Second)))
	sent, _ = e.newest(e.at(2*time.Second), w)
	e.wantIDs("the other type", sent, ds[1].ID)
}

func testCoalesceRetry(e *env) {
	w := e.coalescing()
	first := e.keyed(w, "x")
	sent, _ := e.newest(e.base, w)
	due := e.at(time.Minute)
	e.settle(retried(e.one("first", sent), e.at(time.Second), due))
	second := e.keyed(w, "x", "x")
	sent, _ = e.newest(due.Add(-time.Microsecond), w)
	e.none("before the retry of the first", sent)
	sent, superseded := e.newest(due, w)
	e.wantIDs("taken", sent, second[1])
	e.wantIDs("superseded", asDeliveries(e.supersede(due, w, superseded...)), first[0], second[0])
	again := due.Add(time.Minute)
	e.settle(retried(sent[0], due.Add(time.Second), again))
	sent, superseded = e.newest(again.Add(-time.Microsecond), w)
	e.none("before the retry of the newest", append(sent, superseded...))
	sent, _ = e.newest(again, w)
	e.wantIDs("the retry of the newest", sent, second[1])
}

func testCoalesceNewestOf(e *env) {
	k := e.store.(webhook.KeyOrder)
	w := e.coalescing()
	q := e.keyed(w, "x", "x", "y", "x")
	by, err := k.Newest(e.ctx, w.Scope, q[0])
	e.ok(err, "Newest")
	e.want("newest", q[3], by.ID)
	for _, id := range []string{q[3], q[2], e.unknownID()} {
		_, err := k.Newest(e.ctx, w.Scope, id)
		e.wantErr("Newest of "+id, err, webhook.ErrNotFound)
	}
}
