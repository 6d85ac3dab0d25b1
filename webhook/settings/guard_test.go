package settings_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// changes are all requests that change something.
func changes(id, delivery string) map[string]url.Values {
	at := "/webhooks/" + id
	return map[string]url.Values{
		"/add": form(), at + "/edit": form("version", "1", "name", "Other"), at + "/active": {"to": {"off"}}, at + "/test": nil,
		at + "/delete": nil, at + "/deliveries/" + delivery + "/redeliver": nil, at + "/deliveries/" + delivery + "/cancel": nil,
	}
}

// Rule: a POST from another site is refused and changes nothing; one from a trusted origin is
// accepted.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) { o.TrustedOrigins = []string{"https://admin.example.com"} })
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	before := s.state("acme", id)
	for path, f := range changes(w.ID, id) {
		s.post(path, f, "Sec-Fetch-Site", "cross-site").wants(t, 403, "came from another website")
		s.post(path, f, "Sec-Fetch-Site", "", "Origin", "https://evil.example").wants(t, 403)
	}
	if after := s.state("acme", id); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
	s.post("/webhooks/"+w.ID+"/active", url.Values{"to": {"off"}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://admin.example.com").wants(t, 200)
}

// Rule: a reader's page has no buttons, and a reader's POST changes nothing.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) { o.ReadOnly = func(*http.Request) bool { return true } })
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	for _, path := range []string{"/", "/webhooks/" + w.ID, "/webhooks/" + w.ID + "/deliveries/" + id} {
		a := s.get(path)
		a.wants(t, 200)
		if strings.Contains(a.body, `method="post"`) || strings.Contains(a.body, "/edit") {
			t.Errorf("%s offers a change", path)
		}
	}
	s.get("/").wants(t, 200, "You can look at everything here")
	s.get("/add").wants(t, 403)
	s.get("/webhooks/"+w.ID+"/edit").wants(t, 403)
	before := s.state("acme", id)
	for path, f := range changes(w.ID, id) {
		s.post(path, f).wants(t, 403, "look at webhooks but not change them")
	}
	if after := s.state("acme", id); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// Rule: unknown pages, wrong methods and oversized forms get an answer that says how to go on.
func TestProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	for _, path := range []string{"/nothing", "/add/", "/webhooks/", "/webhooks//edit", "/webhooks/whk_missing", "/webhooks/" + w.ID + "/deliveries/dlv_missing", "/webhooks/a%2Fb"} {
		s.get(path).wants(t, 404, "All webhooks")
	}
	for path, f := range changes("whk_missing", "dlv_missing") {
		switch {
		case strings.HasSuffix(path, "/delete"): // the webhook is gone, as requested
			s.post(path, f).wants(t, 200, "It was gone already")
		case path != "/add":
			s.post(path, f).wants(t, 404, "no longer exists")
		}
	}
	if a := s.get("/webhooks/" + w.ID + "/test"); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("status %d, Allow %q", a.status, a.header.Get("Allow"))
	}
	if a := s.do(http.MethodDelete, "/webhooks/"+w.ID, nil, "Sec-Fetch-Site", "same-origin"); a.status != 405 || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("status %d, Allow %q", a.status, a.header.Get("Allow"))
	}
	s.post("/add", form("notes", strings.Repeat("n", 200<<10))).wants(t, 413, "too much text")
	s.post("/add", url.Values{}, "Content-Type", "application/x-www-form-urlencoded; =").wants(t, 400, "could not be read")
	if n := len(s.list("acme")); n != 1 {
		t.Errorf("%d webhooks", n)
	}
}

// Rule: a link with bytes that no identifier has leads to nothing, and is no failure of the Store.
func TestProblems_bytes(t *testing.T) {
	t.Parallel()
	memory, err := memstore.New(nil)
	check(t, err)
	page, m := pageOver(t, strict{memory})
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Ops", URL: goodURL,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}, Active: true})
	check(t, err)
	for _, bytes := range []string{"%00", "%ff"} {
		for _, path := range []string{"/webhooks/", "/webhooks/" + w.ID + "/deliveries/", "/deliveries/", "/deliveries?event=", "/deliveries?type=",
			"/deliveries?code=", "/webhooks/" + w.ID + "?event=", "/webhooks/" + w.ID + "?after="} {
			got := httptest.NewRecorder()
			page.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path+bytes, nil))
			if got.Code != 404 {
				t.Errorf("%s%s: status %d, want 404", path, bytes, got.Code)
			}
		}
	}
}

// strict fails for a text that PostgreSQL cannot hold.
type strict struct{ *memstore.Store }

