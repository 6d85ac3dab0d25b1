package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
)

func registryCases() []testCase {
	return []testCase{
		{"registry/limit", "Create counts the webhooks of the scope, inactive and expired ones too, and answers ErrLimit", onRegistry(testCreateLimit)},
		{"registry/limit-concurrent", "concurrent Creates never exceed the limit", onRegistry(testCreateConcurrent)},
		{"registry/create-conflict", "Create answers ErrConflict when the ID is taken, in any scope", onRegistry(testCreateConflict)},
		{"registry/version", "the version starts at 1, each Update adds 1, and another version than the stored one is ErrConflict", onRegistry(testVersion)},
		{"registry/update-concurrent", "of concurrent Updates of one version exactly one succeeds", onRegistry(testUpdateConcurrent)},
		{"registry/not-found", "unknown webhooks are ErrNotFound", onRegistry(testNotFound)},
		{"registry/scope", "no call reaches a webhook of another scope", onRegistry(testRegistryScope)},
		{"registry/round-trip", "a webhook comes back with its secrets as it was stored", onRegistry(testRegistryRoundTrip)},
		{"registry/secret-life", "a secret has its ID, its age and its end in every returned webhook", onRegistry(testSecretLife)},
		{"registry/delete", "Delete changes no delivery: queued deliveries are claimed without a webhook", onRegistry(testDelete)},
		{"registry/delete-leased", "a delivery that is leased when its webhook is deleted is settled as usual", onRegistry(testDeleteLeased)},
		{"registry/delete-scope", "DeleteScope removes everything of the scope and nothing else", onRegistry(testDeleteScope)},
		{"registry/delete-scope-cut-off", "a DeleteScope whose context has ended says so, and another call removes the rest", onRegistry(testDeleteScopeCutOff)},
	}
}

func onRegistry(test func(*env, webhook.Registry)) func(*env) {
	return func(e *env) { test(e, e.store.(webhook.Registry)) }
}

func testCreateLimit(e *env, reg webhook.Registry) {
	off, expired := e.draft("a"), e.draft("a")
	off.Active, expired.ExpiresAt = false, e.at(-time.Hour)
	e.ok(reg.Create(e.ctx, off, 3), "Create, first of 3")
	e.ok(reg.Create(e.ctx, expired, 3), "Create, second of 3")
	third := e.draft("a")
	e.ok(reg.Create(e.ctx, third, 3), "Create, third of 3")
	e.wantErr("Create, fourth of 3", reg.Create(e.ctx, e.draft("a"), 3), webhook.ErrLimit)
	e.ok(reg.Create(e.ctx, e.draft("b"), 3), "Create in another scope")
	e.ok(reg.Create(e.ctx, e.draft("a"), 0), "Create without a limit")
	e.ok(reg.Delete(e.ctx, third.Scope, third.ID), "Delete")
	e.ok(reg.Create(e.ctx, e.draft("a"), 4), "Create after a Delete")
	ws, err := reg.Webhooks(e.ctx, off.Scope)
	if e.ok(err, "Webhooks"); len(ws) != 4 {
		e.errorf("the scope has %d webhooks, want 4", len(ws))
	}
}

func testCreateConcurrent(e *env, reg webhook.Registry) {
	drafts := make([]webhook.Webhook, 50)
	for i := range drafts {
		drafts[i] = e.draft("a")
	}
	var created atomic.Int64
	e.parallel(len(drafts), func(i int) {
		switch err := reg.Create(e.ctx, drafts[i], 3); {
		case err == nil:
			created.Add(1)
		case !errors.Is(err, webhook.ErrLimit):
			e.errorf("Create: error %v, want nil or ErrLimit", err)
		}
	})
	ws, err := reg.Webhooks(e.ctx, drafts[0].Scope)
	e.ok(err, "Webhooks")
	if n := created.Load(); n != 3 || len(ws) != 3 {
		e.errorf("50 concurrent Creates with a limit of 3: %d succeeded, %d are stored", n, len(ws))
	}
}

