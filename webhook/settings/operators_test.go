package settings_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
)

// desk is the operators' page of a site, and a browser that does not follow redirects.
type desk struct {
	t *testing.T
	*settings.Operators
	log *strings.Builder
}

func (s *site) desk(change func(*settings.OperatorOptions)) *desk {
	s.t.Helper()
	d := &desk{t: s.t, log: &strings.Builder{}}
	o := &settings.OperatorOptions{Allow: func(*http.Request) error { return nil }, Logger: slog.New(slog.NewTextHandler(d.log, nil)),
		ScopeURL: func(scope string) string { return "https://admin.example.com/tenants/" + url.PathEscape(scope) }}
	if change != nil {
		change(o)
	}
	var err error
	d.Operators, err = settings.NewOperators(s.hooks, o)
	check(s.t, err)
	return d
}

func (d *desk) do(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	for _, canary := range []string{canaryPath, canarySecret, "canary"} {
		if strings.Contains(w.Body.String(), canary) {
			d.t.Errorf("%s %s shows %q", method, path, canary)
		}
	}
	return w
}

// wants checks an answer.
func (d *desk) wants(w *httptest.ResponseRecorder, status int, texts ...string) {
	d.t.Helper()
	if w.Code != status {
		d.t.Errorf("status %d, want %d: %.300s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			d.t.Errorf("the page lacks %q:\n%s", text, w.Body)
		}
	}
}

// Rule: over all tenants the page shows what is pending, where it waits, which webhooks fail and
// the deliveries of an event, and nothing of bodies and URLs.
func TestOperators(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a, b := s.add("acme", "Ops"), s.add("other & co", "Ops")
	s.dispatch("acme", processID)
	s.dispatch("other & co", processID)
	old := webhook.Health{Scope: a.Scope, WebhookID: a.ID}
	bad := old
	bad.Failures, bad.FailingSince = 7, time.Now().Add(-time.Hour)
	check(t, s.store.SetHealth(t.Context(), a.Scope, a.ID, old, bad))
	d := s.desk(nil)
	page := d.do("GET", "/", nil)
	d.wants(page, 200, "Webhooks of all tenants", "<dt>Pending</dt><dd>2</dd>", "<dt>Waiting for a first attempt</dt><dd>2</dd>",
		"<dt>Webhooks</dt><dd>2, 0 of them inactive</dd>", "Failing webhooks: 1", a.ID, b.ID, "other &amp; co",
		`href="https://admin.example.com/tenants/other%20&amp;%20co"`, "does not run here")
	if page.Header().Get("Content-Security-Policy") == "" || page.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", page.Header())
	}
	found := d.do("GET", "/?event="+processID, nil)
	d.wants(found, 200, `value="`+processID+`"`, "Pending")
	if n := strings.Count(found.Body.String(), "<bdi>taskSuccess</bdi>"); n != 2 {
		t.Errorf("%d deliveries found, want that of each tenant", n)
	}
	d.wants(d.do("GET", "/?event=evt_nowhere", nil), 200, "No tenant has a delivery of this event.")
	d.wants(d.do("GET", "/?event=a.b", nil), 200, "could not be looked for")
	d.wants(d.do("GET", "/?backlog=largest&failing=since", nil), 200, `href="?backlog=largest&amp;failing=since" aria-current="page"`)
	d.wants(d.do("GET", "/?after=x", nil), 200, "This could not be read")
	d.wants(d.do("GET", "/nothing", nil), 404)
	d.wants(d.do("GET", "/assets/settings.css", nil), 200)
}

// Rule: without news the script is answered 304.
func TestOperators_poll(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.add("acme", "Ops")
	d := s.desk(nil)
	first := d.do("GET", "/", nil)
	again := d.do("GET", "/", nil, "X-Postrider-Live", "1", "If-None-Match", first.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("status %d with %d bytes, want 304", again.Code, again.Body.Len())
	}
	s.dispatch("acme", processID)
	d.wants(d.do("GET", "/", nil, "X-Postrider-Live", "1", "If-None-Match", first.Header().Get("ETag")), 200, "<dt>Pending</dt><dd>1</dd>")
}

// Rule: a long list has pages.
func TestOperators_pages(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for i := range 60 {
		scope := fmt.Sprintf("tenant-%02d", i)
		s.add(scope, "Ops")
		s.dispatch(scope, processID)
	}
	d := s.desk(nil)
	page := d.do("GET", "/", nil)
	d.wants(page, 200, "Next page", "tenant-00", "tenant-49")
	if strings.Contains(page.Body.String(), "tenant-50") {
		t.Error("a page holds more than 50 webhooks")
	}
	_, rest, _ := strings.Cut(page.Body.String(), `<p class="pager"> <a class="button" href="`)
	next, _, _ := strings.Cut(rest, `"`)
	d.wants(d.do("GET", "/"+strings.ReplaceAll(next, "&amp;", "&"), nil), 200, "tenant-50", "tenant-59", "First page")
}

