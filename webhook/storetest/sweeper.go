package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

func sweeperCases() []testCase {
	return []testCase{
		{"sweeper/gone", "Gone ends pending deliveries of deleted webhooks as cancelled, and no others", onSweeper(testSweepGone)},
		{"sweeper/queued-before", "free deliveries that were queued before QueuedBefore end as expired, and no others", onSweeper(testSweepOld)},
		{"sweeper/due-later", "deliveries that were queued before QueuedBefore end as expired also where their next try is due after it", onSweeper(testSweepDueLater)},
		{"sweeper/abandoned", "deliveries that were queued before QueuedBefore end as expired also after their lease has ended, and stay so", onSweeper(testSweepAbandoned)},
		{"sweeper/limit", "a call ends at most limit deliveries, returns them, and reports whether more are left", onSweeper(testSweepLimit)},
		{"sweeper/ended", "ended deliveries are returned in their new state, without bodies", onSweeper(testSweepEnded)},
		{"sweeper/latest-retry", "a retry beyond LatestRetry becomes due at LatestRetry", onSweeper(testSweepRetry)},
		{"sweeper/latest-lease", "a lease beyond LatestLease ends at LatestLease, and deliveries that were stored by a clock ahead are due at Now", onSweeper(testSweepLease)},
		{"sweeper/requeued-waits", "a requeued delivery that waits for its first attempt is not changed", onSweeper(testSweepRequeued)},
		{"sweeper/expires", "a delivery that is pending at its ExpiresAt ends as expired, and no others", onSweeper(testSweepExpires)},
		{"sweeper/zero", "zero limits change nothing", onSweeper(testSweepZero)},
	}
}

func onSweeper(test func(*env, webhook.Sweeper)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Sweeper)) }
}

// sweep sweeps until nothing is left to end, and returns the ended deliveries.
func (e *env) sweep(sw webhook.Sweeper, s webhook.Sweep) []webhook.Delivery {
	return e.sweepIn(sw, s, many)
}

// sweepIn is sweep with a limit for each call.
func (e *env) sweepIn(sw webhook.Sweeper, s webhook.Sweep, limit int) (all []webhook.Delivery) {
	for range many {
		ended, more, err := sw.Sweep(e.ctx, s, limit)
		if e.ok(err, "Sweep"); len(ended) > limit {
			e.errorf("a sweep with limit %d ended %d deliveries", limit, len(ended))
		}
		all = append(all, slices.DeleteFunc(ended, func(d webhook.Delivery) bool { return !e.mine(d.Scope) })...)
		if !more {
			return all
		}
	}
	e.fatalf("a sweep with limit %d says more without an end", limit)
	return nil
}

func testSweepGone(e *env, sw webhook.Sweeper) {
	ghost, off := e.draft("a"), e.draft("a")
	off.Active = false
	off = e.keep(off)
	theirs := e.keep(e.draft("b"))
	gone := e.queue(ghost, 3)
	foreign := e.foreign(theirs)
	class := e.fresh(ghost, 1)
	class[0].Class = "second"
	e.put(foreign, class[0])
	kept := append(e.queue(off, 1), e.queue(theirs, 1)...)
	held := e.take(e.base, ghost, 2)
	e.count("claim of two", 2, held)
	later := e.fresh(ghost, 1)
	later[0].Due = e.at(time.Hour)
	e.put(later...)
	now := e.at(2 * time.Second)
	e.settle(released(held[1], now))
	want := []string{gone[2], held[1].ID, foreign.ID, later[0].ID, class[0].ID}
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: now, Gone: true}), want...)
	for _, id := range want {
		e.wantState(foreign.Scope, id, webhook.StateFailed, webhook.CodeCancelled)
	}
	e.wantState(ghost.Scope, held[0].ID, webhook.StatePending, "")
	e.wantIDs("ended at the end of the lease", e.sweep(sw, webhook.Sweep{Now: e.at(lease), Gone: true}), held[0].ID)
	off.Active = true
	e.change(off)
	e.wantIDs("claim", e.claim(e.at(lease)), kept...)
}