func testCreateConflict(e *env, reg webhook.Registry) {
	w := e.keep(e.draft("a"))
	again := w
	again.Name = "another"
	e.wantErr("Create with an ID that is taken", reg.Create(e.ctx, again, 0), webhook.ErrConflict)
	again.Scope = e.scope("b")
	e.wantErr("Create with an ID that is taken in another scope", reg.Create(e.ctx, again, 0), webhook.ErrConflict)
	got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
	e.ok(err, "Webhook")
	e.want("name", w.Name, got.Name)
}

func testVersion(e *env, reg webhook.Registry) {
	w := e.draft("a")
	w.Version = 41 // Create ignores it
	e.ok(reg.Create(e.ctx, w, 0), "Create")
	for want := int64(1); want <= 3; want++ {
		got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
		e.ok(err, "Webhook")
		if got.Version != want {
			e.fatalf("version is %d, want %d", got.Version, want)
		}
		for _, wrong := range []int64{0, want - 1, want + 1} {
			got.Version, got.Name = wrong, "stale"
			e.wantErr(fmt.Sprintf("Update of version %d with version %d", want, wrong), reg.Update(e.ctx, got), webhook.ErrConflict)
		}
		got.Version, got.Name = want, fmt.Sprintf("changed %d", want)
		e.ok(reg.Update(e.ctx, got), "Update")
	}
	got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
	e.ok(err, "Webhook")
	e.want("name", "changed 3", got.Name)
}

func testUpdateConcurrent(e *env, reg webhook.Registry) {
	w := e.keep(e.draft("a"))
	var updated atomic.Int64
	e.parallel(20, func(i int) {
		mine := w
		mine.Name = fmt.Sprintf("writer %d", i)
		switch err := reg.Update(e.ctx, mine); {
		case err == nil:
			updated.Add(1)
		case !errors.Is(err, webhook.ErrConflict):
			e.errorf("Update: error %v, want nil or ErrConflict", err)
		}
	})
	got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
	e.ok(err, "Webhook")
	if n := updated.Load(); n != 1 || got.Version != 2 {
		e.errorf("of 20 Updates of version 1, %d succeeded and the version is %d; want 1 and 2", n, got.Version)
	}
}

func testNotFound(e *env, reg webhook.Registry) {
	w := e.draft("a")
	e.keep(e.draft("a"))
	_, err := reg.Webhook(e.ctx, w.Scope, w.ID)
	e.wantErr("Webhook", err, webhook.ErrNotFound)
	w.Version = 1
	e.wantErr("Update", reg.Update(e.ctx, w), webhook.ErrNotFound)
	e.wantErr("Delete", reg.Delete(e.ctx, w.Scope, w.ID), webhook.ErrNotFound)
	e.ok(reg.DeleteScope(e.ctx, e.scope("empty")), "DeleteScope of a scope without anything")
	ws, err := reg.Webhooks(e.ctx, e.scope("empty"))
	if e.ok(err, "Webhooks of an unknown scope"); len(ws) != 0 {
		e.errorf("an unknown scope has %d webhooks", len(ws))
	}
}

func testRegistryScope(e *env, reg webhook.Registry) {
	w := e.keep(e.draft("a"))
	other := e.scope("b")
	_, err := reg.Webhook(e.ctx, other, w.ID)
	e.wantErr("Webhook", err, webhook.ErrNotFound)
	moved := w
	moved.Scope = other
	e.wantErr("Update", reg.Update(e.ctx, moved), webhook.ErrNotFound)
	e.wantErr("Delete", reg.Delete(e.ctx, other, w.ID), webhook.ErrNotFound)
	e.ok(reg.DeleteScope(e.ctx, other), "DeleteScope")
	got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
	e.ok(err, "Webhook in its own scope")
	e.wantHook("webhook", w, []webhook.Webhook{got})
}

func testRegistryRoundTrip(e *env, reg webhook.Registry) {
	w := e.draft("a")
	w.Group, w.Name, w.Filter, w.Notes = "g", odd, odd, odd
	w.Secrets = []webhook.Secret{webhook.NewSecret(odd), webhook.NewSecret("older")}
	w.Headers, w.Attributes = map[string]string{"X-Odd": odd}, map[string]string{odd: odd}
	w.Timeout, w.ExcludeBody, w.ExpiresAt, w.DisabledReason = 3*time.Second, true, e.at(time.Hour), odd
	w.Order, w.Coalesce, w.CoalesceWait = webhook.OrderHold, true, 5*time.Second
	w = e.keep(w)
	for round := range 2 {
		got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
		e.ok(err, "Webhook")
		e.wantHook("webhook", w, []webhook.Webhook{got})
		if round == 0 { // every field can be emptied
			w = webhook.Webhook{ID: w.ID, Scope: w.Scope, Name: "n", URL: "https://example.com/", CreatedAt: w.CreatedAt, Version: w.Version}
			w = e.change(w)
		}
	}
}

