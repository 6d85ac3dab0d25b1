package settings_test

import (
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: delete acts at once, without a confirmation; an option adds one.
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
