package webhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// panicky is a Store that panics in calls of Run and of the Manager.
type panicky struct{ *memstore.Store }

func (panicky) Create(context.Context, webhook.Webhook, int) error               { panic("create") }
func (panicky) Update(context.Context, webhook.Webhook) error                    { panic("update") }
func (panicky) Delete(context.Context, string, string) error                     { panic("delete") }
func (panicky) DeleteScope(context.Context, string) error                        { panic("delete scope") }
func (panicky) Requeue(context.Context, string, string, time.Time) error         { panic("requeue") }
func (panicky) Webhooks(context.Context, string) ([]webhook.Webhook, error)      { panic("webhooks") }
func (panicky) Health(context.Context, string, string) ([]webhook.Health, error) { panic("health") }
func (panicky) Delivery(context.Context, string, string) (webhook.Delivery, []webhook.Attempt, error) {
	panic("delivery")
}
func (panicky) Deliveries(context.Context, webhook.Query) ([]webhook.Delivery, string, error) {
	panic("deliveries")
}
func (panicky) Cancel(context.Context, string, string, time.Time) (webhook.Delivery, bool, error) {
	panic("cancel")
}
func (panicky) Webhook(_ context.Context, scope, id string) (webhook.Webhook, error) {
	if id == "panics" {
		panic("webhook")
	}
	return webhook.Webhook{ID: id, Scope: scope, Name: id, URL: automation + id, Events: []string{"taskSuccess"}, Secrets: []webhook.Secret{webhook.NewSecret(token)}, Version: 1}, nil
}

func (panicky) Ahead(context.Context, string, string) (webhook.Delivery, error)  { panic("ahead") }
func (panicky) Newest(context.Context, string, string) (webhook.Delivery, error) { panic("newest") }
func (panicky) HeldBack(context.Context, string, string, int) ([]webhook.Delivery, error) {
	panic("held back")
}

func (panicky) Due(context.Context, webhook.DueQuery) (webhook.DuePage, error) { panic("due") }
func (panicky) Claim(context.Context, webhook.Claim) (webhook.Batch, error)    { panic("claim") }

// Rule: no panic of a Store reaches the host.
func TestPanickingStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, panicky{newStore(t)}, webhook.Automation(), nil)
		h.start()
		defer h.stop()
		settled(time.Second)
		if err := h.Status().StoreError; !errors.Is(err, webhook.ErrPanic) {
			t.Errorf("StoreError = %v, want ErrPanic", err)
		}
	})
}

// Rule: no panic of a Store passes the Manager or Explain. A change may have been made.
func TestPanickingRegistry(t *testing.T) {
	t.Parallel()
	h := newHost(t, panicky{newStore(t)}, webhook.Automation(), nil)
	ctx, m := t.Context(), h.hooks
	w, err := m.Webhook(ctx, scope, "w")
	if err != nil {
		t.Fatal(err)
	}
	second := func(_ any, err error) error { return err }
	_, _, deliveries := m.Deliveries(ctx, webhook.Query{Scope: scope})
	_, _, delivery := m.Delivery(ctx, scope, "d")
	for name, err := range map[string]error{
		"Webhook": second(m.Webhook(ctx, scope, "panics")), "List": second(m.List(ctx, scope)), "Health": second(m.Health(ctx, scope, "w")),
		"Secrets": second(m.Secrets(ctx, scope, "panics")),
		"Held":    second(m.Held(ctx, scope, "w")), "Ahead": second(m.Ahead(ctx, scope, "d")), "Successor": second(m.Successor(ctx, scope, "d")),
		"ExplainAll": second(h.ExplainAll(ctx, scope, []webhook.Delivery{{Scope: scope, ID: "d", WebhookID: "w", Key: "k"}})),
		"Explain":    second(h.Explain(ctx, scope, "d")), "Deliveries": deliveries, "Delivery": delivery,
		"Replay": second(m.Replay(ctx, webhook.Query{Scope: scope}, 1)), "DeleteScope": m.DeleteScope(ctx, scope),
	} {
		if !errors.Is(err, webhook.ErrPanic) || errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("%s: %v, want ErrPanic alone", name, err)
		}
	}
	for name, err := range map[string]error{
		"Add": second(m.Add(ctx, w)), "Edit": second(m.Edit(ctx, w)), "SetActive": m.SetActive(ctx, scope, "w", true), "Delete": m.Delete(ctx, scope, "w"),
		"RotateSecret": second(m.RotateSecret(ctx, scope, "w", webhook.NewSecret("next"))),
		"Redeliver":    m.Redeliver(ctx, scope, "d"), "Cancel": m.Cancel(ctx, scope, "d"),
	} {
		if !errors.Is(err, webhook.ErrPanic) || !errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("%s: %v, want ErrPanic and ErrUnknown", name, err)
		}
	}
}

// unbound panics in what New and the Manager ask about a Store.
type unbound struct {
	panicky
	bind, notifies bool
}

func (u unbound) Bind(string) error {
	if u.bind {
		panic("bind")
	}
	return nil
}

func (u unbound) Notifies() bool {
	if u.notifies {
		panic("notifies")
	}
	return false
}

func (unbound) Seals() bool { panic("seals") }

// Rule: no panic of a Store passes New, and a nil Store is refused whatever its type.
func TestPanickingStoreInNew(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]unbound{"Bind": {bind: true}, "Notifies": {notifies: true}} {
		s.panicky = panicky{newStore(t)}
		if _, err := webhook.New(s, webhook.Automation(), nil); !errors.Is(err, webhook.ErrPanic) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an ErrPanic that names it", name, err)
		}
	}
	m, err := webhook.New(unbound{panicky: panicky{newStore(t)}}, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if manager, err := m.Manager(); err != nil || manager.KeepsKeys() {
		t.Errorf("Manager: %v; a Store whose Seals panics keeps private keys", err)
	}
	var none *memstore.Store
	for name, s := range map[string]webhook.Store{"nil": nil, "a nil pointer": none} {
		if _, err := webhook.New(s, webhook.Automation(), nil); err == nil || !strings.Contains(err.Error(), "needs a Store") {
			t.Errorf("%s: %v, want an error that says what is missing", name, err)
		}
	}
}
