package storetest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// RunShared proves that two Stores on one database, as of two hosts, act as one. open returns both. The
// cases make webhooks through a's [webhook.Registry] or with [WithWebhooks].
func RunShared(t *testing.T, open func(t *testing.T) (a, b webhook.Store), opts ...Option) {
	t.Helper()
	c := configOf(opts)
	for _, sc := range sharedCases() {
		t.Run(sc.name, func(t *testing.T) {
			a, b := open(t)
			for _, failure := range sc.run(a, b, c) {
				t.Error(failure)
			}
		})
	}
}

// sharedCase is a rule of two Stores.
type sharedCase struct {
	name, rule string
	test       func(e *env, a, b webhook.Store)
}

func (sc sharedCase) run(a, b webhook.Store, c config) []string {
	tc := testCase{sc.name, sc.rule, func(e *env) { sc.test(e, a, b) }}
	return tc.run(a, c, 0)
}

// on runs f with s as the Store of the case.
func (e *env) on(s webhook.Store, f func()) {
	former := e.store
	e.store = s
	defer func() { e.store = former }()
	f()
}

func sharedCases() []sharedCase {
	return []sharedCase{
		{"shared/enqueue", "the other Store finds and claims accepted deliveries, and does not add them again", testSharedEnqueue},
		{"shared/leases", "a delivery that one Store leased is not claimed by the other, also if the other named its lane before", testSharedLeases},
		{"shared/settle", "an outcome that one Store wrote is valid in the other, and a lease of one settles through the other", testSharedSettle},
		{"shared/give-back", "a delivery that one Store released with its former Due is claimed by the other", testSharedGiveBack},
		{"shared/late", "a delivery that one Store commits late, with an older due time, is found without Since and claimed by the other", testSharedLate},
		{"shared/repeat", "a claim is repeated through the other Store", testSharedRepeat},
		{"shared/webhooks", "a change of a webhook through one Store is seen by the next claim of the other", testSharedWebhooks},
		{"shared/concurrent", "concurrent claimers of both Stores never share a delivery and together take all", testSharedConcurrent},
	}
}

func testSharedEnqueue(e *env, _, b webhook.Store) {
	w := e.hook()
	ds := e.fresh(w, 3)
	e.on(b, func() { e.wantLanes("Due before", e.walk(webhook.DueQuery{Now: e.base}).Lanes) })
	e.put(ds...)
	e.on(b, func() {
		e.wantLanes("Due", e.walk(webhook.DueQuery{Now: e.base}).Lanes, laneOf(w))
		added, err := e.enqueue(e.ctx, ds[0])
		e.ok(err, "Enqueue of a delivery that the other Store added")
		e.want("added", []bool{false}, added)
		e.wantOrder("claim", e.claim(e.base), ids(ds)...)
	})
	e.none("claim of the first Store", e.claim(e.base))
}

func testSharedLeases(e *env, _, b webhook.Store) {
	w := e.hook()
	all := e.queue(w, 4)
	handed := e.handedOver()
	e.on(b, func() { e.wantIDs("claim of two by the other", e.take(e.base, w, 2), all[:2]...) })
	e.wantIDs("claim of the rest", e.claim(e.base), all[2:]...)
	e.on(b, func() {
		e.none("claim while the leases last", e.claim(e.at(lease-time.Microsecond)))
		e.wantIDs("claim when they have ended", e.claim(e.at(lease)), append(all, handed.ID)...)
	})
	e.none("claim while the other has them", e.claim(e.at(lease)))
}

