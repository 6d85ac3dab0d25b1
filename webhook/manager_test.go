package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/webhook"
)

var ctx = context.Background()

func (h *host) webhook(id string) webhook.Webhook {
	h.t.Helper()
	w, err := h.hooks.Webhook(ctx, scope, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

func (h *host) edit(w webhook.Webhook) webhook.Webhook {
	h.t.Helper()
	w, err := h.hooks.Edit(ctx, w)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// Rule: Add returns the stored webhook: a fresh ID, the canonical URL, times, version 1. It ignores
// these fields of its argument.
func TestAdd(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	in := form(func(w *webhook.Webhook) {
		w.ID, w.Version, w.DisabledReason, w.CreatedAt = "mine", 7, "because", time.Unix(1, 0)
		w.URL = "HTTPS://API-Private.Atlassian.com:443/automation/webhooks/jira/a/X/Y?q=1"
		w.Headers, w.Attributes, w.Notes = headers("X-Key", "v"), headers("colour", "red"), "two\nlines"
	})
	got, err := h.hooks.Add(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	want := in
	want.URL, want.Version, want.DisabledReason = "https://api-private.atlassian.com/automation/webhooks/jira/a/X/Y?q=1", 1, ""
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(webhook.Webhook{}, "ID", "CreatedAt", "UpdatedAt")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.ID, "whk_") || time.Since(got.CreatedAt) > time.Minute || !got.UpdatedAt.Equal(got.CreatedAt) {
		t.Errorf("ID %s, created %v, updated %v", got.ID, got.CreatedAt, got.UpdatedAt)
	}
	in.Headers["X-Key"], in.Events[0] = "changed", "changed"
	got.Attributes["colour"] = "changed"
	if diff := cmp.Diff(want, h.webhook(got.ID), cmpopts.IgnoreFields(webhook.Webhook{}, "ID", "CreatedAt", "UpdatedAt", "Headers", "Events", "Attributes")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if w := h.webhook(got.ID); w.Headers["X-Key"] != "v" || w.Events[0] != "taskSuccess" || w.Attributes["colour"] != "red" {
		t.Errorf("the stored webhook shares memory with that of the caller: %v %v %v", w.Headers, w.Events, w.Attributes)
	}
}

// Rule: a scope has three webhooks at most, also when fifty are added at once; inactive
// ones count, other scopes do not.
func TestLimitUnderConcurrentAdds(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	var added, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, err := h.hooks.Add(ctx, form(func(w *webhook.Webhook) { w.Active = i%2 == 0 }))
			switch {
			case err == nil:
				added.Add(1)
			case errors.Is(err, webhook.ErrLimit):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if added.Load() != 3 || refused.Load() != 47 {
		t.Errorf("%d added and %d refused, want 3 and 47", added.Load(), refused.Load())
	}
	ws, err := h.hooks.List(ctx, scope)
	if err != nil || len(ws) != 3 {
		t.Errorf("%d stored, %v", len(ws), err)
	}
	if _, err := h.hooks.Add(ctx, form(func(w *webhook.Webhook) { w.Scope = "other" })); err != nil {
		t.Errorf("another scope: %v", err)
	}
	if err := h.hooks.Delete(ctx, scope, ws[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.hooks.Add(ctx, form()); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
}

// Rule: the host sets the limit; 0 means none.
func TestLimitIsAdjustable(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{1: 1, 5: 5, 0: 20} {
		p := webhook.Automation()
		p.Form.MaxPerScope = limit
		h := newHost(t, newStore(t), p, nil)
		n := 0
		for range 20 {
			if _, err := h.hooks.Add(ctx, form()); err == nil {
				n++
			} else if !errors.Is(err, webhook.ErrLimit) {
				t.Fatal(err)
			}
		}
		if n != want {
			t.Errorf("limit %d: %d added, want %d", limit, n, want)
		}
	}
}

// Rule: SetActive changes nothing else. A webhook that the rules now refuse can be switched off but
// not on.
func TestSetActive(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	h := newHost(t, store, webhook.Automation(), nil)
	was := h.add("one")
	if err := h.hooks.SetActive(ctx, scope, was.ID, false); err != nil {
		t.Fatal(err)
	}
	want := was
	want.Active, want.Version = false, 2
	if diff := cmp.Diff(want, h.webhook(was.ID), cmpopts.IgnoreFields(webhook.Webhook{}, "UpdatedAt")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := h.hooks.SetActive(ctx, scope, was.ID, true); err != nil || !h.webhook(was.ID).Active {
		t.Errorf("on again: %v", err)
	}
	refused := h.webhook(was.ID)
	refused.URL = "https://old.example.com/hook"
	if err := store.Update(ctx, refused); err != nil {
		t.Fatal(err)
	}
	if err := h.hooks.SetActive(ctx, scope, was.ID, false); err != nil || h.webhook(was.ID).Active {
		t.Errorf("what is refused by now could not be switched off: %v", err)
	}
	if err := h.hooks.SetActive(ctx, scope, was.ID, true); complaint(err) != "url A4" {
		t.Errorf("what is refused by now was switched on: %v", err)
	}
}

// Rule: a failing webhook has a health, and a change that may have corrected the fault starts a new
// one: another URL, secret or header, another place of the secret, an activation.
func TestHealthStartsAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mend  func(h *host, w webhook.Webhook)
		clean bool
	}{
		"URL":    {func(h *host, w webhook.Webhook) { w.URL += "/new"; h.edit(w) }, true},
		"secret": {func(h *host, w webhook.Webhook) { w.Secrets = secrets("new"); h.edit(w) }, true},
		"header": {func(h *host, w webhook.Webhook) { w.Headers = headers("X-New", "x"); h.edit(w) }, true},
		"in path": {func(h *host, w webhook.Webhook) {
			w.Attributes = headers(webhook.AttrSecretIn, webhook.SecretInPath)
			h.edit(w)
		}, true},
		"rotation": {func(h *host, w webhook.Webhook) {
			if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret("new")); err != nil {
				h.t.Error(err)
			}
		}, true},
		"off and on": {func(h *host, w webhook.Webhook) { h.setActive(w, false); h.setActive(w, true) }, true},
		"off":        {func(h *host, w webhook.Webhook) { h.setActive(w, false) }, false},
		"name":       {func(h *host, w webhook.Webhook) { w.Name = "new"; h.edit(w) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := &receiver{answer: func(int, request) answer { return answer{status: 503, after: "600"} }}
			inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
				w := h.add("one")
				h.dispatch()
				settled(time.Second)
				sick, err := h.hooks.Health(ctx, scope, w.ID)
				if err != nil || sick.Status(time.Now()) != webhook.HealthPaused || sick.Failures != 1 {
					t.Fatalf("health %+v, %v, want paused after one failure", sick, err)
				}
				c.mend(h, w)
				settled(0)
				got, err := h.hooks.Health(ctx, scope, w.ID)
				if err != nil {
					t.Fatal(err)
				}
				want := sick
				if c.clean {
					want = webhook.Health{WebhookID: w.ID, Scope: scope}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("health (-want +got):\n%s", diff)
				}
				before := len(to.seen())
				if err := h.hooks.SetActive(ctx, scope, w.ID, w.Active && h.webhook(w.ID).Active); err != nil {
					t.Fatal(err)
				}
				h.dispatchAll()
				settled(time.Second)
				if sent := len(to.seen()) - before; (sent == 1) != c.clean {
					t.Errorf("%d requests afterwards, clean %t", sent, c.clean)
				}
			})
		})
	}
}

// storeOnly hides every optional interface of a Store.
type storeOnly struct{ webhook.Store }

// registryOnly is a Store with a Registry and no History.
type registryOnly struct {
	webhook.Store
	webhook.Registry
}

func (r registryOnly) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return r.Registry.Webhooks(ctx, scope)
}

// Rule: a Store without the optional interfaces works, and calls that need one return
// ErrUnsupported.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	d, err := webhook.New(storeOnly{s}, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Manager(); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("Manager without a Registry: %v", err)
	}
	h := newHost(t, registryOnly{s, s}, webhook.Automation(), nil)
	h.add("one")
	id := h.dispatch()
	for name, call := range map[string]func() error{
		"Delivery":   func() error { _, _, err := h.hooks.Delivery(ctx, scope, id); return err },
		"Deliveries": func() error { _, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope}); return err },
		"Redeliver":  func() error { return h.hooks.Redeliver(ctx, scope, id) },
		"Cancel":     func() error { return h.hooks.Cancel(ctx, scope, id) },
		"Replay":     func() error { _, err := h.hooks.Replay(ctx, webhook.Query{Scope: scope}, 1); return err },
		"Explain":    func() error { _, err := h.Explain(ctx, scope, id); return err },
	} {
		if err := call(); !errors.Is(err, webhook.ErrUnsupported) {
			t.Errorf("%s without a History: %v, want ErrUnsupported", name, err)
		}
	}
}

// Rule: errors of the Manager hold neither secrets nor the part of a URL after the host.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	const canary = "canary0123456789"
	for _, c := range fields {
		in := form(c.change)
		if strings.Contains(in.URL, "//") {
			in.URL += canary
		}
		for i, s := range in.Secrets {
			in.Secrets[i] = webhook.NewSecret(s.Reveal() + canary + "\n")
		}
		for name := range in.Headers {
			in.Headers[name] += canary + "\n"
		}
		_, err := h.hooks.Add(ctx, in)
		if err == nil {
			continue
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}
