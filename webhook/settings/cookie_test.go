package settings_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// mounted is a page below prefix over a Store with one webhook; a header names the tenant.
type mounted struct {
	t       *testing.T
	id      string
	handler http.Handler
}

func mount(t *testing.T, o settings.Options) *mounted {
	t.Helper()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	check(t, err)
	m, err := hooks.Manager()
	check(t, err)
	o.Scope = func(r *http.Request) (string, error) { return r.Header.Get("X-Tenant"), nil }
	page, err := settings.New(hooks, &o)
	check(t, err)
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: strings.Repeat(`"<é`, 60), URL: goodURL,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}, Active: true})
	check(t, err)
	return &mounted{t, w.ID, http.StripPrefix(prefix, page)}
}

// post switches the webhook off and returns the cookie with the notice.
func (m *mounted) post(change func(*http.Request)) *http.Cookie {
	m.t.Helper()
	r := httptest.NewRequest(http.MethodPost, prefix+"/webhooks/"+m.id+"/active", strings.NewReader(url.Values{"to": {"off"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Tenant", "acme")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		m.t.Fatalf("status %d, cookies %v", w.Code, cookies)
	}
	return cookies[0]
}

// shows reports whether the list shows the notice of a cookie.
func (m *mounted) shows(tenant, value string) bool {
	m.t.Helper()
	r := httptest.NewRequest(http.MethodGet, prefix+"/", nil)
	r.Header.Set("X-Tenant", tenant)
	r.Header.Set("Cookie", "postrider_notice="+value)
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		m.t.Errorf("status %d", w.Code)
	}
	return strings.Contains(w.Body.String(), `class="notice`)
}

// Rule: the cookie is for the page alone, short, out of reach of scripts and other sites, and
// limited to https where the page is reached by https.
func TestCookie(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		o      settings.Options
		change func(*http.Request)
		path   string
		secure bool
	}{
		"http":                    {path: prefix + "/"},
		"https":                   {change: func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, path: prefix + "/", secure: true},
		"https ends at a proxy":   {o: settings.Options{SecureCookie: true}, path: prefix + "/", secure: true},
		"what a client claims":    {change: func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, path: prefix + "/"},
		"a proxy changes paths":   {o: settings.Options{CookiePath: "/outside"}, path: "/outside"},
		"a mount no cookie holds": {change: func(r *http.Request) { r.RequestURI = "/a;b" + strings.TrimPrefix(r.RequestURI, prefix) }, path: "/"},
		"a path that was changed": {change: func(r *http.Request) { r.RequestURI = "/elsewhere" }, path: "/"},
	} {
		m := mount(t, tt.o)
		c := m.post(tt.change)
		if c.Path != tt.path || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 60 || c.Domain != "" {
			t.Errorf("%s: %v, want path %s, Secure %t", name, c, tt.path, tt.secure)
		}
		if len(c.Value) > 2048 {
			t.Errorf("%s: %d bytes", name, len(c.Value))
		}
		if !m.shows("acme", c.Value) {
			t.Errorf("%s: the notice is not shown", name)
		}
	}
}

// Rule: the page shows no notice but its own, for this tenant, of the last minute.
func TestCookie_forged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := mount(t, settings.Options{})
		good := m.post(nil).Value
		if !m.shows("acme", good) {
			t.Fatal("the notice is not shown")
		}
		raw, err := base64.RawURLEncoding.DecodeString(good)
		check(t, err)
		forged := map[string]string{
			"nothing": "", "no base64": "!", "unsigned": base64.RawURLEncoding.EncodeToString([]byte(`{"k":"off","n":"forged"}`)),
			"padded": good + "=", "longer": good + "AAAA", "huge": strings.Repeat("A", 100_000), "cut off": good[:len(good)-4],
			"of another host": mount(t, settings.Options{}).post(nil).Value,
		}
		for i := range raw {
			changed := append([]byte(nil), raw...)
			changed[i] ^= 1
			forged[fmt.Sprintf("byte %d", i)] = base64.RawURLEncoding.EncodeToString(changed)
		}
		for name, value := range forged {
			if m.shows("acme", value) {
				t.Errorf("%s is shown", name)
			}
		}
		if m.shows("acmf", good) || m.shows("acme-2", good) {
			t.Error("another tenant is shown the notice")
		}
		time.Sleep(59 * time.Second)
		if !m.shows("acme", good) {
			t.Error("after 59 s the notice is not shown")
		}
		time.Sleep(2 * time.Second)
		if m.shows("acme", good) {
			t.Error("after 61 s the notice is shown")
		}
	})
}

// Rule: hosts with the same key show each other's notices. An invalid key or path is refused by
// name.
func TestCookie_options(t *testing.T) {
	t.Parallel()
	key := webhook.NewSecret(strings.Repeat("k", 32))
	one, two := mount(t, settings.Options{CookieKey: key}), mount(t, settings.Options{CookieKey: key})
	if !two.shows("acme", one.post(nil).Value) {
		t.Error("with the same key the notice of another host is not shown")
	}
	hooks := newSite(t, nil).hooks
	for want, o := range map[string]settings.Options{"CookieKey": {CookieKey: webhook.NewSecret("short")}, "CookiePath": {CookiePath: "a;b"}} {
		o.Scope = func(*http.Request) (string, error) { return "acme", nil }
		if _, err := settings.New(hooks, &o); err == nil || !strings.Contains(err.Error(), "Options."+want) || strings.Contains(err.Error(), "short") {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
}
