package storetest

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

func claimCases() []testCase {
	return []testCase{
		{"claim/nothing", "an empty claim is no error, and unknown lanes have no deliveries", testClaimNothing},
		{"claim/only-due", "a delivery is claimed when it is due, at that microsecond, and not before", testOnlyDue},
		{"claim/oldest-first", "within a lane the oldest due comes first, then the one enqueued first", testOldestFirst},
		{"claim/most", "a claim takes Most of each lane", testMost},
		{"claim/only-named", "a claim takes from the lanes that it names, in their order, and from no others", testOnlyNamed},
		{"claim/class", "the classes of a webhook are lanes of their own, and the same class of two webhooks is two lanes", testClaimClass},
		{"claim/former-due", "deliveries come with their Due from before the claim", testFormerDue},
		{"claim/numbers", "a claim gives the lease number max(lease+1, c.Lease)", testNumbers},
		{"claim/inactive", "deliveries to an inactive webhook are not claimed, and wait until the webhook is active again", testInactive},
		{"claim/expired", "a webhook's deliveries are claimed before ExpiresAt, not at it, and again after it is prolonged", testExpired},
		{"claim/gone", "deliveries of a deleted webhook are claimed, and the webhook is in neither list", testGone},
		{"claim/foreign-webhook", "a delivery never goes to a webhook of another scope", testForeignWebhook},
	}
}

func testClaimNothing(e *env) {
	w := e.hook()
	e.queue(w, 1)
	b := e.batch(webhook.Claim{Now: e.base, Lanes: asked(3, laneOf(e.hook()), webhook.Lane{Scope: e.scope("unknown"), WebhookID: "unknown"},
		webhook.Lane{Scope: w.Scope, WebhookID: w.ID, Class: "unknown"}, webhook.Lane{Scope: e.scope("b"), WebhookID: w.ID})})
	if n := len(b.Deliveries) + len(b.Webhooks) + len(b.Unreadable) + len(b.Short); n != 0 {
		e.errorf("an empty claim returned %d deliveries, %d webhooks, %d unreadable and %d short lanes",
			len(b.Deliveries), len(b.Webhooks), len(b.Unreadable), len(b.Short))
	}
	e.one("claim of the lane that has one", e.claim(e.base))
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
	w := e.hook()
	ds := e.fresh(w, 9)
	for i, second := range []int{3, 1, 2, 1, 3, 0, 1, 1, 1} {
		ds[i].Due = e.at(time.Duration(second) * time.Second)
	}
	e.put(ds[:3]...)
	e.put(ds[3:6]...)
	for _, d := range ds[6:] {
		e.put(d)
	}
	var want []string
	for _, i := range []int{5, 1, 3, 6, 7, 8, 2, 0, 4} {
		want = append(want, ds[i].ID)
	}
	var got []webhook.Delivery
	for _, n := range []int{2, 4, 1, 2} {
		got = append(got, e.take(e.at(time.Minute), w, n)...)
	}
	e.wantOrder("claims of two, four, one and two", got, want...)
}

func testMost(e *env) {
	a, b := e.hook(), e.hook()
	e.queue(a, 9)
	e.queue(b, 4)
	for i, want := range []map[string]int{{a.ID: 1, b.ID: 3}, {a.ID: 1, b.ID: 1}, {a.ID: 1}} {
		lanes := asked(1, laneOf(a), laneOf(b))
		lanes[1].Most = 3
		got := e.batch(webhook.Claim{Now: e.base, Lanes: lanes}).Deliveries
		e.want(fmt.Sprintf("deliveries by webhook, claim %d", i+1), want, byWebhook(got))
	}
	e.want("deliveries by webhook, of a Most of 1,000", map[string]int{a.ID: 6}, byWebhook(e.claim(e.base)))
}

// byWebhook counts deliveries by webhook.
func byWebhook(ds []webhook.Delivery) map[string]int {
	n := make(map[string]int)
	for _, d := range ds {
		n[d.WebhookID]++
	}
	return n
}

func testOnlyNamed(e *env) {
	a, b, c := e.hook(), e.keep(e.draft("b")), e.hook()
	one, two, three := e.queue(a, 2), e.queue(b, 2), e.queue(c, 2)
	got := e.batch(webhook.Claim{Now: e.base, Lanes: asked(2, laneOf(c), laneOf(a))})
	e.wantOrder("claim of two lanes of three", got.Deliveries, append(three, one...)...)
	e.wantOrder("claim of the third", e.batch(webhook.Claim{Now: e.base, Lanes: asked(2, laneOf(b), laneOf(a), laneOf(c))}).Deliveries, two...)
}

func testClaimClass(e *env) {
	a, b := e.hook(), e.hook()
	add := func(w webhook.Webhook, class string) []string {
		ds := e.fresh(w, 2)
		for i := range ds {
			ds[i].Class = class
		}
		e.put(ds...)
		return ids(ds)
	}
	plain, first, second, shared := add(a, ""), add(a, "first"), add(a, "second"), add(b, "first")
	claim := func(w webhook.Webhook, class string) []webhook.Delivery {
		return e.batch(webhook.Claim{Now: e.base, Lanes: asked(many, webhook.Lane{Scope: w.Scope, WebhookID: w.ID, Class: class})}).Deliveries
	}
	e.wantOrder("claim of a class", claim(a, "first"), first...)
	e.wantOrder("claim of no class", claim(a, ""), plain...)
	e.wantOrder("claim of the same class of another webhook", claim(b, "first"), shared...)
	e.wantOrder("claim of another class", claim(a, "second"), second...)
}

