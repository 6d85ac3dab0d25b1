package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

func testRequeue(e *env, h webhook.History) {
	w := e.hook()
	d := e.fresh(w, 1)[0]
	d.ExpiresAt = e.at(72 * time.Hour)
	e.put(d)
	e.claim(e.base) // this lease is never settled
	now := e.at(lease)
	x := failed(e.one("claim", e.claim(now)), now)
	x.Exhausted = true
	e.settle(x)
	due := e.at(10 * time.Minute)
	e.ok(h.Requeue(e.ctx, w.Scope, d.ID, due), "Requeue of one that failed")
	got, as, err := h.Delivery(e.ctx, w.Scope, d.ID)
	e.ok(err, "Delivery")
	e.want("lease, state, tries, attempts, interrupted, code, exhausted, first failure, finished, expires, due, queued, created, attempts on record",
		[]any{x.Lease, webhook.StatePending, 0, 1, 0, webhook.Code(""), false, time.Time{}, time.Time{}, time.Time{}, due, due, d.CreatedAt, 1},
		[]any{got.Lease, got.State, got.Tries, got.Attempts, got.Interrupted, got.LastCode, got.Exhausted, got.FirstFailure, got.FinishedAt, got.ExpiresAt, got.Due, got.QueuedAt, got.CreatedAt, len(as)})
	e.none("claim before it is due", e.claim(due.Add(-time.Microsecond)))
	again := e.one("claim when it is due", e.claim(due))
	e.want("identifier, body, tries, attempts, lease is larger", []any{d.EventID, string(d.Body), 0, 1, true},
		[]any{again.EventID, string(again.Body), again.Tries, again.Attempts, again.Lease > x.Lease})
	e.settle(delivered(again, due.Add(time.Second)))
	e.ok(h.Requeue(e.ctx, w.Scope, d.ID, due.Add(time.Minute)), "Requeue of one that was delivered")
	twice := e.one("claim of one that was delivered before", e.claim(due.Add(time.Minute)))
	e.want("tries, attempts", []any{0, 2}, []any{twice.Tries, twice.Attempts})
	waiting := e.freshAt(due, w, 1)
	waiting[0].Due = due.Add(time.Hour)
	e.put(waiting...)
	e.ok(h.Requeue(e.ctx, w.Scope, waiting[0].ID, due.Add(90*time.Second)), "Requeue of one that waits")
	e.wantIDs("claim of one that waited", e.claim(due.Add(90*time.Second)), waiting[0].ID)
}

func testRequeueRefused(e *env, h webhook.History) {
	w := e.hook()
	id := e.queue(w, 1)[0]
	e.wantErr("Requeue of an unknown ID", h.Requeue(e.ctx, w.Scope, e.unknownID(), e.base), webhook.ErrNotFound)
	e.wantErr("Requeue in another scope", h.Requeue(e.ctx, e.scope("b"), id, e.base), webhook.ErrNotFound)
	d := e.one("claim", e.claim(e.base))
	e.wantErr("Requeue while leased", h.Requeue(e.ctx, w.Scope, id, e.at(time.Second)), webhook.ErrHeld)
	e.none("claim while leased", e.claim(e.at(time.Second)))
	e.settle(delivered(d, e.at(time.Second)))
	if reg, ok := e.store.(webhook.Registry); ok {
		e.ok(reg.Delete(e.ctx, w.Scope, w.ID), "Delete")
		e.wantErr("Requeue when the webhook is gone", h.Requeue(e.ctx, w.Scope, id, e.at(time.Minute)), webhook.ErrNotFound)
		e.wantState(w.Scope, id, webhook.StateDelivered, webhook.CodeOK)
	}
}