func testSweepExpires(e *env, sw webhook.Sweeper) {
	w := e.hook()
	ds := e.fresh(w, 4)
	for i, end := range []time.Duration{time.Minute, time.Minute, 2 * time.Minute} { // the last delivery has no ExpiresAt
		ds[i].ExpiresAt = e.at(end)
	}
	e.put(ds[0])
	held := e.one("claim", e.claim(e.base))
	e.put(ds[1:]...)
	now := e.at(time.Minute)
	e.none("before the end", e.sweep(sw, webhook.Sweep{Now: now.Add(-time.Microsecond)}))
	e.wantIDs("at the end, which is that of a lease too", e.sweep(sw, webhook.Sweep{Now: now}), held.ID, ds[1].ID)
	e.wantState(w.Scope, ds[1].ID, webhook.StateFailed, webhook.CodeExpired)
	e.wantIDs("claim after Sweep", e.claim(now), ds[2].ID, ds[3].ID)
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
	held := e.one("claim of one", e.batch(webhook.Claim{Now: e.base, Until: e.at(10 * time.Minute), Lanes: asked(1, laneOf(w))}).Deliveries)
	now := e.at(2 * time.Minute)
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: now, QueuedBefore: e.at(time.Minute)}), old[1], oldInactive[0])
	e.wantIDs("claim after Sweep", e.claim(now), fresh[0].ID)
	for _, id := range []string{old[1], oldInactive[0]} {
		e.wantState(w.Scope, id, webhook.StateFailed, webhook.CodeExpired)
		if d, _, ok := e.stored(w.Scope, id); ok && !d.FinishedAt.Equal(now) {
			e.errorf("FinishedAt of an expired delivery is %v, want the time of the sweep %v", d.FinishedAt, now)
		}
	}
	e.wantState(w.Scope, held.ID, webhook.StatePending, "")
	e.wantKept(e.settle(delivered(held, now)))
}

func testSweepDueLater(e *env, sw webhook.Sweeper) {
	w := e.hook()
	e.queue(w, 3)
	ds := e.count("claim", 3, e.claim(e.base))
	young := e.freshAt(e.at(time.Minute), w, 1)
	e.put(young...)
	tried, later, unsent := ds[0], ds[1], ds[2]
	now := e.at(2 * time.Minute)
	e.settle(retried(tried, e.at(time.Second), e.at(90*time.Second)), retried(later, e.at(time.Second), e.at(time.Hour)), released(unsent, e.at(time.Hour)))
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: now, QueuedBefore: e.at(time.Minute)}), tried.ID, later.ID, unsent.ID)
	e.wantIDs("claim after Sweep", e.claim(e.at(2*time.Hour)), young[0].ID)
}

// testSweepAbandoned: a crashed host leaves leases behind. Perhaps no other host claims their lane, but
// their deliveries expire like all others.
func testSweepAbandoned(e *env, sw webhook.Sweeper) {
	w := e.hook()
	old := e.queue(w, 2)
	fresh := e.freshAt(e.at(time.Minute), w, 1)
	e.put(fresh...)
	now := e.at(3 * time.Minute)
	one := func(at, until time.Time) webhook.Delivery {
		return e.one("claim of one", e.batch(webhook.Claim{Now: at, Until: until, Lanes: asked(1, laneOf(w))}).Deliveries)
	}
	abandoned := one(e.base, now)
	alive := one(e.base, now.Add(time.Microsecond))
	young := one(e.at(time.Minute), now)
	e.want("claimed", e.listed(append(old, fresh[0].ID)), e.listed([]string{abandoned.ID, alive.ID, young.ID}))
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: now, QueuedBefore: e.at(time.Minute)}), abandoned.ID)
	e.wantState(w.Scope, alive.ID, webhook.StatePending, "")
	e.wantState(w.Scope, young.ID, webhook.StatePending, "")
	if d, _, ok := e.stored(w.Scope, abandoned.ID); ok {
		e.want("state, code, held, interrupted, finished, due", []any{webhook.StateFailed, webhook.CodeExpired, false, 1, now, now},
			[]any{d.State, d.LastCode, d.Held, d.Interrupted, d.FinishedAt, d.Due})
	}
	e.settle(delivered(abandoned, now)) // the lease's owner settles too late
	e.wantState(w.Scope, abandoned.ID, webhook.StateFailed, webhook.CodeExpired)
	e.wantKept(e.settle(delivered(alive, now)))
	e.wantIDs("claim after Sweep", e.claim(now), young.ID)
}

