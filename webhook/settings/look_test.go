package settings_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: with a Profile other than Automation the page does not mention automation.
func TestNeutralWords(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, webhook.Standard(), nil)
	check(t, err)
	page, err := settings.New(hooks, &settings.Options{Triggers: []string{"order.paid"}, Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	for _, path := range []string{"/", "/add", "/deliveries"} {
		text := strings.ToLower(serve(page, path).Body.String())
		for _, word := range []string{"automation", "rule", "trigger<", "smart value", "jira", "notification settings"} {
			if strings.Contains(text, word) {
				t.Errorf("%s says %q:\n%s", path, word, text)
			}
		}
	}
	newSite(t, nil).get("/add").wants(t, 200, "Notification Settings", "It begins with https://api-private.atlassian.com/automation/webhooks/")
}

// Rule: an empty text leaves no gap, and the texts are those of the request.
func TestTexts_ofRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) {
		o.Texts = func(r *http.Request) *settings.Texts {
			text := settings.English()
			text.URLHint, text.HowTo, text.Intro = "", nil, ""
			if r.Header.Get("Accept-Language") == "ar" {
				text.Lang, text.Dir, text.AddTitle = "ar", "rtl", "إضافة"
				text.Location = time.FixedZone("AST", 3*3600)
				text.DisabledBecause = func(reason string) string { return map[string]string{webhook.DisabledGone: "انتهى"}[reason] }
			}
			return &text
		}
	})
	s.get("/add", "Accept-Language", "ar").wants(t, 200, `<html lang="ar" dir="rtl"`, "إضافة", `id="hint-url"></p>`)
	if a := s.get("/add"); strings.Contains(a.body, "<aside") || !strings.Contains(a.body, "Add webhook") {
		t.Errorf("the page:\n%s", a.body)
	}
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	now, err := s.store.Webhook(t.Context(), "acme", w.ID)
	check(t, err)
	now.Active, now.DisabledReason, now.DisabledAt = false, webhook.DisabledGone, time.Now()
	check(t, s.store.Update(t.Context(), now))
	s.get("/webhooks/"+w.ID, "Accept-Language", "ar").wants(t, 200, "انتهى")
	s.get("/webhooks/"+w.ID+"/deliveries/"+id, "Accept-Language", "ar").wants(t, 200, " AST<")
	s.get("/webhooks/"+w.ID+"/deliveries/"+id).wants(t, 200, " UTC<")
}

// Rule: a host puts its own name, rules, header and footer on the page, and may show it in a frame.
// An ancestor that is more than an origin is refused.
func TestTheming(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) {
		o.Title, o.CSS, o.Header, o.Footer = "Hooks of Example", ":root { --accent: #ff0000; }", `<header class="top">Example</header>`, "<footer>End</footer>"
		o.FrameAncestors = []string{"https://app.example.com"}
	})
	w := s.add("acme", "Ops")
	a := s.get("/")
	a.wants(t, 200, "<title>Hooks of Example</title>", "<h1>Hooks of Example</h1>", `<header class="top">Example</header>`, "<footer>End</footer>")
	if policy := a.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors https://app.example.com") || a.header.Get("X-Frame-Options") != "" {
		t.Errorf("policy %q, X-Frame-Options %q", policy, a.header.Get("X-Frame-Options"))
	}
	if css := s.get("/assets/settings.css"); !strings.HasSuffix(css.body, ":root { --accent: #ff0000; }") {
		t.Error("the host's rules do not end the stylesheet")
	}
	s.get("/webhooks/"+w.ID).wants(t, 200, "<title>Ops – Hooks of Example</title>")
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cookie := s.post("/webhooks/"+w.ID+"/active", map[string][]string{"to": {"off"}}).header.Get("Set-Cookie")
	for _, part := range []string{"SameSite=None", "Secure", "Partitioned"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
	for _, origin := range []string{"*", "https://a.example;script-src *", "https://a.example/path", "app.example.com", "'none'", "https://a.example https://b.example"} {
		o := &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }, FrameAncestors: []string{origin}}
		if _, err := settings.New(s.hooks, o); err == nil || !strings.Contains(err.Error(), "FrameAncestors") {
			t.Errorf("%q: error %v", origin, err)
		}
	}
}

// Rule: a page, its stylesheet and its script together stay small without compression: the list
// with a full page of webhooks, and the other pages with usual content.
func TestWeight(t *testing.T) {
	t.Parallel()
	profile := webhook.Automation()
	profile.Form.MaxPerScope = 0
	s := newSiteOf(t, profile, func(o *settings.Options) { o.PageSize = 20 })
	w := s.add("acme", "Tell the admins 1")
	var detail string
	for i := range 20 {
		process := fmt.Sprintf("007b5c6c-0078-4cf2-a9d9-3f8c02f742%02d", i)
		s.dispatch("acme", process)
		detail = webhook.DeliveryID("acme", process, w.ID)
	}
	for i := range 49 {
		s.add("acme", fmt.Sprintf("Tell the admins %d", i+2))
	}
	s.dispatch("acme", processID)
	list := s.get("/")
	for text, want := range map[string]int{`<li id=`: 50, `<small title=`: 50, ">Delete</button>": 50} {
		if n := strings.Count(list.body, text); n != want {
			t.Fatalf("%q is %d times in the list, want %d", text, n, want)
		}
	}
	assets := len(s.get("/assets/settings.css").body) + len(s.get("/assets/settings.js").body)
	for _, path := range []string{"/", "/add", "/deliveries", "/webhooks/" + w.ID, "/webhooks/" + w.ID + "/deliveries/" + detail} {
		a := s.get(path)
		a.wants(t, 200)
		if n := len(a.body) + assets; n > 60_000 {
			t.Errorf("%s: %d bytes with stylesheet and script, want at most 60,000", path, n)
		} else {
			t.Logf("%s: %d bytes, of which stylesheet and script %d", path, n, assets)
		}
	}
}
