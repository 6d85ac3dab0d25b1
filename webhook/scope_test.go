package webhook_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// byID is every call with the ID of a webhook or of a delivery that must exist, by the name of its
// method.
func (h *host) byID(scope string, w webhook.Webhook, delivery string) map[string]func() error {
	return map[string]func() error{
		"Webhook": func() error { return second(h.hooks.Webhook(ctx, scope, w.ID)) },
		"Edit": func() error {
			return second(h.hooks.Edit(ctx, webhook.Webhook{Scope: scope, ID: w.ID, Name: "x"}))
		},
		"SetActive":          func() error { return h.hooks.SetActive(ctx, scope, w.ID, false) },
		"RotateSecret":       func() error { return second(h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret("x"))) },
		"RevokeSecret":       func() error { return second(h.hooks.RevokeSecret(ctx, scope, w.ID, w.Secrets[0].ID())) },
		"Secrets":            func() error { return second(h.hooks.Secrets(ctx, scope, w.ID)) },
		"CertificateRequest": func() error { return second(h.hooks.CertificateRequest(ctx, scope, w.ID)) },
		"SetCertificate":     func() error { return second(h.hooks.SetCertificate(ctx, scope, w.ID, []byte("chain"))) },
		"Delete":             func() error { return h.hooks.Delete(ctx, scope, w.ID) },
		"Health":             func() error { return second(h.hooks.Health(ctx, scope, w.ID)) },
		"Test":               func() error { return second(h.hooks.Test(ctx, scope, w.ID)) },
		"Delivery": func() error {
			_, _, err := h.hooks.Delivery(ctx, scope, delivery)
			return err
		},
		"Redeliver": func() error { return h.hooks.Redeliver(ctx, scope, delivery) },
		"Cancel":    func() error { return h.hooks.Cancel(ctx, scope, delivery) },
		"Preview":   func() error { return second(h.hooks.Preview(ctx, scope, delivery)) },
		"Explain":   func() error { return second(h.Explain(ctx, scope, delivery)) },
		"Ahead":     func() error { return second(h.hooks.Ahead(ctx, scope, delivery)) },
		"Successor": func() error { return second(h.hooks.Successor(ctx, scope, delivery)) },
	}
}

// findings is what the calls for lists find of a webhook and its delivery, by the name of their
// method.
func (h *host) findings(scope string, w webhook.Webhook, d webhook.Delivery) map[string]int {
	h.t.Helper()
	n := make(map[string]int)
	add := func(method string, found int, err error) {
		if n[method] = found; err != nil {
			h.t.Errorf("%s: %v", method, err)
		}
	}
	ws, err := h.hooks.List(ctx, scope)
	add("List", len(ws), err)
	ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: w.ID})
	add("Deliveries", len(ds), err)
	held, err := h.hooks.Held(ctx, scope, w.ID)
	add("Held", len(held), err)
	as, err := h.hooks.LatestAttempts(ctx, scope, []webhook.Delivery{d})
	add("LatestAttempts", len(as), err)
	counts, err := h.hooks.Counts(ctx, scope, []string{w.ID}, time.Now().Add(-24*time.Hour))
	add("Counts", len(counts), err)
	standings, err := h.hooks.Standings(ctx, scope, []webhook.Webhook{w})
	add("Standings", 0, err)
	for _, s := range standings {
		if s.Latest != nil {
			n["Standings"]++
		}
	}
	return n
}

// Rule: no call with an ID reaches data of another scope.
func TestScopeIsolation(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), &webhook.Options{AllowClearKeys: true}, func(h *host) {
		w := h.add("one")
		d := h.dispatch()
		settled(time.Second)
		before, _ := h.delivery(d)
		const other = "other"
		covered := map[string]bool{"Add": true, "Marks": true, "KeepsKeys": true, "Orders": true, "Replay": true, "DeleteScope": true}
		for method, call := range h.byID(other, w, d) {
			covered[method] = true
			if err := call(); !errors.Is(err, webhook.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", method, err)
			}
		}
		own := h.findings(scope, w, before)
		for method, n := range h.findings(other, w, before) {
			covered[method] = true
			if n != 0 || own[method] == 0 && method != "Held" { // the webhook keeps no order
				t.Errorf("%s finds %d in its own scope and %d in another one", method, own[method], n)
			}
		}
		all := reflect.TypeFor[*webhook.Manager]()
		for i := range all.NumMethod() {
			if name := all.Method(i).Name; !covered[name] {
				t.Errorf("%s is not called", name)
			}
		}
		if _, err := h.ExplainAll(ctx, other, []webhook.Delivery{before}); !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("ExplainAll: %v, want ErrInvalid", err)
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

// Rule: an unknown ID, also an empty one, returns ErrNotFound, and the error names the ID.
func TestUnknownID(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{AllowClearKeys: true})
	unknown := h.add("one")
	for _, unknown.ID = range []string{"unknown_1", ""} {
		for method, call := range h.byID(scope, unknown, unknown.ID) {
			if err := call(); !errors.Is(err, webhook.ErrNotFound) || !strings.Contains(err.Error(), unknown.ID) {
				t.Errorf("%s of %q: %v, want ErrNotFound with the ID", method, unknown.ID, err)
			}
		}
	}
}

// Rule: a delivery that waits for none, and has no later one, is known: the answer is an empty
// Delivery and no error.
func TestNoneAhead(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	h.add("one")
	d := h.dispatch()
	for name, call := range map[string]func(context.Context, string, string) (webhook.Delivery, error){"Ahead": h.hooks.Ahead, "Successor": h.hooks.Successor} {
		if got, err := call(ctx, scope, d); err != nil || got.ID != "" {
			t.Errorf("%s: %q, %v; want none", name, got.ID, err)
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
