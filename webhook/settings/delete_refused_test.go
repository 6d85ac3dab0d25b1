package settings_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: where the Profile refuses to delete a webhook, the page shows the reason and the webhook
// stays.
func TestDelete_refusedByTheProfile(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.Form.Delete = func(context.Context, string, string, func(context.Context) error) error {
		return &webhook.ValidationError{Fields: []webhook.FieldError{{Field: "webhook", Rule: "attached", Message: "Something <else> needs it."}}}
	}
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, p, nil)
	check(t, err)
	m, err := hooks.Manager()
	check(t, err)
	page, err := settings.New(hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Ops", URL: goodURL, Events: []string{"taskSuccess"}, Active: true,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}})
	check(t, err)
	answer := httptest.NewRecorder()
	page.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/"+w.ID+"/delete", nil))
	if answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "Something &lt;else&gt; needs it.") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if _, err := m.Webhook(t.Context(), "acme", w.ID); err != nil {
		t.Errorf("the webhook is gone: %v", err)
	}
}
