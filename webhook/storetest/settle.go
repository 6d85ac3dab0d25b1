package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

func settleCases() []testCase {
	return []testCase{
		{"settle/nothing", "a Settle of nothing succeeds", testSettleNothing},
		{"settle/delivered", "a delivered delivery has ended: it is never claimed again, and its Due is the time of its end", testDelivered},
		{"settle/failed", "a failed delivery has ended with its code, its Due is the time of its end, and Exhausted is that of the settlement", testFailed},
		{"settle/retry", "a delivery that is settled as pending is due at Due, not held, and not before", testRetry},
		{"settle/tries", "only a settlement with a Result counts as a try and as an attempt", testTries},
		{"settle/first-failure", "FirstFailure is the end of the first Result that does not deliver, and stays", testFirstFailure},
		{"settle/last-code", "Code becomes LastCode unless it is empty and the delivery stays pending", testLastCode},
		{"settle/due-from-result", "without Due, the end of the Result is Due", testDueFromResult},
		{"settle/attempts", "the history keeps each Result unchanged, oldest first", testAttempts},
		{"settle/mixture", "the settlements of a call are independent", testMixture},
		{"settle/success-without-attempt", "a success without a Result ends the delivery as delivered and counts no try", testBareSuccess},
		{"settle/several-scopes", "one call settles deliveries of several scopes", testSettleScopes},
	}
}

func testSettleNothing(e *env) {
	if lost := e.settle(); len(lost) != 0 {
		e.errorf("lost = %v, want none", lost)
	}
}

// claimOne queues a delivery of a new webhook and claims it.
func (e *env) claimOne() webhook.Delivery {
	e.queue(e.hook(), 1)
	return e.one("claim", e.claim(e.base))
}

// wantKept reports settlements that were lost without a reason.
func (e *env) wantKept(lost []string) {
	if len(lost) != 0 {
		e.errorf("a settlement of the latest lease was reported as lost")
	}
}

func testDelivered(e *env) {
	d := e.claimOne()
	e.wantKept(e.settle(delivered(d, e.at(time.Second))))
	e.none("claim an hour later", e.claim(e.at(time.Hour)))
	if h, _, ok := e.stored(d.Scope, d.ID); ok {
		e.want("state, tries, attempts, held, finished, due", []any{webhook.StateDelivered, 1, 1, false, e.at(time.Second), e.at(time.Second)},
			[]any{h.State, h.Tries, h.Attempts, h.Held, h.FinishedAt, h.Due})
	}
}

func testFailed(e *env) {
	spent, ended := e.claimOne(), e.claimOne()
	x := failed(spent, e.at(time.Second))
	x.Exhausted = true
	y := settlement(ended, webhook.StateFailed, e.at(2*time.Second))
	y.Code = webhook.CodeInterrupted
	e.wantKept(e.settle(x, y))
	e.none("claim an hour later", e.claim(e.at(time.Hour)))
	if h, _, ok := e.stored(spent.Scope, spent.ID); ok {
		e.want("state, code, exhausted, tries, finished, due", []any{webhook.StateFailed, webhook.CodeStatus, true, 1, e.at(time.Second), e.at(time.Second)},
			[]any{h.State, h.LastCode, h.Exhausted, h.Tries, h.FinishedAt, h.Due})
		h, as, _ := e.stored(ended.Scope, ended.ID)
		e.want("state, code, exhausted, tries, finished, due, attempts of one that ended without an attempt",
			[]any{webhook.StateFailed, webhook.CodeInterrupted, false, 0, e.at(2 * time.Second), e.at(2 * time.Second), 0},
			[]any{h.State, h.LastCode, h.Exhausted, h.Tries, h.FinishedAt, h.Due, len(as)})
	}
}

