package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

func orderCases() []testCase {
	return append([]testCase{
		{"order/heads", "TakeHeads takes the oldest of each key, and the next one after the oldest has ended", testOrderHeads},
		{"order/within-call", "deliveries of one Enqueue are in the order of the call", testOrderWithinCall},
		{"order/hides-nothing", "deliveries that wait behind their head hide no other keys", testOrderHidesNothing},
		{"order/retry", "a head that waits for its retry holds its key", testOrderRetry},
		{"order/ended-lease", "a head whose lease has ended is claimed again, and no other delivery of its key", testOrderEndedLease},
		{"order/lost-answer", "a repeated claim of heads returns the same deliveries", testOrderAgain},
		{"order/webhook", "the keys of two webhooks and of two scopes are independent", testOrderWebhook},
		{"order/any", "without an order queued deliveries are claimed in parallel", testOrderAny},
		{"order/switched", "an order that is switched off and on again takes heads alone", testOrderSwitched},
		{"order/sequence", "a later Enqueue gives a greater Sequence, also after a Prune", testOrderSequence},
		{"order/exhausted", "a pending delivery that is Exhausted holds its key, is listed by HeldBack and keeps its Due in a sweep", testOrderExhausted},
		{"order/ahead", "Ahead names the delivery that another waits behind", testOrderAhead},
		{"order/cancel", "after Cancel of a head the next one is claimed", onOrderHistory(testOrderCancel)},
		{"order/requeue", "Requeue keeps the place of a pending delivery, and removes an ended one from the order", onOrderHistory(testOrderRequeue)},
		{"order/sweep", "after a sweep ends a head the next one is claimed", onOrderSweeper(testOrderSweep)},
		{"order/concurrent", "of concurrent claims one takes the head of a key, while heads end and others are stored", testOrderConcurrent},
	}, coalesceCases()...)
}

// RunKeyOrder proves the rules of [webhook.KeyOrder], which the Store must implement.
func RunKeyOrder(t *testing.T, open func(t *testing.T) webhook.Store, opts ...Option) {
	t.Helper()
	runGroup(t, "webhook.KeyOrder", open, opts)
}

// onOrderHistory skips a case for a Store without History.
func onOrderHistory(test func(*env, webhook.History)) func(*env) {
	return func(e *env) {
		if h, ok := e.store.(webhook.History); ok {
			test(e, h)
		}
	}
}

func onOrderSweeper(test func(*env, webhook.Sweeper)) func(*env) {
	return func(e *env) {
		if sw, ok := e.store.(webhook.Sweeper); ok {
			test(e, sw)
		}
	}
}

// ordered makes a webhook that keeps an order.
func (e *env) ordered() webhook.Webhook {
	w := e.draft("a")
	w.Order = webhook.OrderSkip
	return e.keep(w)
}

// keyed enqueues one delivery for each key, in order, and returns their IDs.
func (e *env) keyed(w webhook.Webhook, keys ...string) []string {
	var out []string
	for _, key := range keys {
		d := e.fresh(w, 1)[0]
		d.Key = key
		e.put(d)
		out = append(out, d.ID)
	}
	return out
}

// takes claims from the lanes of webhooks with a Take.
func (e *env) takes(now time.Time, take webhook.Take, n int, ws ...webhook.Webhook) []webhook.Delivery {
	c := webhook.Claim{Now: now}
	for _, w := range ws {
		c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: laneOf(w), Most: n, Take: take})
	}
	return e.batch(c).Deliveries
}

func (e *env) heads(now time.Time, w webhook.Webhook) []webhook.Delivery {
	ds := e.takes(now, webhook.TakeHeads, many, w)
	for _, d := range ds {
		if d.Superseded || len(d.Body) == 0 {
			e.errorf("head %s is superseded or has no body", d.ID)
		}
	}
	return ds
}

// with returns the delivery that has an ID.
func (e *env) with(ds []webhook.Delivery, id string) webhook.Delivery {
	i := slices.IndexFunc(ds, func(d webhook.Delivery) bool { return d.ID == id })
	if i < 0 {
		e.fatalf("delivery %s is missing", id)
	}
	return ds[i]
}

func testOrderHeads(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "y", "x", "", "y", "x", "")
	got := e.heads(e.base, w)
	e.wantIDs("heads", got, q[0], q[1], q[3], q[6])
	if x := e.with(got, q[0]); x.Key != "x" || x.Sequence < 1 {
		e.errorf("the head has key %q and sequence %d, want x and a number above 0", x.Key, x.Sequence)
	}
	e.none("while they are held", e.heads(e.base, w))
	e.wantBehind(w, 3)
	e.settle(delivered(e.with(got, q[0]), e.at(time.Second)))
	now := e.at(2 * time.Second)
	e.wantLanes("Due when a head has ended", e.walk(webhook.DueQuery{Now: now}).Lanes, laneOf(w))
	next := e.heads(now, w)
	e.wantIDs("next of x", next, q[2])
	e.settle(failed(next[0], e.at(3*time.Second)), failed(e.with(got, q[1]), e.at(3*time.Second)))
	e.wantIDs("next of both", e.heads(e.at(4*time.Second), w), q[5], q[4])
}

