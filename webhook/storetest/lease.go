package storetest

import (
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

func leaseCases() []testCase {
	return []testCase{
		{"lease/claimed-state", "a claimed delivery is pending, held and due at Until", testClaimedState},
		{"lease/is-exclusive", "two callers never hold the same lease", testLeaseIsExclusive},
		{"lease/ends-at-until", "a lease that was not settled ends at Until, and the delivery is claimed again", testLeaseEnds},
		{"lease/interrupted", "claiming a delivery whose lease has ended counts as Interrupted, not as a try", testInterrupted},
		{"lease/release-is-uncounted", "a released lease counts neither as a try nor as Interrupted", testReleaseUncounted},
		{"lease/concurrent-claimers", "concurrent claims never share a delivery and together take all", testConcurrentClaimers},
	}
}

func testClaimedState(e *env) {
	w := e.hook()
	e.queue(w, 1)
	until := e.at(90 * time.Second)
	number := e.number()
	d := e.one("claim", e.batch(webhook.Claim{Now: e.at(time.Second), Until: until, Lease: number}).Deliveries)
	check := func(where string, d webhook.Delivery, due time.Time) {
		e.want(where+": state, held, lease, tries, interrupted, due", []any{webhook.StatePending, true, number, 0, 0, due},
			[]any{d.State, d.Held, d.Lease, d.Tries, d.Interrupted, d.Due})
	}
	check("claimed", d, e.base)
	if h, _, ok := e.stored(d.Scope, d.ID); ok {
		check("in the history", h, until)
	}
	e.none("claim a microsecond before Until", e.claim(until.Add(-time.Microsecond)))
	e.one("claim at Until", e.claim(until))
}

func testLeaseIsExclusive(e *env) {
	want := e.queue(e.hook(), 2)
	e.wantIDs("first claim", e.claim(e.base), want...)
	e.none("second claim at the same time", e.claim(e.base))
	e.none("claim a microsecond before Until", e.claim(e.at(lease-time.Microsecond)))
}

func testLeaseEnds(e *env) {
	want := e.queue(e.hook(), 2)
	got := e.claim(e.base)
	e.wantIDs("first claim", got, want...)
	e.settle(delivered(got[0], e.at(time.Second)))
	e.wantIDs("claim at Until", e.claim(e.at(lease)), got[1].ID)
	e.wantIDs("claim long after Until", e.claim(e.at(time.Hour)), got[1].ID)
}

func testInterrupted(e *env) {
	e.queue(e.hook(), 1)
	for i := range 4 {
		d := e.one("claim", e.claim(e.at(time.Duration(i)*lease)))
		if d.Interrupted != i || d.Tries != 0 {
			e.errorf("claim %d: interrupted %d, tries %d; want %d, 0", i+1, d.Interrupted, d.Tries, i)
		}
	}
}

func testReleaseUncounted(e *env) {
	e.queue(e.hook(), 1)
	for i := range 4 {
		now := e.at(time.Duration(i) * time.Second)
		d := e.one("claim", e.claim(now))
		if d.Interrupted != 0 || d.Tries != 0 || !d.FirstFailure.IsZero() {
			e.errorf("claim %d after releases: interrupted %d, tries %d, first failure %v; want none", i+1, d.Interrupted, d.Tries, d.FirstFailure)
		}
		if lost := e.settle(released(d, now.Add(time.Second))); len(lost) != 0 {
			e.errorf("release %d was reported as lost", i+1)
		}
		if h, as, ok := e.stored(d.Scope, d.ID); ok && (h.Held || len(as) != 0) {
			e.errorf("after release %d: held %t, %d attempts; want false, 0", i+1, h.Held, len(as))
		}
	}
}

func testConcurrentClaimers(e *env) {
	var want []string
	for range 8 {
		want = append(want, e.queue(e.hook(), 25)...)
	}
	got := e.takeAll(8, func(int) (webhook.Batch, error) {
		return e.tryBatch(webhook.Claim{Now: e.base, Lanes: asked(2, e.lanes...)})
	})
	e.wantIDs("claims of 8 callers", got, want...)
}

// takeAll claims from concurrent callers until no delivery is left.
func (e *env) takeAll(callers int, claim func(caller int) (webhook.Batch, error)) (got []webhook.Delivery) {
	var mu sync.Mutex
	e.parallel(callers, func(caller int) {
		for range 60 {
			b, err := claim(caller)
			if err != nil {
				e.errorf("Claim: %v", err)
				return
			}
			if len(b.Deliveries) == 0 {
				return
			}
			mu.Lock()
			got = append(got, b.Deliveries...)
			mu.Unlock()
		}
	})
	// A claim may be empty while others run, so a last claim takes the remaining deliveries.
	return append(got, e.claim(e.base)...)
}

func repeatCases() []testCase {
	return []testCase{
		{"repeat/same", "a repeated Claim returns the deliveries that are held under its number, uncounted", testRepeatSame},
		{"repeat/counts", "deliveries that are returned again count in Most, and come before free ones", testRepeatCounts},
		{"repeat/bytes", "deliveries that are returned again count in MaxBytes, and the first one fits", testRepeatBytes},
		{"repeat/settled", "deliveries that were settled or released since are not returned as held", testRepeatSettled},
		{"repeat/next-number", "deliveries that got lease+1 instead of the claim's number are not returned again", testRepeatNextNumber},
	}
}

func testRepeatSame(e *env) {
	a, b := e.hook(), e.hook()
	want := append(e.queue(a, 2), e.queue(b, 1)...)
	c := webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: asked(2, laneOf(a), laneOf(b))}
	first := e.batch(c)
	e.wantIDs("claim", first.Deliveries, want...)
	for range 2 {
		c.Until = c.Until.Add(lease)
		again := e.batch(c)
		e.wantIDs("the same claim again, with a later Until", again.Deliveries, want...)
		e.want("webhooks of the same claim again", e.listed(sorted([]string{a.ID, b.ID})), e.listed(sorted(hookIDs(again.Webhooks))))
		for _, d := range again.Deliveries {
			e.want("held, lease, interrupted, tries", []any{true, c.Lease, 0, 0}, []any{d.Held, d.Lease, d.Interrupted, d.Tries})
			if d.Due.After(c.Now) {
				e.errorf("returned again with Due %v, want its Due before the claim, or at most c.Now %v", d.Due, c.Now)
			}
		}
	}
	e.none("claim with another number", e.claim(e.base))
	e.none("claim with another number before the latest Until", e.claim(c.Until.Add(-time.Microsecond)))
	for _, d := range first.Deliveries {
		e.wantKept(e.settle(delivered(d, e.at(time.Second))))
	}
}