func testRetry(e *env) {
	d := e.claimOne()
	due := e.at(10 * time.Minute)
	e.wantKept(e.settle(retried(d, e.at(time.Second), due)))
	if h, _, ok := e.stored(d.Scope, d.ID); ok {
		e.want("state, held, due", []any{webhook.StatePending, false, due}, []any{h.State, h.Held, h.Due})
	}
	e.none("claim at the end of the old lease", e.claim(e.at(lease)))
	e.none("claim a microsecond before Due", e.claim(due.Add(-time.Microsecond)))
	again := e.one("claim at Due", e.claim(due))
	e.want("tries, interrupted, lease is larger, due", []any{1, 0, true, due}, []any{again.Tries, again.Interrupted, again.Lease > d.Lease, again.Due})
}

func testTries(e *env) {
	d := e.claimOne()
	for i, counted := range []bool{true, false, true, true, false} {
		now := e.at(time.Duration(i+1) * time.Second)
		if counted {
			e.settle(retried(d, now, now))
		} else {
			e.settle(released(d, now))
		}
		d = e.one("claim", e.claim(now))
	}
	if d.Tries != 3 || d.Attempts != 3 {
		e.errorf("after three attempts and two releases Tries is %d and Attempts %d, want 3", d.Tries, d.Attempts)
	}
}

func testFirstFailure(e *env) {
	d := e.claimOne()
	e.settle(released(d, e.at(time.Second)))
	d = e.one("claim", e.claim(e.at(time.Second)))
	if !d.FirstFailure.IsZero() {
		e.errorf("FirstFailure is %v before any attempt", d.FirstFailure)
	}
	first := e.at(3*time.Second + 7*time.Microsecond)
	e.settle(retried(d, first, e.at(5*time.Second)))
	for _, second := range []int{5, 7} {
		now := e.at(time.Duration(second) * time.Second)
		d = e.one("claim", e.claim(now))
		if !d.FirstFailure.Equal(first) {
			e.errorf("FirstFailure is %v, want the end of the first failed attempt %v", d.FirstFailure, first)
		}
		e.settle(retried(d, now.Add(time.Second), now.Add(2*time.Second)))
	}
	if ok := e.claimOneAt(e.at(10 * time.Second)); ok != nil {
		e.settle(delivered(*ok, e.at(11*time.Second)))
		if h, _, has := e.stored(ok.Scope, ok.ID); has && !h.FirstFailure.IsZero() {
			e.errorf("FirstFailure is %v after a first attempt that delivered, want zero", h.FirstFailure)
		}
	}
}

// claimOneAt queues a delivery at a time, claims it and returns it.
func (e *env) claimOneAt(now time.Time) *webhook.Delivery {
	ds := e.freshAt(now, e.hook(), 1)
	e.put(ds...)
	for _, d := range e.claim(now) {
		if d.ID == ds[0].ID {
			return &d
		}
	}
	e.fatalf("a delivery that is due was not claimed")
	return nil
}

func testLastCode(e *env) {
	d := e.claimOne()
	e.settle(retried(d, e.at(time.Second), e.at(time.Second)))
	for i, want := range []webhook.Code{webhook.CodeStatus, webhook.CodeStatus, webhook.CodeTimeout} {
		now := e.at(time.Duration(i+1) * time.Second)
		d = e.one("claim", e.claim(now))
		if d.LastCode != want {
			e.errorf("LastCode at claim %d is %q, want %q", i+2, d.LastCode, want)
		}
		x := released(d, now.Add(time.Second)) // a release does not change the code
		if i == 1 {
			x = retried(d, now, now.Add(time.Second))
			x.Code = webhook.CodeTimeout
		}
		if i == 2 {
			x = delivered(d, now)
		}
		e.settle(x)
	}
	e.wantState(d.Scope, d.ID, webhook.StateDelivered, webhook.CodeOK)
}

func testDueFromResult(e *env) {
	again, done := e.claimOne(), e.claimOne()
	end := e.at(9 * time.Second)
	x, y := retried(again, end, time.Time{}), delivered(done, end)
	y.Due = time.Time{}
	e.wantKept(e.settle(x, y))
	e.none("claim before the end of the Result", e.claim(end.Add(-time.Microsecond)))
	e.wantIDs("claim at the end of the Result", e.claim(end), again.ID)
	if h, _, ok := e.stored(done.Scope, done.ID); ok && !h.FinishedAt.Equal(end) {
		e.errorf("FinishedAt is %v, want the end of the Result %v", h.FinishedAt, end)
	}
}

