package webhook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// plainStore hides the capabilities of a Store, except those that a Manager needs.
type plainStore struct {
	webhook.Store
	webhook.Registry
}

func (s plainStore) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return s.Store.Webhooks(ctx, scope)
}

// Rule: an order that Store or Profile do not support is refused with the field.
func TestOrderRefused(t *testing.T) {
	t.Parallel()
	full := newStore(t)
	for _, c := range []struct {
		name        string
		store       webhook.Store
		profile     webhook.Profile
		hook        webhook.Webhook
		field, rule string
	}{
		{"no such order", full, ordering(), webhook.Webhook{Order: "some"}, "order", "unknown"},
		{"the Store has none", plainStore{full, full}, ordering(), webhook.Webhook{Order: webhook.OrderSkip}, "order", "unsupported"},
		{"the Profile has none", full, webhook.Automation(), webhook.Webhook{Order: webhook.OrderSkip}, "order", "unsupported"},
		{"both", full, ordering(), webhook.Webhook{Order: webhook.OrderSkip, Coalesce: true}, "order", "coalesce"},
		{"the Store does not coalesce", plainStore{full, full}, ordering(), webhook.Webhook{Coalesce: true}, "coalesce", "unsupported"},
		{"the Profile does not coalesce", full, webhook.Automation(), webhook.Webhook{Coalesce: true}, "coalesce", "unsupported"},
		{"too long a wait", full, ordering(), webhook.Webhook{Coalesce: true, CoalesceWait: 10*time.Minute + 1}, "coalesce_wait", "range"},
		{"a negative wait", full, ordering(), webhook.Webhook{Coalesce: true, CoalesceWait: -1}, "coalesce_wait", "range"},
		{"a wait for nothing", full, ordering(), webhook.Webhook{CoalesceWait: time.Second}, "coalesce_wait", "required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, c.store, c.profile, nil)
			w := c.hook
			w.Scope, w.Name, w.URL, w.Secrets, w.Events = scope, "one", automation+"one", secrets(token), []string{"*"}
			_, err := h.hooks.Add(ctx, w)
			var v *webhook.ValidationError
			if !errors.As(err, &v) || len(v.Fields) != 1 || v.Fields[0].Field != c.field || v.Fields[0].Rule != c.rule {
				t.Errorf("Add: %v, want field %s, rule %s", err, c.field, c.rule)
			}
		})
	}
	h := newHost(t, plainStore{full, full}, ordering(), nil)
	for name, err := range map[string]error{
		"Held": second(h.hooks.Held(ctx, scope, "x")), "Ahead": second(h.hooks.Ahead(ctx, scope, "x")), "Successor": second(h.hooks.Successor(ctx, scope, "x")),
	} {
		if !errors.Is(err, webhook.ErrUnsupported) {
			t.Errorf("%s without the capability: %v, want ErrUnsupported", name, err)
		}
	}
	p := ordering()
	p.Form.Orders = append(p.Form.Orders, "some")
	if _, err := webhook.New(full, p, nil); err == nil {
		t.Error("New took a Profile with an unknown order")
	}
}