func refused(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return errors.New("invalid byte sequence for encoding")
		}
	}
	return nil
}

func (s strict) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := s.Store.Webhook(ctx, scope, id)
	return w, cmp.Or(refused(id), err)
}

func (s strict) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	d, as, err := s.Store.Delivery(ctx, scope, id)
	return d, as, cmp.Or(refused(id), err)
}

func (s strict) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	ds, next, err := s.Store.Deliveries(ctx, q)
	texts := []string{q.WebhookID, q.EventID, q.Type}
	for _, c := range q.Codes {
		texts = append(texts, string(c))
	}
	return ds, next, cmp.Or(refused(texts...), err)
}

// Rule: names, notes and answers are shown as text, never as markup.
func TestEscaping(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`
	a := s.post("/add", form("name", hostile, "notes", "</textarea><script>alert(2)</script>"))
	a.wants(t, 200)
	w := s.list("acme")[0]
	id := s.dispatch("acme", processID)
	for _, path := range []string{a.path, "/", "/webhooks/" + w.ID + "/edit", "/webhooks/" + w.ID + "/deliveries/" + id} {
		page := s.get(path)
		page.wants(t, 200)
		for _, raw := range []string{"<script>alert", "<img src=x", "<b>inactive", "</textarea><script"} {
			if strings.Contains(page.body, raw) {
				t.Errorf("%s: %q is not escaped", path, raw)
			}
		}
	}
	if w.Name != hostile {
		t.Errorf("stored name %q", w.Name)
	}
	s.post("/add", form("name", hostile, "trigger", "")).wants(t, 422, "&lt;script&gt;alert(1)")
}

// Rule: an identifier that a host has chosen ends no attribute, quoted or not.
func TestEscaping_identifiers(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	const hostile = `w onclick=alert(1)><script>alert(2)</script>"'`
	check(t, s.store.Create(t.Context(), webhook.Webhook{ID: hostile, Scope: "acme", Name: "Ops", URL: goodURL, Version: 1, Active: true,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}}, 0))
	page := s.get("/")
	page.wants(t, 200, "Ops")
	for _, raw := range []string{" onclick=", "<script>alert"} {
		if strings.Contains(page.body, raw) {
			t.Errorf("%q is not escaped:\n%s", raw, page.body)
		}
	}
}

// Rule: nothing inline, nothing foreign, nothing cached; assets are the page's own.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.add("acme", "Ops")
	a := s.get("/")
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "same-origin"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("Content-Security-Policy lacks %s", want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(a.body, "style=") || strings.Contains(a.body, "onclick") || strings.Contains(a.body, "<script>") {
		t.Error("something is inline")
	}
	css := s.get("/assets/settings.css")
	css.wants(t, 200, "prefers-color-scheme:dark")
	if got := s.get("/assets/settings.css", "If-None-Match", css.header.Get("ETag")); got.status != 304 {
		t.Errorf("status %d for a stylesheet that the browser has", got.status)
	}
	s.get("/assets/settings.js").wants(t, 200, "use strict")
	s.get("/assets/handler.go").wants(t, 404)
}

// Rule: texts can be replaced one by one; those that are left out stay English.
func TestTexts(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) {
		t := settings.English()
		t.Lang, t.ListTitle, t.Intro, t.NameHint = "de", "Webhooks verwalten", "", ""
		t.Used = func(n, limit int) string { return fmt.Sprintf("%d von %d belegt", n, limit) }
		t.Triggers, t.Confirm = map[string]settings.Trigger{"taskFailure": {Name: "Aufgabe fehlgeschlagen"}}, nil
		o.Texts = func(*http.Request) *settings.Texts { return &t }
		o.Back = settings.Link{Text: "Einstellungen", URL: "/admin"}
	})
	s.get("/").wants(t, 200, `<html lang="de"`, "Webhooks verwalten", "0 von 3 belegt", "Add webhook", `<a href="/admin">Einstellungen</a>`)
	s.get("/add").wants(t, 200, "Aufgabe fehlgeschlagen", "Automated task succeeded")
}

// Rule: a page that is mounted without its slash redirects to the slash, so that relative links
// work.
func TestMount_withoutSlash(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	page, err := settings.New(s.hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	got := httptest.NewRecorder()
	http.StripPrefix(prefix, page).ServeHTTP(got, httptest.NewRequest(http.MethodGet, prefix+"?x=y", nil))
	if to := got.Header().Get("Location"); got.Code != http.StatusPermanentRedirect || to != "./webhooks/" {
		t.Errorf("status %d to %q", got.Code, to)
	}
	s.get("").wants(t, 200, "Webhooks", `href="./assets/settings.css`)
}
