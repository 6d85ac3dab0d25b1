package settings_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const otherURL = "https://api-private.atlassian.com/automation/webhooks/jira/a/other/one"

// Rule: a person who may edit but not read cannot send a stored credential elsewhere. The form asks
// for it again, beside its field, and changes nothing.
func TestEdit_asksAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	w.Headers = map[string]string{"X-One": canarySecret + "1", "X-Two": canarySecret + "2"}
	w, err := s.m.Edit(t.Context(), w)
	check(t, err)
	edit := "/webhooks/" + w.ID + "/edit"
	s.get(edit).wants(t, 200, "Header X-One", `name="header.X-Two"`)
	for name, tt := range map[string]struct {
		change []string
		want   []string
	}{
		"nothing":     {[]string{"secret", ""}, []string{`id="error-secret"`, `href="#field-secret"`, "Enter the secret again", `id="error-headers"`, "X-One, X-Two again"}},
		"secret":      {nil, []string{`href="#field-headers"`, "X-One, X-Two again"}},
		"one header":  {[]string{"header.X-One", "typed"}, []string{"value of X-Two again"}},
		"headers":     {[]string{"header.X-One", "typed", "header.X-Two", "typed", "secret", ""}, []string{"Enter the secret again"}},
		"other names": {[]string{"header.X-Three", "typed", "header.x-one", "typed"}, []string{"X-One, X-Two again"}},
	} {
		s.post(edit, form(append([]string{"version", "2", "url", otherURL}, tt.change...)...)).wants(t, 422, tt.want...)
		if diff := cmp.Diff(w, s.list("acme")[0]); diff != "" {
			t.Errorf("%s: something has changed (-want +got):\n%s", name, diff)
		}
	}
	s.post(edit, form("version", "2", "url", otherURL, "header.X-One", "typed", "header.X-Two", "typed too", "secret", "new-secret")).wants(t, 200, "was saved")
	got := s.list("acme")[0]
	if diff := cmp.Diff(map[string]string{"X-One": "typed", "X-Two": "typed too"}, got.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if len(got.Secrets) != 1 || got.Secrets[0].Reveal() != "new-secret" {
		t.Errorf("%d secrets, want the new one alone: the one before was for another URL", len(got.Secrets))
	}
	s.post(edit, form("version", "3", "url", otherURL, "secret", "", "name", "Same URL")).wants(t, 200, "was saved")
	if got := s.list("acme")[0]; got.Headers["X-One"] != "typed" || got.Secrets[0].Reveal() != "new-secret" {
		t.Error("with the same URL something was lost")
	}
}

// Rule: where a request holds the secret, the one that was typed counts at once and alone.
func TestEdit_secrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	version := w.Version
	for _, step := range []struct{ url, typed, want string }{
		{"", "second", "second"},
		{"", "second", "second"},
		{goodURL, "third", "third"},
		{"", "", "third"},
		{"HTTPS" + goodURL[5:], "fourth", "fourth"},
		{otherURL, "fifth", "fifth"},
	} {
		f := form("version", strconv.FormatInt(version, 10), "url", step.url, "secret", step.typed)
		s.post("/webhooks/"+w.ID+"/edit", f).wants(t, 200, "was saved")
		version++
		var got []string
		for _, secret := range s.list("acme")[0].Secrets {
			got = append(got, secret.Reveal())
		}
		if diff := cmp.Diff(step.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", step.typed, diff)
		}
	}
}
