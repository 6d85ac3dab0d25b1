package storetest

import (
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
)

func sweeperCases() []testCase {
	return []testCase{
		{"sweeper/queued-before", "what was queued before QueuedBefore and is not held ends as expired, and nothing else", onSweeper(testSweepOld)},
		{"sweeper/abandoned", "what was queued before QueuedBefore ends as expired too when its lease has ended, and stays so", onSweeper(testSweepAbandoned)},
		{"sweeper/latest-due", "a retry or a lease beyond LatestDue becomes due at LatestDue", onSweeper(testSweepDue)},
		{"sweeper/requeued-waits", "a requeued delivery that waits for its first attempt is left alone", onSweeper(testSweepRequeued)},
		{"sweeper/zero", "zero limits change nothing", onSweeper(testSweepZero)},
	}
}

func onSweeper(test func(*env, webhook.Sweeper)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Sweeper)) }
}

func testSweepOld(e *env, sw webhook.Sweeper) {
	w := e.hook()
	off := e.draft("a")
	off.Active = false
	off = e.keep(off)
	old := e.queue(w, 2)
	oldInactive := e.queue(off, 1)
	fresh := e.freshAt(e.at(time.Minute), w, 1)
	e.put(fresh...)
	held := e.one("claim of one", e.batch(webhook.Claim{Now: e.base, Limit: 1, Until: e.at(10 * time.Minute)}).Deliveries)
	ended := old[0]
	if held.ID == ended {
		ended = old[1]
	}
	now := e.at(2 * time.Minute)
	e.ok(sw.Sweep(e.ctx, webhook.Sweep{Now: now, QueuedBefore: e.at(time.Minute)}), "Sweep")
	e.wantIDs("claim after Sweep", e.claim(now), fresh[0].ID)
	for _, id := range []string{ended, oldInactive[0]} {
		e.wantState(w.Scope, id, webhook.StateFailed, webhook.CodeExpired)
		if d, _, ok := e.stored(w.Scope, id); ok && !d.FinishedAt.Equal(now) {
			e.errorf("FinishedAt of an expired delivery is %v, want the time of the sweep %v", d.FinishedAt, now)
		}
	}
	e.wantState(w.Scope, held.ID, webhook.StatePending, "")
	e.wantKept(e.settle(delivered(held, now)))
}

// testSweepAbandoned: a host that died leaves its leases behind. Nobody claims them again while
// their lane has no room, but they grow old like all others.
func testSweepAbandoned(e *env, sw webhook.Sweeper) {
	w := e.hook()
	old := e.queue(w, 2)
	fresh := e.freshAt(e.at(time.Minute), w, 1)
	e.put(fresh...)
	now := e.at(3 * time.Minute)
	abandoned := e.one("claim of one", e.batch(webhook.Claim{Now: e.base, Limit: 1, Until: now}).Deliveries)
	alive := e.one("claim of another", e.batch(webhook.Claim{Now: e.base, Limit: 1, Until: now.Add(time.Microsecond)}).Deliveries)
	young := e.one("claim of the young one", e.batch(webhook.Claim{Now: e.at(time.Minute), Limit: 1, Until: now}).Deliveries)
	e.want("claimed", sorted(append(old, fresh[0].ID)), sorted([]string{abandoned.ID, alive.ID, young.ID}))
	e.ok(sw.Sweep(e.ctx, webhook.Sweep{Now: now, QueuedBefore: e.at(time.Minute)}), "Sweep")
	e.wantState(w.Scope, abandoned.ID, webhook.StateFailed, webhook.CodeExpired)
	e.wantState(w.Scope, alive.ID, webhook.StatePending, "")
	e.wantState(w.Scope, young.ID, webhook.StatePending, "")
	if d, _, ok := e.stored(w.Scope, abandoned.ID); ok && (d.Held || d.Interrupted != 1 || !d.FinishedAt.Equal(now)) {
		e.errorf("an expired delivery is held %t, was interrupted %d times and finished at %v, want false, once and the time of the sweep %v",
			d.Held, d.Interrupted, d.FinishedAt, now)
	}
	e.settle(delivered(abandoned, now)) // its owner lives after all, and is too late
	e.wantState(w.Scope, abandoned.ID, webhook.StateFailed, webhook.CodeExpired)
	e.wantKept(e.settle(delivered(alive, now)))
	e.wantIDs("claim after Sweep", e.claim(now), young.ID)
}