func testAttempts(e *env) {
	if _, ok := e.store.(webhook.History); !ok {
		return
	}
	d := e.claimOne()
	id, scope := d.ID, d.Scope
	want := []webhook.Attempt{
		{Number: 1, Code: webhook.CodeConnect, Start: e.at(time.Second), Duration: 1234567 * time.Microsecond},
		{Number: 2, Status: 429, Code: webhook.CodeStatus, Start: e.at(5 * time.Second), Duration: 0, RetryAfter: 90 * time.Second, Snippet: "slow down " + odd,
			Header: []webhook.HeaderField{{Name: "Retry-After", Value: "90"}, {Name: "Server", Value: `nginx "<&>\ é`}}},
		{Number: 3, Code: webhook.CodeTLSVerify, Detail: webhook.DetailExpired, Start: e.at(7 * time.Second), Duration: time.Second},
		{Number: 4, Status: 204, Start: e.at(9 * time.Second), Duration: time.Microsecond},
	}
	for i, a := range want {
		now := a.End()
		x := settlement(d, webhook.StatePending, now)
		x.Code, x.Result = a.Code, &a
		if i == len(want)-1 {
			x.State = webhook.StateDelivered
			e.settle(x)
			break
		}
		e.settle(x)
		d = e.one("claim", e.claim(now))
	}
	_, got, _ := e.stored(scope, id)
	e.want("attempts", want, got)
}

func testMixture(e *env) {
	w := e.hook()
	e.queue(w, 6)
	ds := e.count("claim", 6, e.claim(e.base))
	now := e.at(time.Second)
	stale := released(ds[4], now)
	stale.Lease--
	unknown := settlement(ds[0], webhook.StateDelivered, now)
	unknown.ID = e.unknownID()
	lost := e.settle(
		delivered(ds[0], now),
		unknown,
		failed(ds[1], now),
		stale,
		retried(ds[2], now, e.at(10*time.Second)),
		released(ds[3], e.at(5*time.Second)),
	)
	e.want("lost", e.listed(sorted([]string{unknown.ID, ds[4].ID})), e.listed(sorted(lost)))
	e.wantIDs("claim after 5 s", e.claim(e.at(5*time.Second)), ds[3].ID)
	e.wantIDs("claim after 10 s", e.claim(e.at(10*time.Second)), ds[2].ID)
	e.wantIDs("claim at the end of the lease", e.claim(e.at(lease)), ds[4].ID, ds[5].ID)
	e.wantState(w.Scope, ds[0].ID, webhook.StateDelivered, webhook.CodeOK)
	e.wantState(w.Scope, ds[1].ID, webhook.StateFailed, webhook.CodeStatus)
}

func testBareSuccess(e *env) {
	d := e.claimOne()
	e.wantKept(e.settle(settlement(d, webhook.StateDelivered, e.at(time.Second))))
	e.none("claim an hour later", e.claim(e.at(time.Hour)))
	if h, as, ok := e.stored(d.Scope, d.ID); ok {
		e.want("state, tries, finished, attempts", []any{webhook.StateDelivered, 0, e.at(time.Second), 0}, []any{h.State, h.Tries, h.FinishedAt, len(as)})
	}
}

func testSettleScopes(e *env) {
	a, b := e.keep(e.draft("a")), e.keep(e.draft("b"))
	e.queue(a, 2)
	e.queue(b, 1)
	ds := e.count("claim", 3, e.claim(e.base))
	now := e.at(time.Second)
	foreign := delivered(ds[1], now)
	foreign.Scope = b.Scope
	lost := e.settle(delivered(ds[0], now), foreign, delivered(ds[2], now))
	e.want("lost, of which one names another scope", e.listed([]string{ds[1].ID}), e.listed(lost))
	e.wantIDs("claim at the end of the lease", e.claim(e.at(lease)), ds[1].ID)
}
