package settings_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: where Profile and Store allow an order, the form has the choice with a sentence for each,
// and stores it. The log shows the key, and the delivery that another one waits behind.
func TestOrder(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	p := webhook.Automation()
	p.Form.Orders, p.Form.Coalesces = webhook.Standard().Form.Orders, true
	hooks, err := webhook.New(store, p, nil)
	check(t, err)
	m, err := hooks.Manager()
	check(t, err)
	page, err := settings.New(hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	do := func(method, path string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		got := httptest.NewRecorder()
		page.ServeHTTP(got, r)
		return got
	}
	form := do(http.MethodGet, "/add", nil).Body.String()
	for _, value := range []string{`value=""`, `value="skip"`, `value="block"`, `value="hold"`, `value="latest"`} {
		if !strings.Contains(form, `name="order" `+value) {
			t.Errorf("the form has no choice with %s", value)
		}
	}
	for _, c := range settings.English().Orders {
		if c.Name == "" || !strings.HasSuffix(c.Hint, ".") {
			t.Errorf("choice %+v has no name or no sentence", c)
		}
	}
	fields := url.Values{"name": {"Ops"}, "url": {goodURL}, "secret": {canarySecret}, "trigger": {"taskSuccess"}, "active": {"on"}, "order": {"hold"}}
	if got := do(http.MethodPost, "/add", fields); got.Code != http.StatusSeeOther {
		t.Fatalf("add: status %d:\n%s", got.Code, got.Body)
	}
	ws, err := m.List(t.Context(), "acme")
	check(t, err)
	if len(ws) != 1 || ws[0].Order != webhook.OrderHold || ws[0].Coalesce {
		t.Fatalf("stored %v, want the order hold", ws)
	}
	path := "/webhooks/" + ws[0].ID
	edit := func(order, want string) {
		t.Helper()
		w, err := m.Webhook(t.Context(), "acme", ws[0].ID)
		check(t, err)
		f := url.Values{"version": {"1"}, "name": {"Ops"}, "trigger": {"taskSuccess"}, "active": {"on"}, "order": {order}}
		f.Set("version", strconv.FormatInt(w.Version, 10))
		do(http.MethodPost, path+"/edit", f)
		w, err = m.Webhook(t.Context(), "acme", ws[0].ID)
		check(t, err)
		got := string(w.Order)
		if w.Coalesce {
			got = "latest"
		}
		if got != want {
			t.Errorf("order %q became %q, want %q", order, got, want)
		}
	}
	edit("latest", "latest")
	edit("no such order", "latest")
	edit("skip", "skip")
	wait := func(order, typed string, want time.Duration, says ...string) {
		t.Helper()
		w, err := m.Webhook(t.Context(), "acme", ws[0].ID)
		check(t, err)
		f := url.Values{"version": {strconv.FormatInt(w.Version, 10)}, "name": {"Ops"}, "trigger": {"taskSuccess"}, "active": {"on"}, "order": {order}, "wait": {typed}}
		got := do(http.MethodPost, path+"/edit", f)
		for _, text := range says {
			if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), text) {
				t.Errorf("wait %q with order %q: status %d, without %s", typed, order, got.Code, text)
			}
		}
		w, err = m.Webhook(t.Context(), "acme", ws[0].ID)
		check(t, err)
		if w.CoalesceWait != want {
			t.Errorf("wait %q with order %q became %v, want %v", typed, order, w.CoalesceWait, want)
		}
	}
	wait("latest", "2.5", 2500*time.Millisecond)
	if form := do(http.MethodGet, path+"/edit", nil).Body.String(); !strings.Contains(form, `name="wait" type="number" min="0" max="600" step="any" value="2.5"`) {
		t.Error("the form does not show the wait")
	}
	edit("latest", "latest") // a form without the field
	wait("latest", "2.5", 2500*time.Millisecond)
	wait("latest", "601", 2500*time.Millisecond, `id="error-coalesce_wait"`, `value="601"`, "between 0 and 10m0s")
	wait("latest", "soon", 2500*time.Millisecond, `id="error-coalesce_wait"`, `value="soon"`)
	wait("latest", "1e300", 2500*time.Millisecond, `id="error-coalesce_wait"`)
	wait("latest", "", 0)
	wait("latest", "3", 3*time.Second)
	wait("skip", "4", 3*time.Second, "A wait needs the choice")
	wait("skip", "3", 0)
	for _, id := range []string{"evt-1", "evt-2"} {
		e, err := payload.New("acme", payload.TaskSuccess{ProcessID: processID, Name: "n", ActionTypes: []string{"a"}, DeepLink: "https://a.example/"},
			payload.WithID(id), payload.WithKey("issue 10001"), payload.WithTime(time.Now()))
		check(t, err)
		_, err = hooks.Dispatch(t.Context(), e)
		check(t, err)
	}
	log := do(http.MethodGet, path, nil).Body.String()
	if !strings.Contains(log, "issue 10001") || !strings.Contains(log, "waits behind event evt-1") {
		t.Errorf("the log shows no key, or not what the second waits behind:\n%s", log)
	}

	plain, _ := pageOver(t, store)
	got := httptest.NewRecorder()
	plain.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/add", nil))
	if strings.Contains(got.Body.String(), `name="order"`) {
		t.Error("the form has a choice that the Profile does not allow")
	}
}