func testSweepDue(e *env, sw webhook.Sweeper) {
	a, b := e.hook(), e.hook()
	e.queue(a, 1)
	e.queue(b, 1)
	ds := e.batch(webhook.Claim{Now: e.base, Until: e.at(5 * time.Hour)}).Deliveries
	if len(ds) != 2 {
		e.fatalf("claimed %d of 2", len(ds))
	}
	retry, leased := ds[0], ds[1]
	e.settle(retried(retry, e.at(time.Second), e.at(6*time.Hour)))
	soon := *e.claimOneAt(e.at(2 * time.Second))
	soonDue := e.at(10 * time.Minute)
	e.settle(retried(soon, e.at(3*time.Second), soonDue))
	latest := e.at(time.Hour)
	e.ok(sw.Sweep(e.ctx, webhook.Sweep{Now: e.at(4 * time.Second), LatestDue: latest}), "Sweep")
	e.none("claim before the retry that is in order", e.claim(soonDue.Add(-time.Microsecond)))
	got := e.one("claim of the retry that is in order", e.claim(soonDue))
	e.settle(delivered(got, soonDue))
	e.none("claim before LatestDue", e.claim(latest.Add(-time.Microsecond)))
	e.wantIDs("claim at LatestDue", e.claim(latest), retry.ID, leased.ID)
}

func testSweepRequeued(e *env, sw webhook.Sweeper) {
	h, ok := e.store.(webhook.History)
	if !ok {
		return
	}
	d := e.claimOne()
	e.settle(failed(d, e.at(time.Second)))
	due := e.at(10 * time.Hour)
	e.ok(h.Requeue(e.ctx, d.Scope, d.ID, due), "Requeue")
	e.ok(sw.Sweep(e.ctx, webhook.Sweep{Now: e.at(2 * time.Second), LatestDue: e.at(time.Hour)}), "Sweep")
	e.none("claim at LatestDue", e.claim(e.at(time.Hour)))
	e.wantIDs("claim when it is due", e.claim(due), d.ID)
}

func testSweepZero(e *env, sw webhook.Sweeper) {
	w := e.hook()
	ds := e.fresh(w, 2)
	ds[0].QueuedAt, ds[0].CreatedAt = e.at(-time.Hour), e.at(-time.Hour)
	ds[1].Due = e.at(20 * time.Hour)
	e.put(ds...)
	e.ok(sw.Sweep(e.ctx, webhook.Sweep{Now: e.base}), "Sweep")
	e.wantIDs("claim after Sweep", e.claim(e.base), ds[0].ID)
	e.wantIDs("claim when the other is due", e.claim(ds[1].Due), ids(ds)...)
}

func binderCases() []testCase {
	return []testCase{
		{"binder/one-profile", "a Store serves the Profile that was bound first and answers ErrProfile for another", testBind},
	}
}

// testBind looks at the error of a use too, where a database checks what Bind only remembered.
func testBind(e *env) {
	b := e.store.(webhook.Binder)
	first, second := "st-"+e.id[:8]+"-first", "st-"+e.id[:8]+"-second"
	e.ok(b.Bind(first), "Bind")
	e.hook()
	e.claim(e.base)
	e.ok(b.Bind(first), "Bind of the same profile")
	err := b.Bind(second)
	if err == nil {
		_, err = e.store.Claim(e.ctx, webhook.Claim{Now: e.base, Until: e.at(lease), Limit: 1, PerLane: 1})
	}
	if !errors.Is(err, webhook.ErrProfile) {
		e.errorf("Bind of a second profile and a claim: error %v, want ErrProfile", err)
	}
}
