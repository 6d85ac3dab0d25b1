package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

func claimCases() []testCase {
	return []testCase{
		{"claim/only-due", "a delivery is claimed when it is due, at that microsecond, and not before", testOnlyDue},
		{"claim/oldest-first", "within a lane the oldest due comes first, then the one enqueued first", testOldestFirst},
		{"claim/limit", "a claim takes Limit at most", testLimit},
		{"claim/per-lane", "a claim takes PerLane of a lane at most", testPerLane},
		{"claim/room-none", "a lane with Room 0 is skipped", testRoomNone},
		{"claim/room-replaces", "Room replaces PerLane, upwards and downwards, for its lane only", testRoomReplaces},
		{"claim/lane-is-not-webhook", "the limits count lanes: two lanes of a webhook have two rooms, two webhooks in one lane share one", testLaneIsNotWebhook},
		{"claim/inactive", "nothing of an inactive webhook is claimed, and it waits until the webhook is active again", testInactive},
		{"claim/expired", "a webhook's deliveries are claimed until ExpiresAt, not at it, and again when it is prolonged", testExpired},
		{"claim/mixed-lane", "a webhook that is switched off does not hide others in its lane", testMixedLane},
		{"claim/gone", "a pending delivery whose webhook is gone is not claimed and ends as cancelled", testGone},
		{"claim/foreign-webhook", "a delivery never goes to a webhook of another scope", testForeignWebhook},
	}
}

func testOnlyDue(e *env) {
	w := e.hook()
	ds := e.fresh(w, 3)
	ds[0].Due, ds[1].Due, ds[2].Due = e.at(time.Second), e.at(time.Second+time.Microsecond), e.at(time.Hour)
	e.put(ds...)
	e.none("claim before the due time", e.claim(e.at(time.Second-time.Microsecond)))
	e.wantIDs("claim at the due time", e.claim(e.at(time.Second)), ds[0].ID)
	e.wantIDs("claim a microsecond later", e.claim(e.at(time.Second+time.Microsecond)), ds[1].ID)
}

func testOldestFirst(e *env) {
	ds := e.fresh(e.hook(), 6)
	for i, second := range []int{3, 1, 2, 1, 3, 0} {
		ds[i].Due = e.at(time.Duration(second) * time.Second)
	}
	e.put(ds[:3]...)
	e.put(ds[3:]...)
	want := []string{ds[5].ID, ds[1].ID, ds[3].ID, ds[2].ID, ds[0].ID, ds[4].ID}
	now := e.at(time.Minute)
	e.sweep(now)
	var got []webhook.Delivery
	for range 3 {
		got = append(got, e.batch(webhook.Claim{Now: now, Limit: 2}).Deliveries...)
	}
	e.wantOrder("three claims of two", got, want...)
}

func testLimit(e *env) {
	a, b := e.hook(), e.hook()
	e.queue(a, 5)
	e.queue(b, 5)
	for i, limit := range []int{1, 3, 6, 6} {
		want := []int{1, 3, 6, 0}[i]
		if got := e.batch(webhook.Claim{Now: e.base, Limit: limit}).Deliveries; len(got) != want {
			e.fatalf("claim %d with Limit %d took %d, want %d", i+1, limit, len(got), want)
		}
	}
}

// perLane counts deliveries by lane.
func perLane(ds []webhook.Delivery) map[string]int {
	n := make(map[string]int)
	for _, d := range ds {
		n[d.Lane]++
	}
	return n
}

func testPerLane(e *env) {
	a, b := e.hook(), e.hook()
	e.queue(a, 9)
	e.queue(b, 2)
	got := e.batch(webhook.Claim{Now: e.base, PerLane: 4}).Deliveries
	e.want("deliveries by lane", map[string]int{a.ID: 4, b.ID: 2}, perLane(got))
}

func testRoomNone(e *env) {
	full, free := e.hook(), e.hook()
	e.queue(full, 3)
	e.queue(free, 3)
	got := e.batch(webhook.Claim{Now: e.base, Room: map[string]int{full.ID: 0}}).Deliveries
	e.want("deliveries by lane", map[string]int{free.ID: 3}, perLane(got))
	got = e.batch(webhook.Claim{Now: e.base}).Deliveries
	e.want("deliveries by lane when there is room again", map[string]int{full.ID: 3}, perLane(got))
}