func testSecretLife(e *env, reg webhook.Registry) {
	w := e.draft("a")
	w.Secrets = []webhook.Secret{
		webhook.NewSecret("newest").WithLife("sec_newest", e.at(-time.Minute), time.Time{}),
		webhook.NewSecret("older").WithLife("sec_older", e.at(-time.Hour), e.at(time.Hour+time.Microsecond)),
		webhook.NewSecret("ended").WithLife("sec_ended", time.Time{}, e.at(-time.Hour)),
		webhook.NewSecret("of unknown age"),
	}
	w = e.keep(w)
	e.queue(w, 1)
	for range 2 {
		one, err := reg.Webhook(e.ctx, w.Scope, w.ID)
		e.ok(err, "Webhook")
		e.want("secrets of Webhook", lives(w), lives(one))
		all, err := reg.Webhooks(e.ctx, w.Scope)
		e.ok(err, "Webhooks")
		for _, got := range all {
			e.want("secrets of Webhooks", lives(w), lives(got))
		}
		w.Secrets[0], w.Secrets[1] = w.Secrets[1], w.Secrets[0]
		w = e.change(w)
	}
	b := e.batch(webhook.Claim{Now: e.base})
	if len(b.Webhooks) != 1 {
		e.fatalf("claim: got %d webhooks, want 1", len(b.Webhooks))
	}
	e.want("secrets of a claim", lives(w), lives(b.Webhooks[0]))
}

// lives describes the secrets of a webhook without their values.
func lives(w webhook.Webhook) (out []string) {
	for _, s := range w.Secrets {
		out = append(out, fmt.Sprintf("ID %q, created %v, expires %v", s.ID(), moment(s.CreatedAt()), moment(s.ExpiresAt())))
	}
	return out
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func testDelete(e *env, reg webhook.Registry) {
	w, other := e.hook(), e.hook()
	waiting := e.fresh(w, 1)
	waiting[0].Due = e.at(time.Hour)
	queued := append(e.queue(w, 2), waiting[0].ID)
	e.put(waiting...)
	kept := e.queue(other, 1)
	e.ok(reg.Delete(e.ctx, w.Scope, w.ID), "Delete")
	_, err := reg.Webhook(e.ctx, w.Scope, w.ID)
	e.wantErr("Webhook after Delete", err, webhook.ErrNotFound)
	for _, id := range queued {
		e.wantState(w.Scope, id, webhook.StatePending, "")
	}
	b := e.batch(webhook.Claim{Now: e.base})
	e.wantIDs("claim after Delete", b.Deliveries, append(queued[:2:2], kept...)...)
	e.want("webhooks", e.listed([]string{other.ID}), e.listed(hookIDs(b.Webhooks)))
	e.wantIDs("claim when all are due", e.claim(e.at(2*time.Hour)), append(queued, kept...)...)
}

func testDeleteLeased(e *env, reg webhook.Registry) {
	w := e.hook()
	e.queue(w, 4)
	ds := e.count("claim", 4, e.claim(e.base))
	e.ok(reg.Delete(e.ctx, w.Scope, w.ID), "Delete")
	now := e.at(time.Second)
	e.wantKept(e.settle(delivered(ds[0], now), failed(ds[1], now), retried(ds[2], now, now)))
	e.wantIDs("claim after Delete", e.claim(now), ds[2].ID)
	e.wantIDs("claim at the end of the leases", e.claim(e.at(time.Hour)), ds[2].ID, ds[3].ID)
	e.wantState(w.Scope, ds[0].ID, webhook.StateDelivered, webhook.CodeOK)
	e.wantState(w.Scope, ds[1].ID, webhook.StateFailed, webhook.CodeStatus)
}

// farFuture is later than any clock that a Store could read.
var farFuture = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
