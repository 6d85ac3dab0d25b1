package settings_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
)

const standardURL = "https://hooks.example.com/T1"

// newStandardSite is a page whose webhooks get generated secrets.
func newStandardSite(t *testing.T) *site {
	t.Helper()
	return newSiteOf(t, webhook.Standard(), func(o *settings.Options) {
		o.Triggers = []string{"order.paid"}
		o.ReadOnly = func(r *http.Request) bool { return r.Header.Get("X-Reader") != "" }
	})
}

var secretShown = regexp.MustCompile(`whsec_[A-Za-z0-9+/=&#;0-9]+`)

// shown returns the secret in an answer, which must be the webhook's newest.
func (s *site) shown(a answer) string {
	s.t.Helper()
	text := strings.NewReplacer("&#43;", "+", "&#61;", "=").Replace(secretShown.FindString(a.body))
	if newest := s.list("acme")[0].Secrets[0].Reveal(); text != newest {
		s.t.Errorf("%s: the answer shows %t secret, not the newest", a.path, text != "")
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Set-Cookie") != "" {
		s.t.Errorf("%s: what shows a secret is kept: %v", a.path, a.header)
	}
	return text
}

// hides checks that no page and no header holds a secret.
func (s *site) hides(secrets ...string) {
	s.t.Helper()
	w := s.list("acme")[0]
	for _, path := range []string{"/", "/add", "/webhooks/" + w.ID, "/webhooks/" + w.ID + "/edit"} {
		a := s.get(path)
		for _, secret := range secrets {
			if key := strings.TrimPrefix(secret, "whsec_"); strings.Contains(a.body, key[:20]) || strings.Contains(a.header.Get("Set-Cookie"), key[:20]) {
				s.t.Errorf("%s shows a secret again", path)
			}
		}
	}
}

// Rule: a generated secret is shown only in the answer to the request that made it. Afterwards the
// page shows its name, age and end.
func TestSecretShownOnce(t *testing.T) {
	t.Parallel()
	s := newStandardSite(t)
	s.get("/add").wants(t, 200, "Leave this empty to have one made")
	added := s.post("/add", form("url", standardURL, "secret", "", "trigger", "order.paid"))
	added.wants(t, 200, "Copy this secret to the receiver now", "was added")
	if added.path != "/add" {
		t.Errorf("the answer came from %s: no redirect may lead to a secret", added.path)
	}
	first := s.shown(added)
	s.hides(first)
	w := s.list("acme")[0]
	page := "/webhooks/" + w.ID
	s.get(page).wants(t, 200, w.Secrets[0].ID(), "no end", "New secret")
	if strings.Contains(s.get(page).body, "/revoke") {
		t.Error("the only secret can be revoked")
	}
	rotated := s.post(page+"/secrets", nil)
	rotated.wants(t, 200, "Copy this secret")
	next := s.shown(rotated)
	if first == next || rotated.path != page+"/secrets" {
		t.Errorf("the answer came from %s, or nothing has changed", rotated.path)
	}
	s.hides(first, next)
	s.get(page).wants(t, 200, "in 24 h", "/secrets/"+w.Secrets[0].ID()+"/revoke")
	again := s.post(page+"/secrets", nil) // a reload
	again.wants(t, 409, "The secret before still counts until")
	if secretShown.MatchString(again.body) {
		t.Error("a reload shows a secret")
	}
	s.post(page+"/secrets/"+w.Secrets[0].ID()+"/revoke", nil).wants(t, 200, "A secret of “Ops” was revoked.", "no end")
	only := s.list("acme")[0].Secrets
	if len(only) != 1 || only[0].Reveal() != next {
		t.Fatalf("%d secrets are left, want the newest", len(only))
	}
	s.post(page+"/secrets/"+only[0].ID()+"/revoke", nil).wants(t, 409, "A webhook needs one secret")
	s.post(page+"/secrets/sec_none/revoke", nil).wants(t, 404)
	s.post(page+"/secrets", map[string][]string{"now": {"on"}}).wants(t, 200, "Copy this secret")
	if only := s.list("acme")[0].Secrets; len(only) != 1 {
		t.Errorf("%d secrets count, want the new one alone", len(only))
	}
}

