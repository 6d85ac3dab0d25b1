package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

func fairnessCases() []testCase {
	return []testCase{
		{"fairness/turns-go-round", "no lane has a second turn before every other ready one had its first", testTurnsGoRound},
		{"fairness/turns-in-batches", "the order of turns goes on from claim to claim", testTurnsInBatches},
		{"fairness/late-lane", "a lane that becomes ready has its turn within one round", testLateLane},
		{"fairness/busy-lane-comes-back", "a lane that was skipped for lack of room has its turn when there is room", testBusyLaneComesBack},
		{"fairness/giant-hides-nobody", "a lane with a thousand due deliveries and no room hides nobody", testGiantHidesNobody},
		{"fairness/giant-shares", "a lane with a thousand due deliveries and little room leaves the rest of a claim to others", testGiantShares},
		{"fairness/retries-do-not-crowd-out", "a lane full of retries leaves other lanes their turns", testRetriesDoNotCrowdOut},
	}
}

func testTurnsGoRound(e *env) {
	const lanes, each = 6, 5
	for range lanes {
		e.queue(e.hook(), each)
	}
	// A lane's room must not matter to whose turn it is, so both kinds of claims alternate.
	for round := range each {
		var got []webhook.Delivery
		for i := range lanes {
			b := e.batch(webhook.Claim{Now: e.base, Limit: 1, PerLane: 1 + 3*(i%2)})
			got = append(got, e.one(fmt.Sprintf("claim of one in round %d", round+1), b.Deliveries))
		}
		if n := len(perLane(got)); n != lanes {
			e.fatalf("in round %d, %d claims of one served %d lanes, want %d: %v", round+1, lanes, n, lanes, perLane(got))
		}
	}
}

func testTurnsInBatches(e *env) {
	want := make(map[string]int)
	for range 6 {
		w := e.hook()
		e.queue(w, 20)
		want[w.ID] = 2
	}
	for round := range 3 {
		var got []webhook.Delivery
		for range 3 {
			got = append(got, e.batch(webhook.Claim{Now: e.base, Limit: 4, PerLane: 2}).Deliveries...)
		}
		e.want(fmt.Sprintf("deliveries by lane in round %d: three claims of four, two per lane", round+1), want, perLane(got))
	}
}

func testLateLane(e *env) {
	const lanes = 4
	for range lanes {
		e.queue(e.hook(), 10)
	}
	for range lanes + 1 {
		e.one("claim of one", e.batch(webhook.Claim{Now: e.base, Limit: 1, PerLane: 1}).Deliveries)
	}
	late := e.hook()
	e.queue(late, 1)
	var got []webhook.Delivery
	for range lanes + 1 {
		got = append(got, e.one("claim of one", e.batch(webhook.Claim{Now: e.base, Limit: 1, PerLane: 1}).Deliveries))
	}
	if perLane(got)[late.ID] != 1 {
		e.errorf("a lane that became ready was not served in a round of %d claims: %v", lanes+1, perLane(got))
	}
}

func testBusyLaneComesBack(e *env) {
	busy, other := e.hook(), e.hook()
	e.queue(busy, 5)
	e.queue(other, 50)
	for i := range 5 {
		b := e.batch(webhook.Claim{Now: e.base, Limit: 2, PerLane: 2, Room: map[string]int{busy.ID: 0}})
		e.want(fmt.Sprintf("deliveries by lane, claim %d", i+1), map[string]int{other.ID: 2}, perLane(b.Deliveries))
	}
	var got []webhook.Delivery
	for range 2 {
		got = append(got, e.batch(webhook.Claim{Now: e.base, Limit: 1, PerLane: 1}).Deliveries...)
	}
	if perLane(got)[busy.ID] != 1 {
		e.errorf("a lane that has room again was not served in a round: %v", perLane(got))
	}
}

// giant queues a thousand deliveries of one lane, older than all others.
func (e *env) giant() webhook.Webhook {
	w := e.hook()
	for range 4 {
		ds := e.fresh(w, 250)
		for i := range ds {
			ds[i].Due = e.at(-time.Minute)
		}
		e.put(ds...)
	}
	return w
}

func testGiantHidesNobody(e *env) {
	giant := e.giant()
	want := slices.Concat(e.queue(e.hook(), 1), e.queue(e.hook(), 1), e.queue(e.hook(), 1))
	e.sweep(e.base)
	b := e.batch(webhook.Claim{Now: e.base, Limit: 3, PerLane: 4, Room: map[string]int{giant.ID: 0}})
	e.wantIDs("claim of three", b.Deliveries, want...)
	b = e.batch(webhook.Claim{Now: e.base, Limit: 3, PerLane: 4, Room: map[string]int{giant.ID: 0}})
	e.none("claim when only the lane without room is left", b.Deliveries)
}

func testGiantShares(e *env) {
	giant := e.giant()
	want := map[string]int{giant.ID: 2}
	for range 5 {
		w := e.hook()
		e.queue(w, 1)
		want[w.ID] = 1
	}
	e.sweep(e.base)
	b := e.batch(webhook.Claim{Now: e.base, Limit: 50, PerLane: 2})
	e.want("deliveries by lane", want, perLane(b.Deliveries))
}

func testRetriesDoNotCrowdOut(e *env) {
	retries, firsts := e.hook(), e.hook()
	e.queue(retries, 30)
	now := e.at(10 * time.Second)
	for _, d := range e.claim(e.base) {
		e.settle(retried(d, e.at(time.Second), now))
	}
	ds := e.freshAt(now, firsts, 10)
	e.put(ds...)
	var got []webhook.Delivery
	for range 10 {
		got = append(got, e.batch(webhook.Claim{Now: now, Limit: 2, PerLane: 1}).Deliveries...)
	}
	e.want("deliveries by lane after ten claims of two", map[string]int{retries.ID: 10, firsts.ID: 10}, perLane(got))
}