// Rule: only people whom the host lets in see the page, and no option removes that check.
func TestOperators_allow(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, o := range []*settings.OperatorOptions{nil, {}} {
		if _, err := settings.NewOperators(s.hooks, o); err == nil || !strings.Contains(err.Error(), "Allow") {
			t.Errorf("without Allow: %v", err)
		}
	}
	if _, err := settings.NewOperators(s.hooks, &settings.OperatorOptions{Allow: func(*http.Request) error { return nil }, Refresh: time.Millisecond}); err == nil {
		t.Error("a refresh of a millisecond was accepted")
	}
	s.add("acme", "Ops")
	for name, allow := range map[string]func(*http.Request) error{
		"refused": func(*http.Request) error { return errors.New("not in the group oncall-secret") },
		"panics":  func(*http.Request) error { panic("oncall-secret") },
	} {
		d := s.desk(func(o *settings.OperatorOptions) { o.Allow = allow })
		for _, path := range []string{"/", "/assets/settings.css", "/?event=evt_1"} {
			w := d.do("GET", path, nil)
			d.wants(w, 403)
			if strings.Contains(w.Body.String(), "acme") || strings.Contains(w.Body.String(), "oncall-secret") {
				t.Errorf("%s: %s shows too much", name, path)
			}
		}
		d.wants(d.do("POST", "/pause", url.Values{"to": {"on"}}), 403)
		if s.hooks.Status().Paused {
			t.Errorf("%s: sending was stopped", name)
		}
	}
}

// Rule: the switch stops and resumes sending by this process; only the page's own forms use it.
func TestOperators_pause(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	d := s.desk(nil)
	d.wants(d.do("GET", "/", nil), 200, "Stop sending by this process")
	d.wants(d.do("POST", "/pause", url.Values{"to": {"on"}}, "Sec-Fetch-Site", "cross-site"), 403)
	d.wants(d.do("POST", "/pause", url.Values{"to": {"maybe"}}), 400)
	if s.hooks.Status().Paused {
		t.Error("sending was stopped")
	}
	w := d.do("POST", "/pause", url.Values{"to": {"on"}}, "Sec-Fetch-Site", "same-origin")
	if d.wants(w, 303); w.Header().Get("Location") != "./" || !s.hooks.Status().Paused {
		t.Errorf("Location %q, paused %t", w.Header().Get("Location"), s.hooks.Status().Paused)
	}
	d.wants(d.do("GET", "/", nil), 200, "Resume sending by this process")
	d.wants(d.do("POST", "/pause", url.Values{"to": {"off"}}), 303)
	if s.hooks.Status().Paused {
		t.Error("sending was not resumed")
	}
}

// stuck is a Store that answers only some questions.
type stuck struct{ webhook.Stats }

func (stuck) Totals(context.Context, time.Time) (webhook.Totals, error) {
	return webhook.Totals{}, errors.New("user=admin host=10.0.0.1")
}

// Rule: a section that cannot be read says so, the log has the reason, and the other sections
// stand. A panic in the host's link gives no link. A Store without Stats is refused.
func TestOperators_broken(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	hooks, err := webhook.New(struct {
		both
		stuck
	}{both{s.store, s.store}, stuck{s.store}}, webhook.Automation(), nil)
	check(t, err)
	s.add("acme", "Ops")
	s.dispatch("acme", processID)
	s.hooks = hooks
	d := s.desk(func(o *settings.OperatorOptions) { o.ScopeURL = func(string) string { panic("no link") } })
	w := d.do("GET", "/", nil)
	d.wants(w, 200, "This could not be read", "<bdi>acme</bdi>", "What waits, by webhook")
	if strings.Contains(w.Body.String(), "10.0.0.1") || !strings.Contains(d.log.String(), "section=totals") {
		t.Errorf("page or log are not as they should be: %s", d.log)
	}
	if hooks, err = webhook.New(both{s.store, s.store}, webhook.Automation(), nil); err != nil {
		t.Fatal(err)
	}
	_, err = settings.NewOperators(hooks, &settings.OperatorOptions{Allow: func(*http.Request) error { return nil }})
	if !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("without Stats: %v, want ErrUnsupported", err)
	}
}

// both is a Store with a Registry and nothing else.
type both struct {
	webhook.Store
	webhook.Registry
}

func (b both) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return b.Registry.Webhooks(ctx, scope)
}
