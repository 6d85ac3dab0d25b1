package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
)

func storeCases() []testCase {
	return slices.Concat(enqueueCases(), contentCases(), webhookCases(), heldCases(), dueCases(), claimCases(), shortCases(), batchCases(),
		unreadableCases(), leaseCases(), repeatCases(), settleCases(), fencingCases(), livenessCases())
}

func enqueueCases() []testCase {
	return []testCase{
		{"enqueue/all-or-none", "an Enqueue that fails stores nothing, one that succeeds stores everything, and only after ErrUnknown either is possible", testAllOrNone},
		{"enqueue/all-or-none-of-each-scope", "an interrupted Enqueue stores all or none of each scope", testAllOrNoneScopes},
		{"enqueue/lost-answer", "an Enqueue whose answer is lost ends with ErrUnknown, and the same call again is safe", testLostAnswer},
		{"enqueue/stale", "an Enqueue under an older count of the scope's changes ends with ErrStale and stores nothing", testStale},
		{"enqueue/nothing", "an Enqueue of nothing succeeds", testEnqueueNothing},
		{"enqueue/once-across-calls", "the same (Scope, EventID, WebhookID) is stored once, and a repeat does not change it", testOnceAcrossCalls},
		{"enqueue/once-within-call", "the same (Scope, EventID, WebhookID) twice in one call is stored once", testOnceWithinCall},
		{"enqueue/first-within-call", "of two deliveries with the same (Scope, EventID, WebhookID) in one call, the one with added true is stored", testFirstWithinCall},
		{"enqueue/once-after-end", "an event whose delivery has ended is not accepted again while it is in the history", testOnceAfterEnd},
		{"enqueue/once-under-another-id", "the same (Scope, EventID, WebhookID) under another ID adds nothing", testOnceOtherID},
		{"enqueue/all-three-count", "deliveries that differ in scope, event or webhook are different", testAllThreeCount},
		{"enqueue/concurrent-once", "of concurrent Enqueues of one delivery exactly one adds it", testConcurrentOnce},
	}
}

// fadingContext ends after a number of calls of Err and Done, so that a call is interrupted midway
// without a clock.
type fadingContext struct {
	context.Context
	left   *atomic.Int64
	cancel context.CancelFunc
}

func (c fadingContext) fade() {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
}
func (c fadingContext) Err() error            { c.fade(); return c.Context.Err() }
func (c fadingContext) Done() <-chan struct{} { c.fade(); return c.Context.Done() }

// fading calls f with a context that ends after asked calls of its methods.
func (e *env) fading(asked int64, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	fading := fadingContext{ctx, new(atomic.Int64), cancel}
	fading.left.Store(asked)
	return f(fading)
}

// kept claims and ends everything due, and returns how many deliveries of ds it has claimed.
func (e *env) kept(now time.Time, ds []webhook.Delivery) (n int) {
	for _, d := range e.claim(now) {
		if slices.ContainsFunc(ds, func(o webhook.Delivery) bool { return o.ID == d.ID }) {
			n++
		}
		e.settle(delivered(d, now))
	}
	return n
}

func testAllOrNone(e *env) {
	w := e.hook()
	const size = 20
	for asked := range int64(12) {
		now := e.at(time.Duration(asked) * time.Second)
		ds := e.freshAt(now, w, size)
		err := e.fading(asked, func(ctx context.Context) error {
			_, err := e.enqueue(ctx, ds...)
			return err
		})
		kept := e.kept(now, ds)
		switch {
		case err == nil && kept != size:
			e.fatalf("an Enqueue of %d that succeeded stored %d", size, kept)
		case kept != 0 && kept != size:
			e.fatalf("an Enqueue of %d that ended with %q stored %d of them", size, err, kept)
		case err != nil && kept != 0 && !errors.Is(err, webhook.ErrUnknown):
			e.fatalf("an Enqueue that ended with %q stored everything, want ErrUnknown", err)
		}
	}
	ds := e.freshAt(e.at(time.Minute), w, size)
	e.put(ds...) // the Store still works
	e.wantIDs("claim after failed Enqueues", e.claim(e.at(time.Minute)), ids(ds)...)
}