func testRequeueOldLease(e *env, h webhook.History) {
	d := e.claimOne()
	e.settle(failed(d, e.at(time.Second)))
	due := e.at(5 * time.Second)
	e.ok(h.Requeue(e.ctx, d.Scope, d.ID, due), "Requeue")
	e.settle(failed(d, e.at(6*time.Second)))
	e.settle(retried(d, e.at(6*time.Second), e.at(time.Hour)))
	again := e.one("claim of the requeued delivery", e.claim(due))
	if again.Tries != 0 {
		e.errorf("Tries is %d, want 0: the lease is from before the Requeue", again.Tries)
	}
	unsent := settlement(again, webhook.StateFailed, e.at(7*time.Second)) // no Result tells that it was stored before
	unsent.Code = webhook.CodeExpired
	e.settle(unsent)
	due = e.at(10 * time.Second)
	e.ok(h.Requeue(e.ctx, d.Scope, d.ID, due), "Requeue of one that ended without a request")
	e.settle(unsent)
	e.settle(settlement(again, webhook.StateDelivered, e.at(7*time.Second)))
	e.one("claim after settlements without a Result, whose lease was over", e.claim(due))
}

// wantCancelled checks what Cancel returned.
func (e *env) wantCancelled(what string, got webhook.Delivery, ended bool, err error, wantEnded bool, id string, state webhook.State, code webhook.Code, finished time.Time) {
	e.ok(err, what)
	e.want(what+": ended, ID, state, code, finished, held, body", []any{wantEnded, id, state, code, finished, false, 0},
		[]any{ended, got.ID, got.State, got.LastCode, got.FinishedAt, got.Held, len(got.Body)})
}

func testCancel(e *env, h webhook.History) {
	w := e.hook()
	all := e.queue(w, 3)
	now := e.at(3 * time.Second)
	d, ended, err := h.Cancel(e.ctx, w.Scope, all[0], now)
	e.wantCancelled("Cancel", d, ended, err, true, all[0], webhook.StateFailed, webhook.CodeCancelled, now)
	if d, _, ok := e.stored(w.Scope, all[0]); ok {
		e.want("state, code, finished in the history", []any{webhook.StateFailed, webhook.CodeCancelled, now}, []any{d.State, d.LastCode, d.FinishedAt})
	}
	got := e.claim(e.base)
	e.wantIDs("claim", got, all[1], all[2])
	for _, d := range got {
		e.wantKept(e.settle(delivered(d, e.at(time.Second))))
	}
	d, ended, err = h.Cancel(e.ctx, w.Scope, all[1], now)
	e.wantCancelled("Cancel of one that has ended", d, ended, err, false, all[1], webhook.StateDelivered, "", e.at(time.Second))
	d, ended, err = h.Cancel(e.ctx, w.Scope, all[0], now.Add(time.Second))
	e.wantCancelled("a second Cancel", d, ended, err, false, all[0], webhook.StateFailed, webhook.CodeCancelled, now)
	e.wantState(w.Scope, all[1], webhook.StateDelivered, webhook.CodeOK)
	_, _, err = h.Cancel(e.ctx, w.Scope, e.unknownID(), now)
	e.wantErr("Cancel of an unknown ID", err, webhook.ErrNotFound)
	_, _, err = h.Cancel(e.ctx, e.scope("b"), all[2], now)
	e.wantErr("Cancel in another scope", err, webhook.ErrNotFound)
}

// testCancelHeld: a crashed process must not prevent Cancel for longer than its lease.
func testCancelHeld(e *env, h webhook.History) {
	d := e.claimOne()
	_, _, err := h.Cancel(e.ctx, d.Scope, d.ID, e.at(lease-time.Microsecond))
	e.wantErr("Cancel while the lease lasts", err, webhook.ErrHeld)
	now := e.at(lease)
	got, ended, err := h.Cancel(e.ctx, d.Scope, d.ID, now)
	e.wantCancelled("Cancel at the end of the lease", got, ended, err, true, d.ID, webhook.StateFailed, webhook.CodeCancelled, now)
	e.want("interrupted, by the lease that has ended", 1, got.Interrupted)
	e.none("claim later", e.claim(e.at(time.Hour)))
}
