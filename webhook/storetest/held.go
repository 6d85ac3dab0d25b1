package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

func heldCases() []testCase {
	return []testCase{
		{"held/as-given", "Enqueue stores Held, Lease and Due as given: no other caller gets a hand-off", testHeldAsGiven},
		{"held/settle", "the lease of a hand-off settles it", testHeldSettle},
		{"held/given-back", "the lease of a hand-off can be released uncounted", testHeldGivenBack},
		{"held/ends", "a hand-off that was not settled is claimed once at its Due and counts as Interrupted", testHeldEnds},
		{"held/beside-free", "held and free deliveries of one call are independent", testHeldBesideFree},
	}
}

// handedOver stores a delivery that is held for the duration lease, and returns the stored one.
func (e *env) handedOver() webhook.Delivery {
	d := e.fresh(e.hook(), 1)[0]
	d.Held, d.Lease, d.Due = true, e.number(), e.at(lease)
	e.put(d)
	return d
}

func testHeldAsGiven(e *env) {
	d := e.handedOver()
	for _, now := range []time.Time{e.base, e.at(lease - time.Microsecond)} {
		e.none("claim while it is held", e.claim(now))
		p := e.walk(webhook.DueQuery{Now: now})
		e.wantLanes("Due while it is held", p.Lanes)
		e.wantNext("Next of Due while it is held", e.at(lease), p.Next, now)
	}
	if h, _, ok := e.stored(d.Scope, d.ID); ok {
		e.want("state, held, lease, due, tries, interrupted", []any{webhook.StatePending, true, d.Lease, d.Due, 0, 0},
			[]any{h.State, h.Held, h.Lease, h.Due, h.Tries, h.Interrupted})
	}
}

func testHeldSettle(e *env) {
	d, again := e.handedOver(), e.handedOver()
	e.wantKept(e.settle(delivered(d, e.at(time.Second)), retried(again, e.at(time.Second), e.at(2*time.Second))))
	got := e.one("claim of the one that is tried again", e.claim(e.at(2*time.Second)))
	e.want("delivery, tries, interrupted", []any{again.ID, 1, 0}, []any{got.ID, got.Tries, got.Interrupted})
	e.wantState(d.Scope, d.ID, webhook.StateDelivered, webhook.CodeOK)
}

func testHeldGivenBack(e *env) {
	d := e.handedOver()
	e.wantKept(e.settle(released(d, d.CreatedAt)))
	got := e.one("claim", e.claim(e.base))
	if got.Tries != 0 || got.Interrupted != 0 || got.Lease <= d.Lease || !got.Due.Equal(d.CreatedAt) {
		e.errorf("claimed with %d tries, %d interruptions, lease number larger %t, due %v; want 0, 0, true, %v",
			got.Tries, got.Interrupted, got.Lease > d.Lease, got.Due, d.CreatedAt)
	}
}

func testHeldEnds(e *env) {
	d := e.handedOver()
	p := e.walk(webhook.DueQuery{Now: d.Due})
	e.wantLanes("Due at the end of the lease", p.Lanes, d.Lane())
	for i, number := range []int64{d.Lease - 5, d.Lease + 9} {
		now := e.at(time.Duration(i+1) * lease)
		got := e.one("claim at the end of the lease", e.batch(webhook.Claim{Now: now, Lease: number}).Deliveries)
		want := max(d.Lease+1, number)
		e.want("interrupted, tries, lease", []any{i + 1, 0, want}, []any{got.Interrupted, got.Tries, got.Lease})
		e.none("second claim", e.claim(now))
	}
	x := failed(d, e.at(time.Second))
	if lost := e.settle(x); len(lost) != 1 {
		e.errorf("the lease of the hand-off, which has ended, was not lost")
	}
}

func testHeldBesideFree(e *env) {
	ds := e.fresh(e.hook(), 4)
	for i := range ds {
		if i%2 == 0 {
			ds[i].Held, ds[i].Lease, ds[i].Due = true, e.number(), e.at(lease)
		}
	}
	e.put(ds...)
	e.wantOrder("claim", e.claim(e.base), ds[1].ID, ds[3].ID)
	e.wantKept(e.settle(delivered(ds[0], e.at(time.Second)), delivered(ds[2], e.at(time.Second))))
}