func testAllOrNoneScopes(e *env) {
	a, b := e.keep(e.draft("a")), e.keep(e.draft("b"))
	const size = 8
	for asked := range int64(12) {
		now := e.at(time.Duration(asked) * time.Second)
		one, two := e.freshAt(now, a, size), e.freshAt(now, b, size)
		err := e.fading(asked, func(ctx context.Context) error {
			_, err := e.enqueue(ctx, slices.Concat(one[:4], two, one[4:])...)
			return err
		})
		for _, d := range e.claim(now) {
			n := slices.IndexFunc(one, func(o webhook.Delivery) bool { return o.ID == d.ID })
			if n >= 0 {
				one[n].Tries = -1
			} else if n = slices.IndexFunc(two, func(o webhook.Delivery) bool { return o.ID == d.ID }); n >= 0 {
				two[n].Tries = -1
			}
			e.settle(delivered(d, now))
		}
		for _, ds := range [][]webhook.Delivery{one, two} {
			kept := 0
			for _, d := range ds {
				kept -= d.Tries
			}
			if kept != size && (kept != 0 || err == nil) {
				e.fatalf("an Enqueue of two scopes that ended with error %v stored %d of %d of one scope", err, kept, size)
			}
		}
	}
}

func testLostAnswer(e *env) {
	if e.lose == nil {
		return
	}
	ds := e.fresh(e.hook(), 3)
	e.lose(true)
	_, err := e.enqueue(e.ctx, ds...)
	e.lose(false)
	e.wantErr("Enqueue whose answer was lost", err, webhook.ErrUnknown)
	added, err := e.enqueue(e.ctx, ds...)
	e.ok(err, "the same Enqueue again")
	if len(added) != 3 || added[0] != added[1] || added[1] != added[2] {
		e.errorf("the same Enqueue again: added %v, want the same for all", added)
	}
	e.wantIDs("claim", e.claim(e.base), ids(ds)...)
}

func testStale(e *env) {
	w, other := e.hook(), e.keep(e.draft("b"))
	seen := func(w webhook.Webhook) int64 {
		ws, err := e.store.Webhooks(e.ctx, w.Scope)
		if e.ok(err, "Webhooks"); len(ws) == 0 {
			e.fatalf("Webhooks of a scope with one returned none")
		}
		return ws[0].Seen
	}
	count := seen(w)
	if count == 0 {
		return // a Store that counts no changes
	}
	fresh := func(w webhook.Webhook, seen int64) webhook.Delivery {
		d := e.fresh(w, 1)[0]
		d.Seen = seen
		return d
	}
	e.change(other)
	first, unchecked := fresh(w, count), fresh(w, 0)
	e.put(first, unchecked)
	e.change(w)
	late := []webhook.Delivery{fresh(other, seen(other)), fresh(w, count), fresh(w, 0)}
	added, err := e.enqueue(e.ctx, late...)
	if !errors.Is(err, webhook.ErrStale) {
		e.errorf("Enqueue under an older count: added %v, error %v; want ErrStale", added, err)
	}
	e.wantIDs("claim", e.claim(e.base), first.ID, unchecked.ID)
	if now := seen(w); now == count {
		e.errorf("Webhook.Seen is the same after a change")
	} else {
		late[1].Seen = now
	}
	e.put(late...)
	e.hook()
	_, err = e.enqueue(e.ctx, fresh(w, late[1].Seen))
	e.wantErr("Enqueue after a webhook was added", err, webhook.ErrStale)
}

func testEnqueueNothing(e *env) {
	added, err := e.enqueue(e.ctx)
	if err != nil || len(added) != 0 {
		e.errorf("Enqueue of nothing = %v, %v; want no elements and no error", added, err)
	}
}