func testOrderWithinCall(e *env) {
	w := e.ordered()
	ds := e.fresh(w, 5)
	for i := range ds {
		ds[i].Key = "x"
	}
	e.put(ds...)
	for i := range ds {
		now := e.at(time.Duration(i) * time.Second)
		got := e.heads(now, w)
		e.wantIDs(fmt.Sprintf("claim %d", i+1), got, ds[i].ID)
		e.settle(delivered(got[0], now))
	}
}

func testOrderHidesNothing(e *env) {
	w := e.ordered()
	ds := e.fresh(w, 301)
	for i := range ds {
		ds[i].Key = "crowded"
	}
	ds[300].Key = "y"
	e.put(ds...)
	e.wantIDs("claim of two", e.takes(e.base, webhook.TakeHeads, 2, w), ds[0].ID, ds[300].ID)
	p := e.walk(webhook.DueQuery{Now: e.at(time.Second)})
	e.wantLanes("Due while both are held", p.Lanes)
}

func testOrderRetry(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "x")
	head := e.one("head", e.heads(e.base, w))
	due := e.at(time.Minute)
	e.settle(retried(head, e.at(time.Second), due))
	e.none("before the retry", e.heads(due.Add(-time.Microsecond), w))
	e.wantIDs("the retry", e.heads(due, w), q[0])
}

func testOrderEndedLease(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "x")
	e.wantIDs("head", e.heads(e.base, w), q[0])
	again := e.heads(e.at(lease), w)
	e.wantIDs("after the lease", again, q[0])
	if again[0].Interrupted != 1 {
		e.errorf("interrupted %d times, want once", again[0].Interrupted)
	}
	e.settle(delivered(again[0], e.at(lease+time.Second)))
	e.wantIDs("next", e.heads(e.at(lease+2*time.Second), w), q[1])
}

func testOrderAgain(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "x", "y")
	c := webhook.Claim{Now: e.base, Lease: e.number(), Lanes: []webhook.LaneClaim{{Lane: laneOf(w), Most: many, Take: webhook.TakeHeads}}}
	e.wantIDs("claim", e.batch(c).Deliveries, q[0], q[2])
	e.wantIDs("the same claim", e.batch(c).Deliveries, q[0], q[2])
}

func testOrderWebhook(e *env) {
	w, o, theirs := e.ordered(), e.ordered(), e.draft("b")
	theirs.Order = webhook.OrderSkip
	theirs = e.keep(theirs)
	q := append(append(e.keyed(w, "x"), e.keyed(o, "x")...), e.keyed(theirs, "x")...)
	e.wantIDs("heads", e.takes(e.base, webhook.TakeHeads, many, w, o, theirs), q...)
}

func testOrderAny(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "x", "x")
	w.Order = webhook.OrderNone
	e.change(w)
	if sw, ok := e.store.(webhook.Sweeper); ok {
		e.sweep(sw, webhook.Sweep{Now: e.base})
	}
	e.wantIDs("claim of whatever is due", e.takes(e.at(time.Second), webhook.TakeAny, many, w), q...)
}

func testOrderSwitched(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "x", "x")
	due := e.at(time.Minute)
	for _, o := range []webhook.OrderPolicy{webhook.OrderNone, webhook.OrderSkip} {
		w.Order = o
		w = e.change(w)
		if sw, ok := e.store.(webhook.Sweeper); ok {
			e.sweep(sw, webhook.Sweep{Now: e.base})
		}
		if o == webhook.OrderNone {
			first := e.takes(e.base, webhook.TakeAny, 1, w)
			e.wantIDs("one without an order", first, q[0])
			e.settle(retried(first[0], e.base, due))
		}
	}
	e.none("heads, while the oldest waits for its retry", e.heads(e.at(time.Second), w))
	got := e.heads(due, w)
	e.wantIDs("heads", got, q[0])
	e.settle(delivered(got[0], due.Add(time.Second)))
	e.wantIDs("the next", e.heads(due.Add(2*time.Second), w), q[1])
}

func testOrderSequence(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "y", "")
	got := e.heads(e.base, w)
	last := int64(0)
	for _, id := range q {
		d := e.with(got, id)
		if d.Sequence <= last {
			e.errorf("sequence %d follows %d", d.Sequence, last)
		}
		last = d.Sequence
		e.settle(delivered(d, e.at(time.Second)))
	}
	if p, ok := e.store.(webhook.Pruner); ok {
		for range many {
			n, err := p.Prune(e.ctx, e.at(time.Hour), many)
			if e.ok(err, "Prune"); n == 0 {
				break
			}
		}
	}
	e.keyed(w, "z")
	if d := e.one("after a Prune", e.heads(e.base, w)); d.Sequence <= last {
		e.errorf("sequence %d follows %d after a Prune", d.Sequence, last)
	}
}

