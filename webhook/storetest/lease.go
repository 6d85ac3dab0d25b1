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
		{"lease/number-grows", "each claim of a delivery has the next number", testLeaseNumberGrows},
		{"lease/ends-at-until", "a lease that was not settled ends at Until, and the delivery is claimed again", testLeaseEnds},
		{"lease/interrupted", "claiming a delivery that is still held counts as Interrupted, not as a try", testInterrupted},
		{"lease/release-is-uncounted", "a lease that is given back counts neither as a try nor as Interrupted", testReleaseUncounted},
		{"lease/concurrent-claimers", "concurrent claims never share a delivery and together take all", testConcurrentClaimers},
	}
}

func testClaimedState(e *env) {
	e.queue(e.hook(), 1)
	until := e.at(90 * time.Second)
	d := e.one("claim", e.batch(webhook.Claim{Now: e.at(time.Second), Until: until}).Deliveries)
	check := func(where string, d webhook.Delivery) {
		if d.State != webhook.StatePending || !d.Held || d.Lease != 1 || d.Tries != 0 || d.Interrupted != 0 {
			e.errorf("%s: %v, held %t, lease %d, tries %d, interrupted %d; want pending, true, 1, 0, 0", where, d.State, d.Held, d.Lease, d.Tries, d.Interrupted)
		}
		if !d.Due.Equal(until) {
			e.errorf("%s: due %v, want Until %v", where, d.Due, until)
		}
	}
	check("claimed", d)
	if h, _, ok := e.stored(d.Scope, d.ID); ok {
		check("in the history", h)
	}
}

func testLeaseIsExclusive(e *env) {
	want := e.queue(e.hook(), 2)
	e.wantIDs("first claim", e.claim(e.base), want...)
	e.none("second claim at the same time", e.claim(e.base))
	e.none("claim a microsecond before Until", e.claim(e.at(lease-time.Microsecond)))
}

func testLeaseNumberGrows(e *env) {
	e.queue(e.hook(), 1)
	for i := range 6 {
		now := e.at(time.Duration(i) * lease)
		d := e.one("claim", e.claim(now))
		if d.Lease != int64(i+1) {
			e.fatalf("claim %d has lease number %d, want %d", i+1, d.Lease, i+1)
		}
		if i%2 == 0 { // every other lease is given back, the rest run out
			e.settle(released(d, now))
		}
	}
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
	var mu sync.Mutex
	var got []webhook.Delivery
	e.parallel(8, func(int) {
		for range 4 * len(want) {
			b, err := e.tryBatch(webhook.Claim{Now: e.base, Limit: 7, PerLane: 2})
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
	// A claim may come back empty while others hold locks; what they left is still there.
	got = append(got, e.claim(e.base)...)
	e.wantIDs("claims of 8 callers", got, want...)
}
