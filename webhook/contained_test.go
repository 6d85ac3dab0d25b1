package webhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

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
		if _, err := webhook.New(s, webhook.Automation(), nil); !errors.Is(err, webhook.ErrInvalid) || !strings.Contains(err.Error(), "Store") {
			t.Errorf("%s: %v, want an ErrInvalid that names the Store", name, err)
		}
	}
}

// strict answers like PostgreSQL: a text that it cannot hold is an error, not an unknown one.
type strict struct{ *memstore.Store }

var errText = errors.New("invalid byte sequence for encoding")

func refuse(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return errText
		}
	}
	return nil
}

func (s strict) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	if err := refuse(id); err != nil {
		return webhook.Webhook{}, err
	}
	return s.Store.Webhook(ctx, scope, id)
}

func (s strict) Delete(ctx context.Context, scope, id string) error {
	return errors.Join(refuse(id), s.Store.Delete(ctx, scope, id))
}

func (s strict) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	if err := refuse(id); err != nil {
		return webhook.Delivery{}, nil, err
	}
	return s.Store.Delivery(ctx, scope, id)
}

func (s strict) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if err := refuse(id); err != nil {
		return err
	}
	return s.Store.Requeue(ctx, scope, id, due)
}

func (s strict) Cancel(ctx context.Context, scope, id string, now time.Time) (webhook.Delivery, bool, error) {
	if err := refuse(id); err != nil {
		return webhook.Delivery{}, false, err
	}
	return s.Store.Cancel(ctx, scope, id, now)
}

func (s strict) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	texts := []string{q.WebhookID, q.EventID, q.Type}
	for _, c := range q.Codes {
		texts = append(texts, string(c))
	}
	if err := refuse(texts...); err != nil {
		return nil, "", err
	}
	return s.Store.Deliveries(ctx, q)
}

// Rule: an ID out of a link that no Store can hold is one that does not exist, over every Store, and
// a search for such a text is refused as one.
func TestTextsThatNoStoreHolds(t *testing.T) {
	t.Parallel()
	d, err := webhook.New(strict{newStore(t)}, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Manager()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, text := range []string{"\x00", "whk_\x00", "\xff", "dlv_\xed\xa0\x80"} {
		for what, call := range map[string]func() error{
			"Webhook":      func() error { _, err := m.Webhook(ctx, scope, text); return err },
			"Edit":         func() error { _, err := m.Edit(ctx, webhook.Webhook{Scope: scope, ID: text}); return err },
			"SetActive":    func() error { return m.SetActive(ctx, scope, text, true) },
			"Delete":       func() error { return m.Delete(ctx, scope, text) },
			"Health":       func() error { _, err := m.Health(ctx, scope, text); return err },
			"Secrets":      func() error { _, err := m.Secrets(ctx, scope, text); return err },
			"Test":         func() error { _, err := m.Test(ctx, scope, text); return err },
			"Delivery":     func() error { _, _, err := m.Delivery(ctx, scope, text); return err },
			"Redeliver":    func() error { return m.Redeliver(ctx, scope, text) },
			"Cancel":       func() error { return m.Cancel(ctx, scope, text) },
			"Preview":      func() error { _, err := m.Preview(ctx, scope, text); return err },
			"Explain":      func() error { _, err := d.Explain(ctx, scope, text); return err },
			"RevokeSecret": func() error { _, err := m.RevokeSecret(ctx, scope, text, "x"); return err },
		} {
			if err := call(); !errors.Is(err, webhook.ErrNotFound) || errors.Is(err, errText) {
				t.Errorf("%s of %q: %v, want ErrNotFound and no question to the Store", what, text, err)
			}
		}
		for name, q := range map[string]webhook.Query{"WebhookID": {WebhookID: text}, "EventID": {EventID: text}, "Type": {Type: text}, "Codes": {Codes: []webhook.Code{"", webhook.Code(text)}}} {
			q.Scope = scope
			if _, _, err := m.Deliveries(ctx, q); !errors.Is(err, webhook.ErrInvalid) {
				t.Errorf("Deliveries with %s %q: %v, want ErrInvalid", name, text, err)
			}
			if _, err := m.Replay(ctx, q, 1); !errors.Is(err, webhook.ErrInvalid) {
				t.Errorf("Replay with %s %q: %v, want ErrInvalid", name, text, err)
			}
		}
	}
}
