package jira_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

// Rule: an administrator cannot send a webhook with headers of the host to another server: the API
// has no headers, so they cannot be entered again. A signing key stays.
func TestAdmin_headersStayWithTheirReceiver(t *testing.T) {
	t.Parallel()
	api, m := newAdmin(t, nil)
	_, path := create(t, api, "acme/ann", currentBody)
	hooks, err := m.List(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	code, got := call(t, api, "acme/bob", "PUT", path, `{"url":"https://elsewhere.example.net/in"}`)
	if code != 200 {
		t.Errorf("PUT of another URL without headers: %d %s", code, got)
	}
	w, err := m.Webhook(t.Context(), "acme", hooks[0].ID)
	if err != nil || w.Secrets[0].Reveal() != "canary-secret" {
		t.Fatalf("the signing key: %v, %v", w.Secrets, err)
	}
	w.Headers = map[string]string{"X-Key": "headerCanary"}
	if w, err = m.Edit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{
		`{"url":"https://evil.example.net/in"}`:                         400,
		`{"url":"https://elsewhere.example.net/in/"}`:                   400,
		`{"url":"HTTPS://Elsewhere.example.net:443/in","name":"other"}`: 200,
		`{"name":"renamed"}`:                                            200,
	} {
		code, got := call(t, api, "acme/bob", "PUT", path, body)
		if code != want || strings.Contains(got, "Canary") || want == 400 && !strings.Contains(got, "X-Key again") {
			t.Errorf("PUT %s: %d %s, want %d", body, code, got, want)
		}
		is, err := m.Webhook(t.Context(), "acme", w.ID)
		if diff := cmp.Diff(w.Headers, is.Headers); err != nil || diff != "" || is.URL != w.URL {
			t.Errorf("PUT %s: %v, %v, headers (-want +got):\n%s", body, is, err, diff)
		}
	}
}

// Rule: when an app registers another URL, headers that the host had set for the old one are not
// sent to it. For the same URL they stay.
func TestSync_headersStayWithTheirReceiver(t *testing.T) {
	t.Parallel()
	rs := new(jira.Memory)
	m := manager(t, jira.Profile(jira.WithRegistrations(rs)))
	o := jira.Owner{Tenant: "acme", App: "one"}
	now := time.Now()
	register := func(url string) webhook.Webhook {
		t.Helper()
		_, err := rs.Register(t.Context(), o, []jira.Registration{{URL: url, Events: []string{"jira:issue_created"}, ExpiresAt: now.Add(time.Hour)}}, now, 9)
		if err == nil {
			err = jira.Sync(t.Context(), m, rs, o)
		}
		if err != nil {
			t.Fatal(err)
		}
		hooks, err := m.List(t.Context(), "acme")
		if err != nil || len(hooks) != 1 {
			t.Fatalf("%d webhooks, %v", len(hooks), err)
		}
		return hooks[0]
	}
	w := register("https://one.example.com/")
	w.Headers, w.Secrets = map[string]string{"X-Key": "value"}, []webhook.Secret{webhook.NewSecret("signing-key")}
	if _, err := m.Edit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if got := register("https://one.example.com/"); got.Headers["X-Key"] != "value" {
		t.Errorf("for the same URL: headers %v, want them kept", got.Headers)
	}
	if err := rs.Delete(t.Context(), o, []int64{1000, 1001}); err != nil {
		t.Fatal(err)
	}
	got := register("https://two.example.com/")
	if got.URL != "https://two.example.com/" || len(got.Headers) != 0 || len(got.Secrets) != 1 {
		t.Errorf("for another URL: %v with headers %v, want the signing key alone", got, got.Headers)
	}
}