func testFormerDue(e *env) {
	ds := e.fresh(e.hook(), 3)
	ds[0].Due, ds[1].Due, ds[2].Due = e.at(-time.Hour), e.at(-time.Second+7*time.Microsecond), e.base
	e.put(ds...)
	for i, d := range e.count("claim", 3, e.claim(e.base)) {
		if !d.Due.Equal(ds[i].Due) {
			e.errorf("delivery %d comes with Due %v, want its Due before the claim, %v", i+1, d.Due, ds[i].Due)
		}
		e.settle(released(d, d.Due))
	}
	got := e.claim(e.at(time.Second))
	e.wantOrder("claim after they were given back with their Due", got, ids(ds)...)
	for i, d := range got {
		if !d.Due.Equal(ds[i].Due) || d.Tries != 0 || d.Interrupted != 0 {
			e.errorf("given back and claimed again: due %v, tries %d, interrupted %d; want %v, 0, 0", d.Due, d.Tries, d.Interrupted, ds[i].Due)
		}
	}
	for i, d := range e.count("claim at the end of the lease", 3, e.claim(e.at(time.Hour))) {
		if !d.Due.Equal(e.at(time.Second + lease)) {
			e.errorf("delivery %d of an ended lease comes with Due %v, want the end of the lease, %v", i+1, d.Due, e.at(time.Second+lease))
		}
	}
}

func testNumbers(e *env) {
	w := e.hook()
	e.queue(w, 1)
	number := e.number()
	latest := int64(0)
	for i, give := range []int64{number, number + 1000, number, number + 1001, 1, number + 5000} {
		now := e.at(time.Duration(i) * lease)
		d := e.one("claim", e.batch(webhook.Claim{Now: now, Lease: give}).Deliveries)
		if want := max(latest+1, give); d.Lease != want {
			e.fatalf("claim %d: lease number is larger than the one before by %d, want %d (c.Lease was %d above it)",
				i+1, d.Lease-latest, want-latest, give-latest)
		}
		if latest = d.Lease; i%2 == 0 { // every other lease is released, the others expire
			e.settle(released(d, now))
		}
	}
	e.queue(w, 1)
	for _, d := range e.count("claim", 2, e.batch(webhook.Claim{Now: e.at(time.Hour), Lease: number + 9000}).Deliveries) {
		if d.Lease != number+9000 {
			e.errorf("deliveries of one claim have different lease numbers although c.Lease is the greatest, want c.Lease")
		}
	}
}

func testInactive(e *env) {
	w, other := e.hook(), e.hook()
	id := e.queue(w, 1)
	w.Active = false
	w = e.change(w)
	id = append(id, e.queue(w, 1)...)
	e.none("claim beside an inactive webhook", e.claim(e.base))
	late := e.queue(other, 1)
	e.wantIDs("claim beside an inactive webhook", e.claim(e.base), late...)
	w.Active = true
	e.change(w)
	e.wantOrder("claim after it is active again", e.claim(e.at(10*time.Second)), id...)
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
	w.ExpiresAt = e.at(3 * time.Hour)
	e.change(w)
	e.wantIDs("claim after it was prolonged", e.claim(e.at(2*time.Hour)), ids(ds)...)
}

func testGone(e *env) {
	ghost, w := e.draft("a"), e.hook()
	ds := e.fresh(ghost, 2)
	e.put(ds...)
	kept := e.queue(w, 1)
	b := e.batch(webhook.Claim{Now: e.base})
	e.wantIDs("claim", b.Deliveries, append(ids(ds), kept...)...)
	e.want("webhooks", e.listed([]string{w.ID}), e.listed(hookIDs(b.Webhooks)))
	e.want("unreadable", 0, len(b.Unreadable))
	for _, d := range b.Deliveries {
		if d.WebhookID == ghost.ID {
			x := settlement(d, webhook.StateFailed, e.base)
			x.Code = webhook.CodeCancelled
			e.wantKept(e.settle(x))
		}
	}
	e.wantIDs("claim at the end of the leases", e.claim(e.at(lease)), kept...)
	for _, d := range ds {
		e.wantState(d.Scope, d.ID, webhook.StateFailed, webhook.CodeCancelled)
	}
}

func testForeignWebhook(e *env) {
	theirs := e.keep(e.draft("b"))
	d := e.foreign(theirs)
	e.put(d)
	b := e.batch(webhook.Claim{Now: e.base})
	e.wantIDs("claim", b.Deliveries, d.ID)
	if len(b.Webhooks)+len(b.Unreadable) != 0 {
		e.errorf("a delivery of one scope was handed out with a webhook of another scope")
	}
}