func testSweepLimit(e *env, sw webhook.Sweeper) {
	ghost, w := e.draft("a"), e.hook()
	orphans := e.freshAt(e.at(time.Minute), ghost, 5)
	e.put(orphans...)
	want := append(ids(orphans), e.queue(w, 6)...)
	kept := e.freshAt(e.at(time.Minute), w, 4)
	e.put(kept...)
	now := e.at(2 * time.Minute)
	s := webhook.Sweep{Now: now, Gone: true, QueuedBefore: e.at(time.Second)}
	e.wantIDs("ended, two at a time", e.sweepIn(sw, s, 2), want...)
	e.wantIDs("ended by another sweep", e.sweepIn(sw, s, 2))
	e.wantIDs("claim", e.claim(now), ids(kept)...)
}

func testSweepEnded(e *env, sw webhook.Sweeper) {
	w := e.hook()
	d := e.fresh(w, 1)[0]
	d.Vars, d.Class = map[string]string{"k": "v"}, "second"
	e.put(d)
	e.settle(retried(e.one("claim", e.claim(e.base)), e.at(time.Second), e.at(2*time.Second)))
	now := e.at(time.Minute)
	got := e.one("ended", e.sweep(sw, webhook.Sweep{Now: now, QueuedBefore: now}))
	e.want("ID, event, webhook, scope, type, class, state, code, tries, attempts, created, finished, due, held, body",
		[]any{d.ID, d.EventID, d.WebhookID, d.Scope, d.Type, d.Class, webhook.StateFailed, webhook.CodeExpired, 1, 1, d.CreatedAt, now, now, false, 0},
		[]any{got.ID, got.EventID, got.WebhookID, got.Scope, got.Type, got.Class, got.State, got.LastCode, got.Tries, got.Attempts, got.CreatedAt, got.FinishedAt, got.Due, got.Held, len(got.Body)})
}

func testSweepRetry(e *env, sw webhook.Sweeper) {
	a, b := e.hook(), e.hook()
	e.queue(a, 2)
	e.queue(b, 1)
	ds := e.count("claim", 3, e.claim(e.base))
	far, soon, first := ds[0], ds[1], ds[2]
	soonDue, latest := e.at(10*time.Minute), e.at(time.Hour)
	e.settle(retried(far, e.at(time.Second), e.at(6*time.Hour)), retried(soon, e.at(time.Second), soonDue), released(first, e.at(6*time.Hour)))
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: e.at(4 * time.Second), LatestRetry: latest}))
	e.none("claim before the retry that is in order", e.claim(soonDue.Add(-time.Microsecond)))
	e.settle(delivered(e.one("claim of the retry that is in order", e.claim(soonDue)), soonDue))
	e.none("claim before LatestRetry", e.claim(latest.Add(-time.Microsecond)))
	e.wantLanes("Due at LatestRetry", e.walk(webhook.DueQuery{Now: latest}).Lanes, laneOf(a))
	e.settle(delivered(e.one("claim at LatestRetry", e.claim(latest)), latest))
	e.wantIDs("claim of the one that was never tried", e.claim(e.at(6*time.Hour)), first.ID)
}

