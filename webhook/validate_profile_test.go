package webhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Rule: headers that belong to HTTP, to Postrider or to a signature are refused in any spelling.
func TestReservedHeaders(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	for _, name := range []string{"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive",
		"Upgrade", "TE", "Trailer", "Expect", "Proxy-Authorization", "Proxy-Connection", "Cookie", "Idempotency-Key", "X-Idempotency-Key",
		"Authorization", "User-Agent", "X-Automation-Webhook-Token", "X-Atlassian-Webhook-Identifier", "X-Atlassian-Webhook-Retry",
		"X-Hub-Signature", "X-Hub-Signature-256", "Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
		"Svix-Id", "Svix-Signature", "Stripe-Signature", "X-Convoy-Signature"} {
		for _, spelled := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			_, err := h.hooks.Add(context.Background(), form(func(w *webhook.Webhook) { w.Headers = headers(spelled, "x") }))
			if got := complaint(err); got != "headers refused" {
				t.Errorf("%s: %s, want headers refused", spelled, got)
			}
		}
	}
	for _, name := range []string{"X-Api-Key", "X-Webhook-Id", "Hostname", "Accept"} {
		w, err := h.hooks.Add(context.Background(), form(func(w *webhook.Webhook) { w.Headers = headers(name, "x") }))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := h.hooks.Delete(context.Background(), scope, w.ID); err != nil {
			t.Error(err)
		}
	}
}

// Rule: the profile checks the fields that differ between profiles.
func TestProfilesJudge(t *testing.T) {
	t.Parallel()
	optional := webhook.Standard()
	optional.Name, optional.Form.RequireSecret, optional.Form.Check, optional.Form.AllowNoEvents = "optional", false, nil, true
	entered := webhook.Standard()
	entered.Form.NewSecret = nil
	panics := webhook.Automation()
	panics.Form.Check = func(webhook.Webhook) []webhook.FieldError { panic("check") }
	own := webhook.Automation()
	own.Form.Check = func(webhook.Webhook) []webhook.FieldError {
		return []webhook.FieldError{{Field: "colour", Rule: "taste", Message: "Not this one."}, {Field: "name", Rule: "taste", Message: "Nor this."}}
	}
	targetPanics := webhook.Automation()
	targetPanics.Prepare.Target = func(webhook.Webhook, webhook.Delivery) (string, error) { panic("target") }
	for name, c := range map[string]struct {
		p      webhook.Profile
		o      webhook.Options
		change func(*webhook.Webhook)
		want   string
	}{
		"standard accepts its secrets":       {webhook.Standard(), webhook.Options{}, standardHook, "<nil>"},
		"standard refuses a token":           {webhook.Standard(), webhook.Options{}, func(w *webhook.Webhook) { w.URL, w.Secrets = "https://hooks.example.com/a", secrets("short") }, "secret format"},
		"standard makes a secret":            {webhook.Standard(), webhook.Options{}, func(w *webhook.Webhook) { w.URL, w.Secrets = "https://hooks.example.com/a", nil }, "<nil>"},
		"standard needs a secret":            {entered, webhook.Options{}, func(w *webhook.Webhook) { w.URL, w.Secrets = "https://hooks.example.com/a", nil }, "secret required"},
		"standard takes any trigger":         {webhook.Standard(), webhook.Options{}, func(w *webhook.Webhook) { standardHook(w); w.Events = []string{"invoice.paid"} }, "<nil>"},
		"standard refuses inner hosts":       {webhook.Standard(), webhook.Options{}, func(w *webhook.Webhook) { standardHook(w); w.URL = "https://vault.internal/a" }, "url H6"},
		"standard refuses inner addresses":   {webhook.Standard(), webhook.Options{}, func(w *webhook.Webhook) { standardHook(w); w.URL = "https://169.254.169.254/a" }, "url ADDR"},
		"a profile without secrets":          {optional, webhook.Options{}, func(w *webhook.Webhook) { standardHook(w); w.Secrets, w.Events = nil, nil }, "<nil>"},
		"Check panics":                       {panics, webhook.Options{}, nil, "webhook: hook panicked or ended its goroutine: Profile.Form.Check"},
		"Check adds, in the order of a form": {own, webhook.Options{}, func(w *webhook.Webhook) { w.Events = nil }, "name taste; events required; colour taste"},
		"Target panics":                      {targetPanics, webhook.Options{}, nil, "url refused"},
		"timeout of the host":                {webhook.Automation(), webhook.Options{Timeout: time.Second}, func(w *webhook.Webhook) { w.Timeout = 2 * time.Second }, "timeout range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, newStore(t), c.p, &c.o)
			if c.change == nil {
				c.change = func(*webhook.Webhook) {}
			}
			_, err := h.hooks.Add(context.Background(), form(c.change))
			if got := complaint(err); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// Rule: the messages of a form are sentences, and the error names every field.
func TestValidationErrorText(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	_, err := h.hooks.Add(context.Background(), form(func(w *webhook.Webhook) { w.Name, w.URL = "", "http://api-private.atlassian.com/x" }))
	var v *webhook.ValidationError
	if !errors.As(err, &v) {
		t.Fatalf("%v, want a *ValidationError", err)
	}
	if !strings.HasPrefix(err.Error(), "webhook: invalid name: ") || !strings.Contains(err.Error(), "; url: ") {
		t.Errorf("text %q", err)
	}
	for _, f := range v.Fields {
		if !strings.HasSuffix(f.Message, ".") || strings.HasSuffix(f.Message, "..") || strings.ToUpper(f.Message[:1]) != f.Message[:1] {
			t.Errorf("%s: %q is no sentence", f.Field, f.Message)
		}
	}
	if v.Field("name") == "" || v.Field("url") == "" || v.Field("secret") != "" {
		t.Errorf("Field: name %q, url %q, secret %q", v.Field("name"), v.Field("url"), v.Field("secret"))
	}
}
