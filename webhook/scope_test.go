package webhook_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: no call with an ID reaches data of another scope.
func TestScopeIsolation(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		w := h.add("one")
		d := h.dispatch()
		settled(time.Second)
		before, _ := h.delivery(d)
		const other = "other"
		for name, call := range map[string]func() error{
			"Webhook": func() error { _, err := h.hooks.Webhook(ctx, other, w.ID); return err },
			"Edit": func() error {
				_, err := h.hooks.Edit(ctx, webhook.Webhook{Scope: other, ID: w.ID, Name: "x"})
				return err
			},
			"SetActive":    func() error { return h.hooks.SetActive(ctx, other, w.ID, false) },
			"RotateSecret": func() error { _, err := h.hooks.RotateSecret(ctx, other, w.ID, webhook.NewSecret("x")); return err },
			"RevokeSecret": func() error { _, err := h.hooks.RevokeSecret(ctx, other, w.ID, w.Secrets[0].ID()); return err },
			"Secrets":      func() error { _, err := h.hooks.Secrets(ctx, other, w.ID); return err },
			"Delete":       func() error { return h.hooks.Delete(ctx, other, w.ID) },
			"Health":       func() error { _, err := h.hooks.Health(ctx, other, w.ID); return err },
			"Test":         func() error { _, err := h.hooks.Test(ctx, other, w.ID); return err },
			"Delivery":     func() error { _, _, err := h.hooks.Delivery(ctx, other, d); return err },
			"Redeliver":    func() error { return h.hooks.Redeliver(ctx, other, d) },
			"Cancel":       func() error { return h.hooks.Cancel(ctx, other, d) },
			"Explain":      func() error { _, err := h.Explain(ctx, other, d); return err },
		} {
			if err := call(); !errors.Is(err, webhook.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
		if ws, err := h.hooks.List(ctx, other); err != nil || len(ws) != 0 {
			t.Errorf("List: %v, %v", ws, err)
		}
		if ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: other, WebhookID: w.ID}); err != nil || len(ds) != 0 {
			t.Errorf("Deliveries: %v, %v", ds, err)
		}
		if n, err := h.hooks.Replay(ctx, webhook.Query{Scope: other}, 1); err != nil || n != 0 {
			t.Errorf("Replay: %d, %v", n, err)
		}
		if err := h.hooks.DeleteScope(ctx, other); err != nil {
			t.Errorf("DeleteScope: %v", err)
		}
		e, err := payload.New(other, payload.TaskSuccess{ProcessID: processID, Name: "n", DeepLink: "https://x.example.com/"})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := h.Dispatch(ctx, e); err != nil || r.Events[0].Matched != 0 {
			t.Errorf("an event of another scope: %+v, %v", r, err)
		}
		settled(time.Minute)
		if diff := cmp.Diff(w, h.webhook(w.ID)); diff != "" {
			t.Errorf("webhook changed (-was +is):\n%s", diff)
		}
		after, _ := h.delivery(d)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("delivery changed (-was +is):\n%s", diff)
		}
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: an unknown ID returns ErrNotFound, and the error names the ID.
func TestUnknownID(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	for name, err := range map[string]error{
		"SetActive": h.hooks.SetActive(ctx, scope, "whk_unknown", true),
		"Delete":    h.hooks.Delete(ctx, scope, "whk_unknown"),
	} {
		if !errors.Is(err, webhook.ErrNotFound) || !strings.Contains(err.Error(), "whk_unknown") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Rule: the deletion of a scope removes all data of the tenant, the health of its webhooks
// included.
func TestDeleteScope(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: status(503)}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
		w := h.add("one")
		d := h.dispatch()
		settled(time.Second)
		if err := h.hooks.DeleteScope(ctx, scope); err != nil {
			t.Fatal(err)
		}
		if ws, err := h.hooks.List(ctx, scope); err != nil || len(ws) != 0 {
			t.Errorf("webhooks %v, %v", ws, err)
		}
		// The same ID again, as an import would make it, begins in good health.
		w.Version = 1
		if err := h.store.(webhook.Registry).Create(ctx, w, 3); err != nil {
			t.Fatal(err)
		}
		got, err := h.hooks.Health(ctx, scope, w.ID)
		if diff := cmp.Diff(webhook.Health{WebhookID: w.ID, Scope: scope}, got); diff != "" || err != nil {
			t.Errorf("health %v (-want +got):\n%s", err, diff)
		}
		n := len(to.seen())
		settled(time.Hour)
		if len(to.seen()) != n {
			t.Errorf("%d requests after the deletion", len(to.seen())-n)
		}
		if _, _, err := h.hooks.Delivery(ctx, scope, d); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("delivery: %v, want ErrNotFound", err)
		}
	})
}
