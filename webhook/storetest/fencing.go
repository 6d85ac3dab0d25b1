package storetest

import (
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

func fencingCases() []testCase {
	return []testCase{
		{"fencing/lost-lease", "a settlement of an older lease is reported as lost and changes nothing", testLostLease},
		{"fencing/late", "the latest lease settles also after its end, until there is a later lease", testLateButLatest},
		{"fencing/unknown", "an unknown ID, or an unused lease number, is reported as lost", testUnknownLease},
		{"fencing/success-above", "a success with a lease above the delivery's does not end the delivery", testSuccessAbove},
		{"fencing/settled-lease-is-over", "a lease that was settled cannot be settled again", testSettledLeaseIsOver},
		{"fencing/repeat", "a settlement that repeats a stored one changes nothing and is not lost", testRepeat},
		{"fencing/stale-success", "a lost lease that delivered still ends a pending delivery as delivered", testStaleSuccess},
		{"fencing/stale-attempt-is-kept", "the Result of a lost lease is kept in the history", testStaleAttempt},
		{"fencing/after-the-end", "a settlement of an ended delivery changes only the history", testAfterTheEnd},
	}
}

// reclaimed claims a delivery, lets the lease expire and claims the delivery again.
func (e *env) reclaimed() (first, second webhook.Delivery) {
	first = e.claimOne()
	return first, e.one("claim at the end of the lease", e.claim(e.at(lease)))
}

func testLostLease(e *env) {
	first, second := e.reclaimed()
	now := e.at(lease + time.Second)
	for i, x := range []webhook.Settlement{failed(first, now), retried(first, now, now), released(first, now)} {
		if lost := e.settle(x); !slices.Equal(lost, []string{first.ID}) {
			e.errorf("settlement %d of an older lease: lost %v, want the delivery", i+1, lost)
		}
		e.none("claim while the new lease lasts", e.claim(now))
	}
	if h, _, ok := e.stored(first.Scope, first.ID); ok {
		e.want("state, held, lease, tries, code, due", []any{webhook.StatePending, true, second.Lease, 0, webhook.Code(""), e.at(2 * lease)},
			[]any{h.State, h.Held, h.Lease, h.Tries, h.LastCode, h.Due})
	}
	e.wantKept(e.settle(retried(second, now, now)))
	if d := e.one("claim after the new lease was settled", e.claim(now)); d.Tries != 1 {
		e.errorf("Tries is %d, want 1: an attempt of a lost lease does not count", d.Tries)
	}
}

// testLateButLatest simulates a process that could not reach the database until its leases ended.
func testLateButLatest(e *env) {
	w := e.hook()
	e.queue(w, 3)
	ds := e.count("claim", 3, e.claim(e.base))
	now := e.at(time.Hour)
	e.wantKept(e.settle(delivered(ds[0], now), retried(ds[1], now, now.Add(time.Minute)), released(ds[2], now)))
	got := e.one("claim of the one that was given back", e.claim(now))
	e.want("delivery, interrupted", []any{ds[2].ID, 0}, []any{got.ID, got.Interrupted})
	retry := e.batch(webhook.Claim{Now: now.Add(time.Minute - time.Microsecond), Until: now.Add(time.Hour)})
	e.none("claim before the retry", retry.Deliveries)
	e.settle(delivered(got, now))
	got = e.one("claim of the one that is tried again", e.claim(now.Add(time.Minute)))
	e.want("delivery, tries, interrupted", []any{ds[1].ID, 1, 0}, []any{got.ID, got.Tries, got.Interrupted})
	e.wantState(w.Scope, ds[0].ID, webhook.StateDelivered, webhook.CodeOK)
}

func testUnknownLease(e *env) {
	d := e.claimOne()
	unknown, above, none := failed(d, e.base), settlement(d, webhook.StateFailed, e.base), settlement(d, webhook.StateFailed, e.base)
	unknown.ID, above.Lease, none.Lease = e.unknownID(), d.Lease+1, 0
	for _, x := range []webhook.Settlement{unknown, above, none} {
		if lost := e.settle(x); !slices.Equal(lost, []string{x.ID}) {
			e.errorf("settlement of an unused lease number: lost %v, want %v", lost, x.ID)
		}
	}
	e.wantKept(e.settle(delivered(d, e.at(time.Second))))
}

func testSuccessAbove(e *env) {
	d := e.claimOne()
	free := e.fresh(e.hook(), 1)[0]
	e.put(free)
	for i, x := range []webhook.Settlement{delivered(d, e.base), settlement(d, webhook.StateDelivered, e.base), delivered(free, e.base)} {
		if x.Lease++; x.ID == free.ID {
			e.settle(released(e.one("claim", e.claim(e.at(time.Second))), e.at(time.Hour)))
			x.Lease = e.number()
		}
		if lost := e.settle(x); !slices.Equal(lost, []string{x.ID}) {
			e.errorf("success %d from a lease above the delivery's: lost %v, want the delivery", i+1, lost)
		}
		e.wantState(d.Scope, x.ID, webhook.StatePending, "")
	}
	e.wantIDs("claim later", e.claim(e.at(time.Hour)), d.ID, free.ID)
}

func testSettledLeaseIsOver(e *env) {
	d := e.claimOne()
	x := retried(d, e.at(time.Second), e.at(10*time.Second))
	e.wantKept(e.settle(x))
	e.settle(failed(d, e.at(2*time.Second)))
	e.settle(retried(d, e.at(2*time.Second), e.at(time.Hour)))
	again := e.one("claim at Due of the first settlement", e.claim(e.at(10*time.Second)))
	if again.Tries != 1 {
		e.errorf("Tries is %d, want 1: a lease counts once", again.Tries)
	}
}

// testRepeat repeats settlements, as a Dispatcher does after a lost answer of Settle.
func testRepeat(e *env) {
	w := e.hook()
	e.queue(w, 5)
	ds := e.count("claim", 5, e.claim(e.base))
	now, due := e.at(time.Second), e.at(10*time.Second)
	ss := []webhook.Settlement{delivered(ds[0], now), failed(ds[1], now), retried(ds[2], now, due), released(ds[3], due),
		settlement(ds[4], webhook.StateDelivered, now)}
	e.wantKept(e.settle(ss...))
	for range 2 {
		e.wantKept(e.settle(ss...))
	}
	for i, want := range []webhook.State{webhook.StateDelivered, webhook.StateFailed, webhook.StatePending, webhook.StatePending, webhook.StateDelivered} {
		if h, as, ok := e.stored(w.Scope, ds[i].ID); ok {
			tries := []int{1, 1, 1, 0, 0}[i]
			e.want("state, tries, attempts after the third time", []any{want, tries, tries}, []any{h.State, h.Tries, len(as)})
		}
	}
	again := e.claim(due)
	e.wantIDs("claim", again, ds[2].ID, ds[3].ID)
	for _, d := range again {
		if want := map[string]int{ds[2].ID: 1, ds[3].ID: 0}[d.ID]; d.Tries != want {
			e.errorf("claimed again with %d tries, want %d", d.Tries, want)
		}
	}
	if lost := e.settle(ss[2]); !slices.Equal(lost, []string{ds[2].ID}) {
		e.errorf("a repeated settlement, when a later lease exists: lost %v, want the delivery", lost)
	}
}

func testStaleSuccess(e *env) {
	first, second := e.reclaimed()
	other, released2 := e.reclaimedReleased()
	now := e.at(2*lease + 2*time.Second)
	e.settle(delivered(first, now), delivered(other, now))
	e.none("claim after the receiver has it", e.claim(e.at(time.Hour)))
	e.wantState(first.Scope, first.ID, webhook.StateDelivered, webhook.CodeOK)
	if h, _, ok := e.stored(first.Scope, first.ID); ok {
		e.want("tries and attempts with the Result of a late success", []int{1, 1}, []int{h.Tries, h.Attempts})
	}
	e.wantState(released2.Scope, released2.ID, webhook.StateDelivered, webhook.CodeOK)
	e.settle(retried(second, now, now))
	e.none("claim after the newer lease was settled", e.claim(e.at(2*time.Hour)))
	e.wantState(first.Scope, first.ID, webhook.StateDelivered, webhook.CodeOK)
}

// reclaimedReleased is reclaimed, and the second lease is released with a much later Due.
func (e *env) reclaimedReleased() (first, second webhook.Delivery) {
	start := e.at(lease + time.Second)
	first = *e.claimOneAt(start)
	for _, d := range e.claim(start.Add(lease)) {
		if d.ID == first.ID {
			e.settle(released(d, e.at(30*time.Minute)))
			return first, d
		}
	}
	e.fatalf("a lease that ran out was not claimed again")
	return first, second
}

func testStaleAttempt(e *env) {
	first, second := e.reclaimed()
	now := e.at(lease + 2*time.Second)
	e.settle(failed(first, now))
	e.settle(delivered(second, now.Add(time.Second)))
	if h, as, ok := e.stored(first.Scope, first.ID); ok {
		if len(as) != 2 {
			e.errorf("the history has %d attempts, want 2: the lost lease's and the latest one's", len(as))
		}
		e.want("state, tries", []any{webhook.StateDelivered, 1}, []any{h.State, h.Tries})
	}
}

func testAfterTheEnd(e *env) {
	first, second := e.reclaimed()
	now := e.at(lease + time.Second)
	e.settle(delivered(second, now))
	for _, x := range []webhook.Settlement{
		failed(first, now.Add(time.Second)), failed(second, now.Add(2*time.Second)), retried(second, now, now), released(second, now),
		delivered(first, now.Add(time.Hour)),
	} {
		e.settle(x)
	}
	e.none("claim later", e.claim(e.at(time.Hour)))
	if h, as, ok := e.stored(first.Scope, first.ID); ok {
		e.want("state, code, finished, tries", []any{webhook.StateDelivered, webhook.CodeOK, now, 1},
			[]any{h.State, h.LastCode, h.FinishedAt, h.Tries})
		if len(as) != 2 {
			e.errorf("the history has %d attempts, want 2: one of each lease", len(as))
		}
	}
}
