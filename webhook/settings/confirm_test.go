package settings_test

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/payload"
)

var formAction = regexp.MustCompile(`<form method="post" action="([^"]+)"`)

// Rule: before a webhook is deleted, and before a secret is revoked or replaced at once, a page says
// what is lost. Links lead to it, and its button sends the form, so no script is needed.
func TestConfirm(t *testing.T) {
	t.Parallel()
	s := newStandardSite(t)
	s.post("/add", form("url", standardURL, "secret", "", "trigger", "order.paid"))
	w := s.list("acme")[0]
	page := "/webhooks/" + w.ID
	s.post(page+"/secrets", nil).wants(t, 200, "Copy this secret")
	secrets := s.list("acme")[0].Secrets
	if _, err := s.hooks.Dispatch(t.Context(), payload.Event{ID: "evt-1", Scope: "acme", Type: "order.paid", Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	revoke := page + "/secrets/" + secrets[1].ID() + "/revoke"
	shown := s.get(page)
	for at, says := range map[string]string{
		revoke + "/confirm":       "Revoke a secret of “Ops”?",
		page + "/secrets/confirm": "Replace the secret of “Ops” at once?",
		page + "/delete":          "Deliveries that wait for it now: 1.",
	} {
		if !strings.Contains(shown.body, at[1:]+`"`) {
			t.Errorf("the page has no link to %s", at)
		}
		s.get(at).wants(t, 200, says, "This cannot be undone", `name="once"`)
		s.get(at, "X-Reader", "yes").wants(t, 403)
		s.get(at, "X-Tenant", "other").wants(t, 404)
	}
	for _, button := range []string{`action="` + revoke[1:], `name="now"`, `/delete"><input`} {
		if strings.Contains(shown.body, button) {
			t.Errorf("the page has a button that does not ask: %s", button)
		}
	}
	if now := s.list("acme"); len(now) != 1 || len(now[0].Secrets) != 2 {
		t.Fatal("a question has changed something")
	}
	s.get(page+"/secrets/sec_none/revoke/confirm").wants(t, 404)

	confirm := func(at string) answer {
		t.Helper()
		asked := s.get(at)
		f := map[string][]string{"once": {token(t, asked)}}
		if strings.Contains(asked.body, `name="now"`) {
			f["now"] = []string{"on"}
		}
		action := formAction.FindStringSubmatch(asked.body)
		if action == nil {
			t.Fatalf("%s has no form:\n%s", at, asked.text())
		}
		return s.post(path.Join(path.Dir(at), action[1]), f)
	}
	confirm(revoke+"/confirm").wants(t, 200, "A secret of “Ops” was revoked.")
	confirm(page+"/secrets/confirm").wants(t, 200, "Copy this secret")
	if only := s.list("acme")[0].Secrets; len(only) != 1 || only[0].ID() == secrets[0].ID() {
		t.Errorf("%d secrets count, want the new one alone", len(only))
	}
	confirm(page+"/delete").wants(t, 200, "“Ops” was deleted")
	if n := len(s.list("acme")); n != 0 {
		t.Errorf("%d webhooks are left", n)
	}

	a := newSite(t, nil)
	hook := a.add("acme", "Ops")
	if body := a.get("/webhooks/" + hook.ID).body; !strings.Contains(body, hook.ID+`/delete"><input`) {
		t.Error("Automation's page asks, its vendor's does not")
	}
	a.get("/webhooks/"+hook.ID+"/secrets/confirm").wants(t, 404)
}