func testRoomReplaces(e *env) {
	wide, narrow, other := e.hook(), e.hook(), e.hook()
	for _, w := range []webhook.Webhook{wide, narrow, other} {
		e.queue(w, 9)
	}
	got := e.batch(webhook.Claim{Now: e.base, PerLane: 2, Room: map[string]int{wide.ID: 5, narrow.ID: 1, "unknown": 3}}).Deliveries
	e.want("deliveries by lane", map[string]int{wide.ID: 5, narrow.ID: 1, other.ID: 2}, perLane(got))
}

func testLaneIsNotWebhook(e *env) {
	a, b := e.hook(), e.hook()
	second, shared := a.ID+".second", a.ID+".shared"
	var ds []webhook.Delivery
	add := func(w webhook.Webhook, lane string) {
		for _, d := range e.fresh(w, 4) {
			d.Lane = lane
			ds = append(ds, d)
		}
	}
	add(a, a.ID)
	add(a, second)
	add(a, shared)
	add(b, shared)
	e.put(ds...)
	got := e.batch(webhook.Claim{Now: e.base, PerLane: 3, Room: map[string]int{second: 1}}).Deliveries
	e.want("deliveries by lane", map[string]int{a.ID: 3, second: 1, shared: 3}, perLane(got))
}

func testInactive(e *env) {
	w, other := e.hook(), e.hook()
	id := e.queue(w, 1)
	w.Active = false
	w = e.change(w)
	id = append(id, e.queue(w, 1)...)
	e.wantIDs("claim beside an inactive webhook", e.claim(e.base), []string{}...)
	late := e.queue(other, 1)
	e.wantIDs("claim beside an inactive webhook", e.claim(e.base), late...)
	now := e.at(10 * time.Second)
	w.Active = true
	e.change(w)
	e.sweep(now)
	e.wantOrder("claim after it is active again", e.claim(now), id...)
}

func testExpired(e *env) {
	w := e.draft("a")
	w.ExpiresAt = e.at(time.Second)
	w = e.keep(w)
	ds := e.fresh(w, 2)
	ds[1].Due = e.at(time.Second)
	e.put(ds...)
	e.wantIDs("claim a microsecond before ExpiresAt", e.claim(w.ExpiresAt.Add(-time.Microsecond)), ds[0].ID)
	e.none("claim at ExpiresAt", e.claim(w.ExpiresAt))
	e.none("claim later", e.claim(e.at(time.Hour)))
	now := e.at(2 * time.Hour)
	w.ExpiresAt = e.at(3 * time.Hour)
	e.change(w)
	e.sweep(now)
	e.wantIDs("claim after it was prolonged", e.claim(now), ids(ds)...)
}

func testMixedLane(e *env) {
	off, on := e.draft("a"), e.hook()
	off.Active = false
	off = e.keep(off)
	var want []string
	var ds []webhook.Delivery
	for i := range 20 {
		d := e.fresh([]webhook.Webhook{off, off, off, on}[i%4], 1)[0]
		d.Lane = "lane-" + e.id
		if i%4 == 3 {
			want = append(want, d.ID)
		}
		ds = append(ds, d)
	}
	e.put(ds...)
	var got []webhook.Delivery
	for range len(want) {
		got = append(got, e.batch(webhook.Claim{Now: e.base, PerLane: 1}).Deliveries...)
	}
	e.wantOrder("claims of one", got, want...)
}

func testGone(e *env) {
	ghost := e.draft("a")
	ds := e.fresh(ghost, 2)
	e.put(ds...)
	kept := e.queue(e.hook(), 1)
	e.wantIDs("claim", e.claim(e.base), kept...)
	now := e.at(time.Second)
	e.sweep(now)
	e.wantIDs("claim after a sweep", e.claim(now), []string{}...)
	for _, d := range ds {
		e.wantState(d.Scope, d.ID, webhook.StateFailed, webhook.CodeCancelled)
	}
	e.keep(ghost)
	e.wantIDs("claim after a webhook of that ID was added", e.claim(e.at(2*time.Second)), []string{}...)
}

func testForeignWebhook(e *env) {
	theirs := e.keep(e.draft("b"))
	d := e.fresh(theirs, 1)[0]
	d.Scope = e.scope("a")
	d.ID = deliveryID(d.Scope, d.EventID, d.WebhookID)
	e.put(d)
	for i := range 2 {
		now := e.at(time.Duration(i) * time.Second)
		e.sweep(now)
		if got := e.claim(now); len(got) != 0 {
			e.fatalf("a delivery of scope %q was handed out with a webhook of scope %q", d.Scope, theirs.Scope)
		}
	}
}
