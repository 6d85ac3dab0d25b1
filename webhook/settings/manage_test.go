package settings_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// keyless is a Store whose sealing key is missing.
type keyless struct{ *memstore.Store }

func (k keyless) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := k.Store.Webhook(ctx, scope, id)
	w.URL, w.Secrets, w.Unreadable = "", nil, webhook.ErrSealed
	return w, err
}

func (k keyless) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := k.Store.Webhooks(ctx, scope)
	for i := range ws {
		ws[i].URL, ws[i].Secrets, ws[i].Unreadable = "", nil, webhook.ErrSealed
	}
	return ws, err
}

// Rule: a webhook whose secrets cannot be opened has a page, on which it can be switched off and
// deleted.
func TestSealedPage(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	check(t, store.Create(t.Context(), webhook.Webhook{ID: "whk_1", Scope: "acme", Name: "Ops", Active: true, URL: "https://example.com/",
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}}, 0))
	page, _ := pageOver(t, keyless{store})
	do := func(method, path string, form url.Values) int {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w.Code
	}
	for _, path := range []string{"/", "/webhooks/whk_1", "/webhooks/whk_1/edit"} {
		if code := do("GET", path, nil); code != http.StatusOK {
			t.Errorf("%s: status %d", path, code)
		}
	}
	code := do("POST", "/webhooks/whk_1/active", url.Values{"to": {"off"}})
	if w, err := store.Webhook(t.Context(), "acme", "whk_1"); code != http.StatusSeeOther || err != nil || w.Active || len(w.Secrets) != 1 {
		t.Errorf("switched off: status %d, active %t, %d secrets, %v", code, w.Active, len(w.Secrets), err)
	}
	if code = do("POST", "/webhooks/whk_1/delete", nil); code != http.StatusSeeOther {
		t.Errorf("deleted: status %d", code)
	}
	if ws, err := store.Webhooks(t.Context(), "acme"); err != nil || len(ws) != 0 {
		t.Errorf("%d webhooks are left, %v", len(ws), err)
	}
}

// Rule: with Automation delete acts at once, without a confirmation; an option adds one.
func TestDelete(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	s.get("/webhooks/"+w.ID+"/delete").wants(t, 405)
	id := s.dispatch("acme", processID)
	s.post("/webhooks/"+w.ID+"/delete", nil).wants(t, 200, "“Ops” was deleted", "No webhooks yet")
	if len(s.list("acme")) != 0 {
		t.Error("it is still there")
	}
	if d, _, err := s.m.Delivery(t.Context(), "acme", id); err != nil || d.State != webhook.StateFailed || d.LastCode != webhook.CodeCancelled {
		t.Errorf("what was queued: %v, %s %s", err, d.State, d.LastCode)
	}
	s.post("/webhooks/"+w.ID+"/delete", nil).wants(t, 200, "It was gone already", "No webhooks yet")

	s = newSite(t, func(o *settings.Options) { o.ConfirmDelete = true })
	w = s.add("acme", "Ops")
	s.get("/").wants(t, 200, `<a href=webhooks/`+w.ID+`/delete>`)
	s.get("/webhooks/"+w.ID+"/delete").wants(t, 200, "Delete “Ops”?")
	s.post("/webhooks/"+w.ID+"/delete", nil).wants(t, 200, "“Ops” was deleted")
}

// Rule: a test shows its result and the limits of its proof, and leaves no delivery.
func TestTest(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	a := s.post("/webhooks/"+w.ID+"/test", nil)
	a.wants(t, 200, "accepted with status 200", "proves that URL and secret are accepted", "does not prove that smart values resolve", "answer of the rule", "Nothing has been sent yet")
	s.status.Store(401)
	s.post("/webhooks/"+w.ID+"/test", map[string][]string{"sample": {"taskSuccess"}}).wants(t, 200, "failed after", "401")
	s.post("/webhooks/"+w.ID+"/test", map[string][]string{"sample": {"nonsense"}}).wants(t, 400)
	if n := s.sent.Load(); n != 2 {
		t.Errorf("%d requests were sent, want 2", n)
	}
}

// Rule: a test is sent like every delivery: its URL is judged again, and a redirect is not
// followed.
func TestTest_refusals(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	s.status.Store(302)
	s.post("/webhooks/"+w.ID+"/test", nil).wants(t, 200, "redirected, which is not followed")
	sent := s.sent.Load()
	check(t, s.store.Create(t.Context(), webhook.Webhook{ID: "whk_old", Scope: "acme", Name: "Old", URL: "https://old.example.com/" + canaryPath,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}}, 0))
	s.post("/webhooks/whk_old/test", nil).wants(t, 200, "the URL is not allowed")
	if s.sent.Load() != sent {
		t.Error("a request went to a URL that is not allowed")
	}
}