func testSweepLease(e *env, sw webhook.Sweeper) {
	a, ahead := e.hook(), e.hook()
	e.queue(a, 2)
	long := e.one("claim", e.batch(webhook.Claim{Now: e.base, Until: e.at(5 * time.Hour), Lanes: asked(1, laneOf(a))}).Deliveries)
	short := e.one("claim", e.take(e.base, a, 1))
	fast := e.freshAt(e.at(2*time.Hour), ahead, 1)
	handed := e.freshAt(e.at(2*time.Hour), ahead, 1)
	handed[0].Held, handed[0].Lease, handed[0].Due = true, e.number(), e.at(3*time.Hour)
	within := e.freshAt(e.at(30*time.Second), ahead, 1)
	planned := e.fresh(ahead, 1)
	planned[0].Due = e.at(7 * time.Hour)
	e.put(fast[0], handed[0], within[0], planned[0])
	now, latest := e.at(4*time.Second), e.at(2*lease)
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: now, LatestLease: latest}))
	e.wantIDs("claim after Sweep: delivery stored by a clock ahead", e.claim(now), fast[0].ID)
	e.wantIDs("claim of the one within LatestLease", e.claim(e.at(30*time.Second)), within[0].ID)
	e.wantIDs("claim at the end of the lease that is in order", e.take(e.at(lease), a, 5), short.ID)
	got := e.claim(latest.Add(-time.Microsecond))
	for _, d := range got {
		if d.ID == long.ID || d.ID == handed[0].ID {
			e.errorf("a lease ended before LatestLease")
		}
	}
	got = e.claim(latest)
	e.wantIDs("claim at LatestLease", slices.DeleteFunc(got, func(d webhook.Delivery) bool { return d.ID == short.ID || d.ID == fast[0].ID || d.ID == within[0].ID }),
		long.ID, handed[0].ID)
	e.settle(delivered(long, latest))
	if !slices.ContainsFunc(e.claim(planned[0].Due), func(d webhook.Delivery) bool { return d.ID == planned[0].ID }) {
		e.errorf("a delivery with a later Due is not claimed at its Due")
	}
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
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: e.at(2 * time.Second), LatestRetry: e.at(time.Hour), LatestLease: e.at(time.Minute), Gone: true}))
	e.none("claim at LatestRetry", e.claim(e.at(time.Hour)))
	e.wantIDs("claim when it is due", e.claim(due), d.ID)
}

func testSweepZero(e *env, sw webhook.Sweeper) {
	w, ghost := e.hook(), e.draft("a")
	ds := e.fresh(w, 2)
	ds[0].QueuedAt, ds[0].CreatedAt = e.at(-time.Hour), e.at(-time.Hour)
	ds[1].Due = e.at(20 * time.Hour)
	e.put(ds...)
	orphan := e.queue(ghost, 1)
	e.wantIDs("ended", e.sweep(sw, webhook.Sweep{Now: e.base}))
	e.wantIDs("claim after Sweep", e.claim(e.base), ds[0].ID, orphan[0])
	e.wantIDs("claim when the other is due", e.claim(ds[1].Due), ds[0].ID, ds[1].ID, orphan[0])
}

func clockCases() []testCase {
	return []testCase{
		{"clock/reading", "a Reading encloses the database's time between two readings of this process's clock", testClock},
	}
}

func testClock(e *env) {
	c := e.store.(webhook.Clock)
	var last time.Time
	for i := range 5 {
		before := time.Now()
		r, err := c.Now(e.ctx)
		after := time.Now()
		e.ok(err, "Now")
		if r.Before.Before(before) || r.After.Before(r.Before) || after.Before(r.After) {
			e.errorf("Before and After are %v and %v after the start of a call that took %v", r.Before.Sub(before), r.After.Sub(before), after.Sub(before))
		}
		if r.Before.Round(0) == r.Before || r.After.Round(0) == r.After {
			e.errorf("Before or After has no monotonic part")
		}
		if r.Store.Before(last) || r.Store.IsZero() {
			e.errorf("reading %d of the database's time is %v, which is before the previous one, %v", i+1, r.Store, last)
		}
		last = r.Store
	}
}

func binderCases() []testCase {
	return []testCase{
		{"binder/one-profile", "a Store serves the Profile that was bound first and answers ErrProfile for another", testBind},
	}
}

// testBind also accepts an error of the first use, because a database may check the profile only then.
func testBind(e *env) {
	b := e.store.(webhook.Binder)
	first, second := "st-"+e.id[:8]+"-first", "st-"+e.id[:8]+"-second"
	e.ok(b.Bind(first), "Bind")
	w := e.hook()
	e.take(e.base, w, 1)
	e.ok(b.Bind(first), "Bind of the same profile")
	err := b.Bind(second)
	if err == nil {
		_, err = e.store.Due(e.ctx, webhook.DueQuery{Now: e.base, Limit: 1})
	}
	if !errors.Is(err, webhook.ErrProfile) {
		e.errorf("Bind of a second profile and a query: error %v, want ErrProfile", err)
	}
}