// heldBack settles a delivery as exhausted: it waits for a person.
func heldBack(d webhook.Delivery, end, until time.Time) webhook.Settlement {
	x := retried(d, end, until)
	x.Exhausted = true
	return x
}

func testOrderExhausted(e *env) {
	w := e.ordered()
	q := e.keyed(w, "x", "x", "")
	until := e.at(time.Hour)
	got := e.heads(e.base, w)
	e.wantIDs("head, and one without a key", got, q[0], q[2])
	e.settle(heldBack(e.with(got, q[0]), e.at(time.Second), until), retried(e.with(got, q[2]), e.at(time.Second), until))
	ds, err := e.store.(webhook.KeyOrder).HeldBack(e.ctx, w.Scope, w.ID, many)
	e.ok(err, "HeldBack")
	if d := e.one("HeldBack", ds); d.ID != q[0] || !d.Exhausted || d.State != webhook.StatePending || !d.Due.Equal(until) {
		e.errorf("HeldBack: %s, exhausted %t, due %v; want the head, exhausted, due %v", d.ID, d.Exhausted, d.Due, until)
	}
	if sw, ok := e.store.(webhook.Sweeper); ok {
		e.sweep(sw, webhook.Sweep{Now: e.at(2 * time.Second), LatestRetry: e.at(time.Minute), LatestLease: e.at(time.Minute)})
		e.wantIDs("mended by the sweep", e.heads(until.Add(-time.Microsecond), w), q[2])
	} else {
		e.none("claim before the end", e.heads(until.Add(-time.Microsecond), w))
	}
	e.with(e.heads(until, w), q[0])
	none, err := e.store.(webhook.KeyOrder).HeldBack(e.ctx, w.Scope, e.unknownID(), many)
	e.ok(err, "HeldBack of another webhook")
	e.none("HeldBack of another webhook", none)
}

func testOrderAhead(e *env) {
	k := e.store.(webhook.KeyOrder)
	w := e.ordered()
	q := e.keyed(w, "x", "x", "y", "")
	ahead, err := k.Ahead(e.ctx, w.Scope, q[1])
	e.ok(err, "Ahead")
	e.want("ahead of the second", q[0], ahead.ID)
	for _, id := range []string{q[0], q[2], q[3], e.unknownID()} {
		_, err := k.Ahead(e.ctx, w.Scope, id)
		e.wantErr("Ahead of "+id, err, webhook.ErrNotFound)
	}
	_, err = k.Ahead(e.ctx, e.scope("b"), q[1])
	e.wantErr("Ahead in another scope", err, webhook.ErrNotFound)
}

func testOrderCancel(e *env, h webhook.History) {
	w := e.ordered()
	q := e.keyed(w, "x", "x", "x")
	_, ended, err := h.Cancel(e.ctx, w.Scope, q[1], e.base)
	e.ok(err, "Cancel of the second")
	e.want("the second has ended", true, ended)
	_, _, err = h.Cancel(e.ctx, w.Scope, q[0], e.base)
	e.ok(err, "Cancel of the head")
	e.wantIDs("the next", e.heads(e.at(time.Second), w), q[2])
}

func testOrderRequeue(e *env, h webhook.History) {
	w := e.ordered()
	q := e.keyed(w, "x", "x", "x")
	e.settle(heldBack(e.one("head", e.heads(e.base, w)), e.at(time.Second), e.at(24*time.Hour)))
	now := e.at(time.Minute)
	e.ok(h.Requeue(e.ctx, w.Scope, q[1], now), "Requeue of one that waits behind it")
	e.none("claim", e.heads(now, w))
	e.ok(h.Requeue(e.ctx, w.Scope, q[0], now), "Requeue of the head")
	head := e.heads(now, w)
	e.wantIDs("head again", head, q[0])
	if d := head[0]; d.Key != "x" || d.Exhausted || d.Tries != 0 {
		e.errorf("the head has key %q, exhausted %t, %d tries; want x and a fresh budget", d.Key, d.Exhausted, d.Tries)
	}
	number := head[0].Sequence
	e.settle(delivered(head[0], now.Add(time.Second)))
	next := e.heads(now.Add(2*time.Second), w)
	e.wantIDs("next", next, q[1])
	e.ok(h.Requeue(e.ctx, w.Scope, q[0], now.Add(2*time.Second)), "Requeue of one that has ended")
	repeat := e.heads(now.Add(2*time.Second), w)
	e.wantIDs("the repeat, while another one is held", repeat, q[0])
	if d := repeat[0]; d.Key != "" || d.Sequence != number {
		e.errorf("the repeat has key %q and sequence %d, want none and %d", d.Key, d.Sequence, number)
	}
}

func testOrderSweep(e *env, sw webhook.Sweeper) {
	w := e.ordered()
	old, young := e.fresh(w, 1)[0], e.fresh(w, 1)[0]
	old.Key, young.Key = "x", "x"
	old.QueuedAt = e.at(-time.Hour)
	e.put(old, young)
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: e.base, QueuedBefore: e.at(-time.Minute)}), old.ID)
	e.wantIDs("next", e.heads(e.at(time.Second), w), young.ID)
}