func testOnceAcrossCalls(e *env) {
	w := e.hook()
	d := e.fresh(w, 1)[0]
	e.put(d)
	again := d
	again.Body, again.Type, again.Due = []byte("another body"), "taskFailure", e.at(-time.Hour)
	again.Held, again.Lease, again.Class = true, e.number(), "another class"
	other := e.fresh(w, 1)[0]
	added, err := e.enqueue(e.ctx, again, other)
	e.ok(err, "Enqueue")
	e.want("added", []bool{false, true}, added)
	got := e.claim(e.base)
	e.wantIDs("claim", got, d.ID, other.ID)
	for _, g := range got {
		if g.ID == d.ID && (!bytes.Equal(g.Body, d.Body) || g.Type != d.Type || !g.Due.Equal(d.Due)) {
			e.errorf("the repeated Enqueue changed the delivery: body %q, type %q, due %v", g.Body, g.Type, g.Due)
		}
	}
}

func testOnceWithinCall(e *env) {
	ds := e.fresh(e.hook(), 2)
	added, err := e.enqueue(e.ctx, ds[0], ds[0], ds[1], ds[0])
	e.ok(err, "Enqueue")
	e.want("added", []bool{true, false, true, false}, added)
	e.wantIDs("claim", e.claim(e.base), ids(ds)...)
}

func testFirstWithinCall(e *env) {
	const size = 40
	ds := e.fresh(e.hook(), size)
	call := make([]webhook.Delivery, 2*size)
	for i, d := range ds {
		d.Held, d.Due = true, e.at(time.Minute)
		d.Lease = int64(1000 + i)
		call[i] = d
		d.Lease = int64(2000 + i)
		call[2*size-1-i] = d
	}
	added, err := e.enqueue(e.ctx, call...)
	e.ok(err, "Enqueue")
	var ss []webhook.Settlement
	for i := range call {
		if added[i] {
			ss = append(ss, delivered(call[i], e.at(time.Second)))
		}
	}
	e.want("number of added", size, len(ss))
	e.want("settled under the leases of the added", 0, len(e.settle(ss...)))
}

func testOnceAfterEnd(e *env) {
	d := e.fresh(e.hook(), 1)[0]
	e.put(d)
	e.settle(delivered(e.one("claim", e.claim(e.base)), e.at(time.Second)))
	added, err := e.enqueue(e.ctx, d)
	e.ok(err, "Enqueue")
	e.want("added", []bool{false}, added)
	e.none("claim", e.claim(e.at(time.Minute)))
}

// testOnceOtherID is the only case with an ID that webhook.DeliveryID does not make. An older version
// of a host may have left such IDs.
func testOnceOtherID(e *env) {
	ds := e.fresh(e.hook(), 3)
	older := ds[0]
	older.ID = e.name("dlv_"+e.id+"older", "older")
	e.put(older)
	added, err := e.enqueue(e.ctx, ds[0], ds[1])
	e.ok(err, "Enqueue of a delivery that is stored under another ID")
	e.want("added", []bool{false, true}, added)
	twin := ds[2]
	twin.ID = e.name("dlv_"+e.id+"twin", "twin")
	added, err = e.enqueue(e.ctx, ds[2], twin)
	e.ok(err, "Enqueue of one event and webhook under two IDs")
	e.want("added", []bool{true, false}, added)
	e.wantIDs("claim", e.claim(e.base), older.ID, ds[1].ID, ds[2].ID)
}

func testAllThreeCount(e *env) {
	a1, a2, b := e.keep(e.draft("a")), e.keep(e.draft("a")), e.keep(e.draft("b"))
	one, two := e.event(), e.event()
	ds := []webhook.Delivery{e.delivery(a1, one), e.delivery(a1, two), e.delivery(a2, one), e.delivery(b, one)}
	added, err := e.enqueue(e.ctx, ds...)
	e.ok(err, "Enqueue")
	e.want("added", []bool{true, true, true, true}, added)
	e.wantIDs("claim", e.claim(e.base), ids(ds)...)
}

func testConcurrentOnce(e *env) {
	d := e.fresh(e.hook(), 1)[0]
	var firsts atomic.Int64
	e.parallel(16, func(int) {
		added, err := e.enqueue(e.ctx, d)
		if err != nil {
			e.errorf("Enqueue: %v", err)
		} else if len(added) == 1 && added[0] {
			firsts.Add(1)
		}
	})
	if n := firsts.Load(); n != 1 {
		e.errorf("%d of 16 concurrent Enqueues added the delivery, want 1", n)
	}
	e.wantIDs("claim", e.claim(e.base), d.ID)
}