func testSharedSettle(e *env, _, b webhook.Store) {
	w := e.hook()
	e.queue(w, 3)
	ds := e.count("claim", 3, e.claim(e.base))
	now, due := e.at(time.Second), e.at(time.Minute/2)
	ss := []webhook.Settlement{delivered(ds[0], now), failed(ds[1], now), retried(ds[2], now, due)}
	e.on(b, func() { e.wantKept(e.settle(ss...)) })
	e.wantKept(e.settle(ss...))
	e.none("claim before the retry", e.claim(due.Add(-time.Microsecond)))
	d := e.one("claim of the retry", e.claim(due))
	e.want("delivery, tries", []any{ds[2].ID, 1}, []any{d.ID, d.Tries})
	e.on(b, func() {
		if lost := e.settle(failed(ds[2], due)); len(lost) != 1 {
			e.errorf("the other Store accepts a lease that has ended: lost %v", lost)
		}
		e.none("claim of everything later", e.claim(due))
	})
}

func testSharedGiveBack(e *env, _, b webhook.Store) {
	w := e.hook()
	all := e.queue(w, 3)
	ds := e.count("claim of two", 2, e.take(e.base, w, 2))
	e.on(b, func() { e.wantIDs("claim of the rest by the other", e.claim(e.at(time.Second)), all[2]) })
	e.wantKept(e.settle(released(ds[0], ds[0].Due), released(ds[1], ds[1].Due)))
	e.on(b, func() {
		e.wantLanes("Due after they were given back", e.walk(webhook.DueQuery{Now: e.at(2 * time.Second)}).Lanes, laneOf(w))
		for _, d := range e.count("claim after they were given back", 2, e.claim(e.at(2*time.Second))) {
			e.want("tries, interrupted", []int{0, 0}, []int{d.Tries, d.Interrupted})
		}
	})
}

// testSharedLate simulates a transaction that stays open until the other Store has claimed
// everything else.
func testSharedLate(e *env, _, b webhook.Store) {
	w := e.hook()
	e.queue(w, 2)
	now := e.at(5 * time.Second)
	e.count("claim of early commits", 2, e.claim(now))
	late := e.freshAt(e.at(-time.Second), w, 2)
	e.on(b, func() { e.put(late...) })
	e.wantLanes("Due without Since", e.walk(webhook.DueQuery{Now: now}).Lanes, laneOf(w))
	e.wantOrder("claim of late commits", e.claim(now), ids(late)...)
}

func testSharedRepeat(e *env, _, b webhook.Store) {
	w := e.hook()
	all := e.queue(w, 2)
	c := webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: asked(2, laneOf(w))}
	e.wantIDs("claim", e.batch(c).Deliveries, all...)
	e.on(b, func() { e.wantIDs("the same claim again", e.batch(c).Deliveries, all...) })
}

func testSharedWebhooks(e *env, _, b webhook.Store) {
	w := e.hook()
	e.queue(w, 2)
	e.on(b, func() {
		e.wantHook("webhook", w, e.batch(webhook.Claim{Now: e.base, Lanes: asked(1, laneOf(w))}).Webhooks)
	})
	w.URL, w.Secrets = "https://example.com/moved", []webhook.Secret{webhook.NewSecret("rotated")}
	w = e.change(w)
	e.on(b, func() {
		e.wantHook("webhook after a change", w, e.batch(webhook.Claim{Now: e.base, Lanes: asked(1, laneOf(w))}).Webhooks)
	})
	w.Active = false
	e.change(w)
	e.on(b, func() {
		e.wantLanes("Due of an inactive webhook", e.walk(webhook.DueQuery{Now: e.at(lease)}).Lanes)
		e.none("claim of an inactive webhook", e.claim(e.at(lease)))
	})
}

func testSharedConcurrent(e *env, a, b webhook.Store) {
	var want []string
	for range 4 {
		want = append(want, e.queue(e.hook(), 25)...)
	}
	lanes := asked(2, e.lanes...)
	got := e.takeAll(6, func(caller int) (webhook.Batch, error) {
		return []webhook.Store{a, b}[caller%2].Claim(e.ctx, webhook.Claim{Now: e.base, Until: e.at(lease), Lease: e.number(), Lanes: lanes})
	})
	e.wantIDs("claims of both Stores", got, want...)
}
