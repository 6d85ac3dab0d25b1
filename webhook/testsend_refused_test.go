package webhook_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: a test follows the same rules as a delivery, with the webhook as it is now. A fault before
// the request reaches neither the endpoint nor the host.
func TestManagerTestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile func(*webhook.Profile)
		row     func(*webhook.Webhook)
		want    webhook.Code
	}{
		"URL of another host":  {nil, func(w *webhook.Webhook) { w.URL = "https://evil.example.com/x" }, webhook.CodeURLRejected},
		"URL of an address":    {func(p *webhook.Profile) { p.Allow = webhook.Standard().Allow }, func(w *webhook.Webhook) { w.URL = "https://10.0.0.1/x" }, webhook.CodeBlockedAddress},
		"URL that is none":     {nil, func(w *webhook.Webhook) { w.URL = "::" }, webhook.CodeURLRejected},
		"header that is fixed": {nil, func(w *webhook.Webhook) { w.Headers = headers("Host", "evil.example.com") }, webhook.CodeConfig},
		"header with CRLF":     {nil, func(w *webhook.Webhook) { w.Headers = headers("X", "a\r\nHost: b") }, webhook.CodeConfig},
		"secret with CRLF":     {nil, func(w *webhook.Webhook) { w.Secrets = secrets("a\r\nHost: b") }, webhook.CodeConfig},
		"secret not for paths": {nil, func(w *webhook.Webhook) {
			w.Secrets, w.Attributes = secrets("a/../b"), headers(webhook.AttrSecretIn, webhook.SecretInPath)
		}, webhook.CodeURLRejected},
		"Sign panics": {func(p *webhook.Profile) {
			p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) { panic("sign") }
		}, nil, webhook.CodeConfig},
		"signer panics": {func(p *webhook.Profile) {
			p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) { return panicSigner{}, nil }
		}, nil, webhook.CodeConfig},
		"signer moves the request": {func(p *webhook.Profile) {
			p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) {
				return sign.Func(func(r *http.Request, _ sign.Message) error { r.Method = "GET"; return nil }), nil
			}
		}, nil, webhook.CodeConfig},
		"Header panics": {func(p *webhook.Profile) {
			p.Prepare.Header = func(webhook.Webhook, webhook.Delivery, http.Header) { panic("header") }
		}, nil, webhook.CodeConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := webhook.Automation()
			if c.profile != nil {
				c.profile(&p)
			}
			h := newHost(t, newStore(t), p, nil)
			w := h.add("one")
			if c.row != nil { // behind the Manager's back
				c.row(&w)
				if err := h.store.(webhook.Registry).Update(ctx, w); err != nil {
					t.Fatal(err)
				}
			}
			if a := h.sendTest(w); a.Code != c.want || a.Status != 0 {
				t.Errorf("attempt %+v, want %s", a, c.want)
			}
			if n := len(h.to.seen()); n != 0 {
				t.Errorf("%d requests, want none", n)
			}
			if n := h.Status().InFlight; n != 0 {
				t.Errorf("%d slots were not given back", n)
			}
		})
	}
}

// Rule: a webhook that was not saved, or is gone, cannot be tested.
func TestManagerTestOfUnsaved(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	w := h.add("one")
	if err := h.hooks.Delete(ctx, scope, w.ID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "whk_unknown", w.ID} {
		if _, err := h.hooks.Test(ctx, scope, id); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", id, err)
		}
	}
	if n := len(h.to.seen()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Rule: a stored URL is checked again before a request, also if the Profile has no Target.
func TestStoredURLIsJudged(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://hooks.example.com/in", "https://127.0.0.1/in", "https://user@hooks.example.com/in", "::"} {
		h := newHost(t, newStore(t), webhook.Standard(), nil)
		w := webhook.Webhook{ID: "whk_1", Scope: scope, URL: url, Secrets: []webhook.Secret{webhook.NewSecret(standardSecret)}}
		d := webhook.Delivery{ID: "dlv_1", EventID: "evt_1", WebhookID: w.ID, Scope: scope, Body: []byte("{}")}
		if a := webhook.Send(t.Context(), h.Dispatcher, w, d); a.Code != webhook.CodeURLRejected && a.Code != webhook.CodeBlockedAddress {
			t.Errorf("%s: %q, want it refused", url, a.Code)
		}
		if n := len(h.to.seen()); n != 0 {
			t.Errorf("%s: %d requests", url, n)
		}
	}
}
