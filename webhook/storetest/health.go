package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func healthCases() []testCase {
	return []testCase{
		{"health/compare-and-set", "SetHealth replaces a record that equals old, and answers ErrConflict for any other", onHealth(testHealthCAS)},
		{"health/concurrent", "of concurrent changes of one record exactly one succeeds", onHealth(testHealthConcurrent)},
		{"health/ok-removes", "a record that is OK is removed, and a missing record equals the zero Health", onHealth(testHealthOK)},
		{"health/selection", "Health returns the records of a webhook, of a scope, or of all, without those that are OK", onHealth(testHealthSelection)},
		{"health/gone", "a deleted webhook, or one of another scope, is ErrNotFound", onHealth(testHealthGone)},
	}
}

func onHealth(test func(*env, webhook.HealthStore)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.HealthStore)) }
}

// bad returns a Health with every field set.
func (e *env) bad(w webhook.Webhook, failures int) webhook.Health {
	return webhook.Health{WebhookID: w.ID, Scope: w.Scope, FailingSince: e.at(time.Microsecond), Failures: failures,
		PausedUntil: e.at(time.Minute), OpenUntil: e.at(time.Hour), Opened: 2}
}

// wantHealth checks the records of a webhook, or of a scope where id is empty.
func (e *env) wantHealth(hs webhook.HealthStore, what, scope, id string, want ...webhook.Health) {
	got, err := hs.Health(e.ctx, scope, id)
	e.ok(err, "Health")
	byID := cmpopts.SortSlices(func(a, b webhook.Health) bool { return a.WebhookID < b.WebhookID })
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), byID); diff != "" {
		e.errorf("%s: (-want +got)\n%s", what, diff)
	}
}

func testHealthCAS(e *env, hs webhook.HealthStore) {
	w := e.hook()
	one, two := e.bad(w, 1), e.bad(w, 2)
	set := func(old, new webhook.Health) error { return hs.SetHealth(e.ctx, w.Scope, w.ID, old, new) }
	e.wantErr("SetHealth with an old record where none is stored", set(one, two), webhook.ErrConflict)
	e.ok(set(webhook.Health{WebhookID: w.ID, Scope: w.Scope}, one), "SetHealth of the first record")
	e.wantHealth(hs, "Health", w.Scope, w.ID, one)
	e.wantErr("SetHealth with the zero record where one is stored", set(webhook.Health{WebhookID: w.ID, Scope: w.Scope}, two), webhook.ErrConflict)
	for name, change := range map[string]func(*webhook.Health){
		"Failures": func(h *webhook.Health) { h.Failures++ }, "Opened": func(h *webhook.Health) { h.Opened++ },
		"FailingSince": func(h *webhook.Health) { h.FailingSince = h.FailingSince.Add(time.Microsecond) },
		"PausedUntil":  func(h *webhook.Health) { h.PausedUntil = time.Time{} },
		"OpenUntil":    func(h *webhook.Health) { h.OpenUntil = h.OpenUntil.Add(time.Second) },
	} {
		other := one
		change(&other)
		e.wantErr("SetHealth with another "+name, set(other, two), webhook.ErrConflict)
	}
	e.wantHealth(hs, "Health after refused changes", w.Scope, w.ID, one)
	e.ok(set(one, two), "SetHealth of the second record")
	e.wantHealth(hs, "Health", w.Scope, w.ID, two)
}

func testHealthConcurrent(e *env, hs webhook.HealthStore) {
	w := e.hook()
	old := webhook.Health{WebhookID: w.ID, Scope: w.Scope}
	for round := range 4 {
		var set atomic.Int64
		next := e.bad(w, round+1)
		e.parallel(12, func(int) {
			switch err := hs.SetHealth(e.ctx, w.Scope, w.ID, old, next); {
			case err == nil:
				set.Add(1)
			case !errors.Is(err, webhook.ErrConflict):
				e.errorf("SetHealth: error %v, want nil or ErrConflict", err)
			}
		})
		if n := set.Load(); n != 1 {
			e.errorf("in round %d, %d of 12 concurrent changes succeeded, want 1", round+1, n)
		}
		e.wantHealth(hs, fmt.Sprintf("Health after round %d", round+1), w.Scope, w.ID, next)
		old = next
	}
}

func testHealthOK(e *env, hs webhook.HealthStore) {
	w := e.hook()
	zero, bad := webhook.Health{WebhookID: w.ID, Scope: w.Scope}, e.bad(w, 3)
	for range 2 {
		e.ok(hs.SetHealth(e.ctx, w.Scope, w.ID, zero, bad), "SetHealth")
		e.ok(hs.SetHealth(e.ctx, w.Scope, w.ID, bad, zero), "SetHealth to a record that is OK")
		e.wantHealth(hs, "Health of a webhook that is OK again", w.Scope, w.ID)
	}
	e.ok(hs.SetHealth(e.ctx, w.Scope, w.ID, zero, zero), "SetHealth from OK to OK")
	e.wantHealth(hs, "Health", w.Scope, w.ID)
}

func testHealthSelection(e *env, hs webhook.HealthStore) {
	a, second, b, fine := e.hook(), e.hook(), e.keep(e.draft("b")), e.hook()
	for _, w := range []webhook.Webhook{a, second, b} {
		e.ok(hs.SetHealth(e.ctx, w.Scope, w.ID, webhook.Health{WebhookID: w.ID, Scope: w.Scope}, e.bad(w, 1)), "SetHealth")
	}
	e.wantHealth(hs, "Health of a scope", a.Scope, "", e.bad(a, 1), e.bad(second, 1))
	e.wantHealth(hs, "Health of one", b.Scope, b.ID, e.bad(b, 1))
	e.wantHealth(hs, "Health of one that is OK", fine.Scope, fine.ID)
	e.wantHealth(hs, "Health of one in another scope", a.Scope, b.ID)
	e.wantHealth(hs, "Health of an unknown scope", e.scope("unknown"), "")
	all, err := hs.Health(e.ctx, "", "")
	e.ok(err, "Health")
	found := 0
	for _, h := range all {
		if h.WebhookID == a.ID || h.WebhookID == second.ID || h.WebhookID == b.ID {
			found++
		}
		if h.OK() {
			e.errorf("Health of all has a record that is OK")
		}
	}
	if found != 3 {
		e.errorf("Health of all has %d of 3 records", found)
	}
}

func testHealthGone(e *env, hs webhook.HealthStore) {
	w := e.hook()
	zero := webhook.Health{WebhookID: w.ID, Scope: w.Scope}
	ghost := e.draft("a")
	e.wantErr("SetHealth of an unknown webhook", hs.SetHealth(e.ctx, ghost.Scope, ghost.ID, webhook.Health{}, e.bad(ghost, 1)), webhook.ErrNotFound)
	e.wantErr("SetHealth in another scope", hs.SetHealth(e.ctx, e.scope("b"), w.ID, webhook.Health{}, e.bad(w, 1)), webhook.ErrNotFound)
	e.ok(hs.SetHealth(e.ctx, w.Scope, w.ID, zero, e.bad(w, 1)), "SetHealth")
	if reg, ok := e.store.(webhook.Registry); ok {
		e.ok(reg.Delete(e.ctx, w.Scope, w.ID), "Delete")
		e.wantHealth(hs, "Health after Delete", w.Scope, w.ID)
		e.wantErr("SetHealth after Delete", hs.SetHealth(e.ctx, w.Scope, w.ID, e.bad(w, 1), e.bad(w, 2)), webhook.ErrNotFound)
	}
}
