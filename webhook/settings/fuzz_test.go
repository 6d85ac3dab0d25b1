package settings_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: for every path, query, cookie and form the answer is a page that says how to go on. It
// shows nothing that was typed as URL or secret.
func FuzzRequest(f *testing.F) {
	f.Add("", "", "", "")
	f.Add("add", "", "eyJrIjoidGVzdGVkIn0", "name=x&trigger=taskSuccess")
	f.Add("deliveries", "event=x&type=y&code=ok&since=2026-03-04T12:00&until=2026-03-05T12:00", "", "")
	f.Add("webhooks/whk_x/resend", "since=2026-03-04T12:00", "", "since=2026-03-04T12:00&rate=5&once=x")
	f.Add("webhooks/whk_x/deliveries/dlv_x", "after=x&state=pending", "eyJrIjoiYWRkZWQiLCJuIjoiXHUwMDNjIn0", "%zz")
	store, err := memstore.New(nil)
	if err != nil {
		f.Fatal(err)
	}
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	if err != nil {
		f.Fatal(err)
	}
	page, err := settings.New(hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query, cookie, form string) {
		typed := url.Values{"url": {"https://typed.example/" + path}, "secret": {"canary" + form}}.Encode()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := &http.Request{Method: method, URL: &url.URL{Path: "/" + path, RawQuery: query}, RequestURI: "/x", Header: http.Header{}, Body: http.NoBody}
			r.Header.Set("Cookie", "postrider_notice="+cookie)
			if method == http.MethodPost {
				r = httptest.NewRequest(method, "/", strings.NewReader(typed+"&"+form))
				r.URL.Path, r.URL.RawQuery = "/"+path, query
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			w := httptest.NewRecorder()
			page.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s: status %d", method, w.Code)
			}
			if body := w.Body.String(); method == http.MethodPost && !strings.Contains(form+path+query, "canary") && !strings.Contains(form+path+query, "typed") &&
				(w.Code < 400 && strings.Contains(body, "typed.example") || strings.Contains(body, "canary"+form) && form != "") {
				t.Errorf("what was typed as URL or secret is shown:\n%s", body)
			}
			if w.Header().Get("Content-Security-Policy") == "" {
				t.Error("an answer without a policy")
			}
		}
	})
}
