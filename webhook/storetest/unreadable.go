package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

func unreadableCases() []testCase {
	return []testCase{
		{"unreadable/claim", "an unreadable delivery is leased and named with its lease, lane, former Due and ErrSealed", testUnreadableClaim},
		{"unreadable/webhooks", "Webhooks lists a webhook that cannot be opened, with Unreadable set and no credential", testUnreadableListed},
		{"unreadable/update", "Webhook returns it likewise, and Update keeps what cannot be opened", testUnreadableUpdated},
	}
}

func testUnreadableClaim(e *env) {
	if e.seal == nil {
		return
	}
	w, fine := e.hook(), e.hook()
	d := e.fresh(w, 1)[0]
	e.put(d)
	kept := e.queue(fine, 1)
	e.ok(e.seal(e.ctx, w, true), "WithUnreadable")
	b := e.batch(webhook.Claim{Now: e.base, Lanes: asked(2, laneOf(w), laneOf(fine))})
	e.wantIDs("claim beside one that cannot be read", b.Deliveries, kept...)
	if len(b.Unreadable) != 1 {
		e.fatalf("%d are unreadable, want 1", len(b.Unreadable))
	}
	u := b.Unreadable[0]
	e.want("unreadable: ID, lane, former Due", []any{d.ID, d.Lane(), d.Due}, []any{u.ID, u.Lane, u.Due})
	if !errors.Is(u.Err, webhook.ErrSealed) {
		e.errorf("Err is %v, want ErrSealed", u.Err)
	}
	if slices.ContainsFunc(b.Webhooks, func(o webhook.Webhook) bool { return o.ID == w.ID }) {
		e.errorf("a webhook that cannot be read is in Webhooks")
	}
	e.wantIDs("claim while it is leased", e.take(e.at(time.Second), w, 1))
	d.Lease = u.Lease
	e.wantKept(e.settle(released(d, u.Due)))
	e.ok(e.seal(e.ctx, w, false), "WithUnreadable")
	got := e.one("claim when it can be read again", e.take(e.at(2*time.Second), w, 1))
	e.want("delivery, tries, interrupted", []any{d.ID, 0, 0}, []any{got.ID, got.Tries, got.Interrupted})
}

func testUnreadableListed(e *env) {
	if e.seal == nil {
		return
	}
	w := e.whole()
	e.ok(e.seal(e.ctx, w, true), "WithUnreadable")
	ws, err := e.store.Webhooks(e.ctx, w.Scope)
	if e.ok(err, "Webhooks"); len(ws) != 1 || ws[0].ID != w.ID {
		e.fatalf("Webhooks returned %d, want the one that cannot be opened", len(ws))
	}
	e.wantSealed(w, ws[0])
	e.ok(e.seal(e.ctx, w, false), "WithUnreadable")
	ws, err = e.store.Webhooks(e.ctx, w.Scope)
	e.ok(err, "Webhooks")
	e.wantHook("webhook that can be opened again", w, ws)
}

// wantSealed checks that a webhook comes without what cannot be opened.
func (e *env) wantSealed(w, got webhook.Webhook) {
	if !errors.Is(got.Unreadable, webhook.ErrSealed) || got.URL != "" || len(got.Secrets)+len(got.Headers) != 0 || got.Name != w.Name || got.Active != w.Active {
		e.errorf("Unreadable is %v, %d secrets, %d headers, URL empty %t, name kept %t, active %t; want ErrSealed, none, none, true, true, %t",
			got.Unreadable, len(got.Secrets), len(got.Headers), got.URL == "", got.Name == w.Name, got.Active, w.Active)
	}
}

func testUnreadableUpdated(e *env) {
	reg, ok := e.store.(webhook.Registry)
	if e.seal == nil || !ok {
		return
	}
	w := e.whole()
	e.ok(e.seal(e.ctx, w, true), "WithUnreadable")
	for _, name := range []string{"changed", "changed again"} {
		got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
		e.ok(err, "Webhook")
		e.wantSealed(w, got)
		w.Active, w.Name = !w.Active, name
		got.Active, got.Name = w.Active, w.Name
		e.ok(reg.Update(e.ctx, got), "Update")
		w.Version++
		e.wantErr("Update of an older version", reg.Update(e.ctx, got), webhook.ErrConflict)
	}
	e.ok(e.seal(e.ctx, w, false), "WithUnreadable")
	for range 2 {
		got, err := reg.Webhook(e.ctx, w.Scope, w.ID)
		e.ok(err, "Webhook")
		e.wantHook("webhook that can be opened again", w, []webhook.Webhook{got})
		w.Name = "changed with its secrets"
		w = e.change(w)
	}
}
