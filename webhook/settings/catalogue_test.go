package settings_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

type invoice struct {
	Text string `json:"text"`
}

func (invoice) EventType() string { return "invoice.paid" }

type refund struct {
	Text string `json:"text"`
}

func (refund) EventType() string { return "invoice.refund.made" }

type reminder struct{}

func (reminder) EventType() string { return "reminder.sent" }

// money is a page of a host with its own catalogue, and one webhook that listens to events.
func money(t *testing.T, events ...string) (page http.Handler, m *webhook.Manager, w webhook.Webhook) {
	t.Helper()
	c, err := payload.NewCatalogue(
		payload.Define[invoice](payload.Type{Title: "Invoice <paid>", Description: "When money arrived.", Example: invoice{"<script>"}}),
		payload.Define[refund](payload.Type{Title: "Refund", Example: refund{strings.Repeat("long", 2000)}}),
		payload.Define[reminder](payload.Type{Title: "Reminder", Example: reminder{}, Deprecated: true}))
	check(t, err)
	p := webhook.Automation()
	p.Form.Events, p.Form.Catalogue = nil, c.Enveloped()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, p, nil)
	check(t, err)
	m, err = hooks.Manager()
	check(t, err)
	w, err = m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Ops", URL: hookURL, Events: events, Active: true,
		Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef")}})
	check(t, err)
	page, err = settings.New(hooks, &settings.Options{Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	return page, m, w
}

const hookURL = "https://api-private.atlassian.com/automation/webhooks/jira/a/007b5c6c-0078-4cf2-a9d9-3f8c02f74205/b00c3a5c-6d5b-4a2c-8a6e-1a0f2c3d4e5f"

// Rule: the form describes each type of the catalogue and shows its example as it is sent. It
// offers a deprecated type only to webhooks that have it, and says which types a wildcard covers.
func TestCatalogueInTheForm(t *testing.T) {
	t.Parallel()
	show := func(path string, events ...string) string {
		page, _, w := money(t, events...)
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, strings.ReplaceAll(path, "{id}", w.ID), nil))
		if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "<script>\"") {
			t.Fatalf("%s: status %d\n%s", path, answer.Code, answer.Body)
		}
		return html.UnescapeString(answer.Body.String())
	}
	const family = `value="invoice.*"`
	add := show("/add", "invoice.paid")
	for text, want := range map[string]bool{
		"Invoice <paid>": true, "When money arrived.": true, `"type": "invoice.paid"`: true, `\u003c`: false, `"text": "<script>"`: true,
		"Refund": true, "longlong": false, "Reminder": false, family: true, `value="reminder.*"`: false,
		"Everything that begins with “invoice.”, also what is added later.": true,
	} {
		if got := strings.Contains(add, text); got != want {
			t.Errorf("the form for a new webhook holds %q: %t, want %t", text, got, want)
		}
	}
	edit := show("/webhooks/{id}/edit", "reminder.sent", "reminder.*")
	for _, want := range []string{"Reminder", `value="reminder.*"`} {
		if !strings.Contains(edit, want) {
			t.Errorf("the form of a webhook that listens to reminders lacks %q", want)
		}
	}
	if list := show("/", "invoice.*"); !strings.Contains(list, "invoice.*") {
		t.Errorf("the list does not show the wildcard:\n%s", list)
	}
}

// Rule: a wildcard is chosen and given up like any other event.
func TestWildcardInTheForm(t *testing.T) {
	t.Parallel()
	page, m, w := money(t, "invoice.paid")
	save := func(events ...string) []string {
		t.Helper()
		w, err := m.Webhook(t.Context(), "acme", w.ID)
		check(t, err)
		form := url.Values{"name": {"Ops"}, "active": {"on"}, "version": {strconv.FormatInt(w.Version, 10)}, "trigger": events}
		r := httptest.NewRequest(http.MethodPost, "/webhooks/"+w.ID+"/edit", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, r)
		if answer.Code != http.StatusSeeOther {
			t.Fatalf("status %d\n%s", answer.Code, answer.Body)
		}
		w, err = m.Webhook(t.Context(), "acme", w.ID)
		check(t, err)
		return w.Events
	}
	if got := save("invoice.*"); !slices.Equal(got, []string{"invoice.*"}) {
		t.Errorf("events %v, want the wildcard", got)
	}
	if got := save("invoice.paid"); !slices.Equal(got, []string{"invoice.paid"}) {
		t.Errorf("events %v, want the wildcard gone", got)
	}
}
