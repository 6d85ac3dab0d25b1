package inspector_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/inspector"
)

// Rule: under a name that is neither this machine's own nor listed, nothing can be read or changed,
// so that a site whose name resolves to this machine has no access. Webhooks are received all the
// same.
func TestForeignHosts(t *testing.T) {
	t.Parallel()
	listed := &inspector.Options{BaseURL: "https://Tunnel.example.com:8443/dev", Hosts: []string{"dev.example.com", "box:8080", "192.168.7.7", "[2001:db8::7]"}}
	all := &inspector.Options{Hosts: []string{"*"}}
	for host, want := range map[string]struct{ by0, byListed bool }{
		"localhost":               {true, true},
		"LOCALHOST:8080":          {true, true},
		"localhost.":              {true, true},
		"app.localhost:1":         {true, true},
		"127.0.0.1":               {true, true},
		"127.8.9.10:8080":         {true, true},
		"[::1]":                   {true, true},
		"[::1]:8080":              {true, true},
		"[::ffff:127.0.0.1]:80":   {true, true},
		"dev.example.com":         {false, true},
		"DEV.example.com.:99":     {false, true},
		"tunnel.example.com":      {false, true},
		"tunnel.example.com:8443": {false, true},
		"box":                     {false, true},
		"192.168.7.7:80":          {false, true},
		"[2001:db8::7]:80":        {false, true},
		"evil.example.com":        {false, false},
		"sub.dev.example.com":     {false, false},
		"dev.example.com.evil.de": {false, false},
		"localhost.evil.example":  {false, false},
		"localhost:80.evil.de":    {false, false},
		"notlocalhost":            {false, false},
		"127.0.0.1.evil.example":  {false, false},
		"127.1":                   {false, false},
		"2130706433":              {false, false},
		"0.0.0.0":                 {false, false},
		"10.0.0.1":                {false, false},
		"[::]":                    {false, false},
		"[::1%25lo]":              {false, false},
		"\u212a.localhos\u0165":   {false, false},
		"box@evil.example":        {false, false},
		"*":                       {false, false},
		"":                        {false, false},
	} {
		for name, o := range map[string]*inspector.Options{"default": nil, "listed": listed, "all": all} {
			in, err := inspector.New(o)
			check(t, err)
			ok := map[string]bool{"default": want.by0, "listed": want.byListed, "all": true}[name]
			ask := func(method, path, body string) *httptest.ResponseRecorder {
				r := httptest.NewRequest(method, path, strings.NewReader(body))
				r.Host = host
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				in.ServeHTTP(w, r)
				return w
			}
			if w := ask(http.MethodPost, "/in/hook", body); w.Code != 200 || len(in.Requests()) != 1 {
				t.Errorf("%s, %q: a webhook was answered %d", name, host, w.Code)
			}
			for _, path := range []string{"/", "/requests/1", "/requests.json", "/atlassian-connect.json"} {
				w := ask(http.MethodGet, path, "")
				if (w.Code == 200) != ok || !ok && (w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "taskSuccess")) {
					t.Errorf("%s, %q: GET %s is answered %d, allowed %t", name, host, path, w.Code, ok)
				}
			}
			ask(http.MethodPost, "/answer", url.Values{"status": {"503"}}.Encode())
			ask(http.MethodPost, "/sample", url.Values{"type": {"taskFailure"}}.Encode())
			if changed := ask(http.MethodPost, "/in", "").Code == 503; changed != ok || (len(in.Requests()) == 3) != ok {
				t.Errorf("%s, %q: answers changed %t, %d requests, allowed %t", name, host, changed, len(in.Requests()), ok)
			}
			if ask(http.MethodPost, "/clear", ""); (len(in.Requests()) == 0) != ok {
				t.Errorf("%s, %q: %d requests after clear, allowed %t", name, host, len(in.Requests()), ok)
			}
		}
	}
}

// Rule: an invalid host name is refused by name, because it would have no effect.
func TestNew_refusesHosts(t *testing.T) {
	t.Parallel()
	for _, h := range []string{"", "https://dev.example.com", "dev.example.com/x", "*.example.com", "a b", ":80"} {
		if _, err := inspector.New(&inspector.Options{Hosts: []string{"ok.example.com", h}}); err == nil || !strings.Contains(err.Error(), "Options.Hosts: entry 2") {
			t.Errorf("%q: error %v, want one that names Options.Hosts", h, err)
		}
	}
}