// Rule: a reload of the answer that shows a secret makes nothing and shows nothing.
func TestSecretReload(t *testing.T) {
	t.Parallel()
	s := newStandardSite(t)
	f := form("url", standardURL, "secret", "", "trigger", "order.paid", "once", token(t, s.get("/add")))
	first := s.shown(s.post("/add", f))
	s.post("/add", f).wants(t, 200, "The secret was shown already")
	if n := len(s.list("acme")); n != 1 {
		t.Fatalf("%d webhooks after a reload, want 1", n)
	}
	page := "/webhooks/" + s.list("acme")[0].ID
	f = map[string][]string{"now": {"on"}, "once": {token(t, s.get(page))}}
	next := s.shown(s.post(page+"/secrets", f))
	again := s.post(page+"/secrets", f)
	again.wants(t, 200, "The secret was shown already")
	if now := s.list("acme")[0].Secrets[0].Reveal(); again.path != page || now != next || now == first {
		t.Errorf("the reload ended at %s, or made another secret", again.path)
	}
	s.hides(first, next)
}

// Rule: a typed secret is rotated in. During a rotation it is refused beside its field.
func TestEdit_rotates(t *testing.T) {
	t.Parallel()
	const typed, other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
	s := newStandardSite(t)
	s.post("/add", form("url", standardURL, "secret", "", "trigger", "order.paid"))
	w := s.list("acme")[0]
	edit := func(name, secret string) answer {
		t.Helper()
		version := strconv.FormatInt(s.list("acme")[0].Version, 10)
		return s.post("/webhooks/"+w.ID+"/edit", form("name", name, "version", version, "url", "", "secret", secret, "trigger", "order.paid"))
	}
	edit("Ops", typed).wants(t, 200, "was saved")
	got := s.list("acme")[0]
	if len(got.Secrets) != 2 || got.Secrets[0].Reveal() != typed || time.Until(got.Secrets[1].ExpiresAt()).Round(time.Hour) != 24*time.Hour {
		t.Errorf("%d secrets, the older ends %v", len(got.Secrets), got.Secrets[len(got.Secrets)-1].ExpiresAt())
	}
	edit("Changed", other).wants(t, 409, `id="error-secret"`, "The secret before still counts until")
	if s.list("acme")[0].Name != "Ops" {
		t.Error("a refused edit changed something")
	}
	edit("Changed", "").wants(t, 200, "was saved")
}

// Rule: a reader can neither make nor revoke a secret, and no other website can. Where the
// receiver's side makes secrets, the page does not exist.
func TestSecretsGuarded(t *testing.T) {
	t.Parallel()
	s := newStandardSite(t)
	s.post("/add", form("url", standardURL, "secret", "", "trigger", "order.paid"))
	w := s.list("acme")[0]
	page := "/webhooks/" + w.ID
	for _, path := range []string{page + "/secrets", page + "/secrets/" + w.Secrets[0].ID() + "/revoke"} {
		s.post(path, nil, "X-Reader", "yes").wants(t, 403)
		s.post(path, nil, "Sec-Fetch-Site", "cross-site").wants(t, 403)
		s.post(path, nil, "X-Tenant", "other").wants(t, 404)
		s.get(path).wants(t, 405)
	}
	if looked := s.get(page, "X-Reader", "yes"); strings.Contains(looked.body, "/secrets") {
		t.Error("a reader is offered to change secrets")
	}
	if is := s.list("acme")[0]; is.Version != w.Version {
		t.Error("something has changed")
	}
	a := newSite(t, nil)
	hook := a.add("acme", "Ops")
	a.post("/webhooks/"+hook.ID+"/secrets", nil).wants(t, 404)
	if strings.Contains(a.get("/webhooks/"+hook.ID).body, "New secret") {
		t.Error("a token of a rule cannot be made here")
	}
}
