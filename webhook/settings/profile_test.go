package settings_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: with another Profile the page offers the host's triggers and has no limit. A new secret
// keeps the one before beside it, so that the receiver can change over. Types that the form does
// not offer stay.
func TestProfile(t *testing.T) {
	t.Parallel()
	const first, second = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwY2FuYXJ5", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	store, err := memstore.New(nil)
	check(t, err)
	profile := webhook.Standard()
	profile.Form.MaxPerScope = 0
	hooks, err := webhook.New(store, profile, nil)
	check(t, err)
	page, err := settings.New(hooks, &settings.Options{Triggers: []string{"order.paid", "order.sent"},
		Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	m, err := hooks.Manager()
	check(t, err)
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Shop", URL: "https://hooks.example.com/x", Active: true,
		Secrets: []webhook.Secret{webhook.NewSecret(first)}, Events: []string{"order.paid", "internal.audit"}, Headers: map[string]string{"X-Team": "ops"}})
	check(t, err)

	get := httptest.NewRecorder()
	page.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/webhooks/"+w.ID+"/edit", nil))
	if text := get.Body.String(); !strings.Contains(text, `value="order.paid" checked`) || strings.Contains(text, "internal.audit") {
		t.Errorf("the form offers\n%s", text)
	}
	get = httptest.NewRecorder()
	page.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/", nil))
	if !strings.Contains(get.Body.String(), ">1 webhook<") {
		t.Errorf("the list says\n%s", get.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/webhooks/"+w.ID+"/edit", strings.NewReader(form("version", "1", "trigger", "order.sent", "url", "", "secret", second).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post := httptest.NewRecorder()
	if page.ServeHTTP(post, r); post.Code != http.StatusSeeOther {
		t.Fatalf("status %d:\n%s", post.Code, post.Body)
	}
	got, err := m.Webhook(t.Context(), "acme", w.ID)
	check(t, err)
	if strings.Join(got.Events, " ") != "order.sent internal.audit" || got.Headers["X-Team"] != "ops" || got.URL != w.URL {
		t.Errorf("stored %+v", got)
	}
	if len(got.Secrets) != 2 || got.Secrets[0].Reveal() != second || got.Secrets[1].Reveal() != first {
		t.Errorf("%d secrets are stored, or in another order", len(got.Secrets))
	}
}