func testRepeatCounts(e *env) {
	w := e.hook()
	early := e.queue(w, 3)
	c := webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: asked(2, laneOf(w))}
	e.wantIDs("claim of two", e.batch(c).Deliveries, early[:2]...)
	e.wantIDs("the same claim again", e.batch(c).Deliveries, early[:2]...)
	older := e.freshAt(e.at(-time.Minute), w, 1)
	e.put(older...)
	e.wantIDs("the same claim again, beside a free one that is due earlier", e.batch(c).Deliveries, early[:2]...)
	c.Lanes = asked(3, laneOf(w))
	e.wantIDs("the same number with room for one more", e.batch(c).Deliveries, early[0], early[1], older[0].ID)
	c.Lanes = asked(1, laneOf(w))
	d := e.one("the same number with room for one", e.batch(c).Deliveries)
	if d.ID == early[2] {
		e.errorf("a free delivery came before those that are held under the number")
	}
	e.wantIDs("claim of what is left", e.claim(e.base), early[2])
}

func testRepeatBytes(e *env) {
	w := e.hook()
	ds := e.sized(w, 400, 400, 300)
	c := webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: asked(3, laneOf(w)), MaxBytes: 1000}
	e.wantIDs("claim", e.batch(c).Deliveries, ds[0].ID, ds[1].ID)
	again := e.batch(c)
	e.wantIDs("the same claim again", again.Deliveries, ds[0].ID, ds[1].ID)
	e.wantLanes("short lanes", again.Short, laneOf(w))
	c.MaxBytes = 100
	again = e.batch(c)
	d := e.one("the same number with little room", again.Deliveries)
	if d.ID == ds[2].ID {
		e.errorf("a free delivery came before those that are held under the number")
	}
	e.wantLanes("short lanes", again.Short, laneOf(w))
	e.wantIDs("claim of what is left", e.claim(e.base), ds[2].ID)
}

func testRepeatSettled(e *env) {
	w := e.hook()
	e.queue(w, 3)
	c := webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: asked(3, laneOf(w))}
	ds := e.count("claim", 3, e.batch(c).Deliveries)
	e.settle(delivered(ds[0], e.base), released(ds[1], e.base))
	for _, d := range e.count("the same claim again", 2, e.batch(c).Deliveries) {
		switch d.ID {
		case ds[1].ID:
			e.want("lease of the one that was given back", c.Lease+1, d.Lease)
		case ds[2].ID:
			e.want("lease of the one that is held", c.Lease, d.Lease)
		default:
			e.errorf("an ended delivery was returned again")
		}
	}
}

func testRepeatNextNumber(e *env) {
	w := e.hook()
	e.queue(w, 1)
	number := e.number()
	e.one("claim", e.batch(webhook.Claim{Now: e.base, Lease: number}).Deliveries)
	c := webhook.Claim{Now: e.at(lease), Until: e.at(2 * lease), Lease: number, Lanes: asked(1, laneOf(w))}
	d := e.one("claim of an ended lease with the same number", e.batch(c).Deliveries)
	e.want("a lease that has ended is not returned again but given anew: lease, interrupted", []any{number + 1, 1}, []any{d.Lease, d.Interrupted})
	e.none("the same claim again", e.batch(c).Deliveries)
	e.wantKept(e.settle(delivered(d, e.at(lease))))
}
