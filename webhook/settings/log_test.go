package settings_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/webhook"
)

// Rule: deliveries are found by event, type, outcome, state and time, in the log of all webhooks
// and in that of one. An invalid search is a page that does not exist.
func TestSearch(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a, b := s.add("acme", "First"), s.add("acme", "Second")
	s.add("rival", "Rival")
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	put := func(w webhook.Webhook, event, typ string, at time.Time) string {
		d := webhook.Delivery{ID: webhook.DeliveryID("acme", event, w.ID), EventID: event, WebhookID: w.ID, Scope: "acme", Type: typ,
			Body: []byte("{}"), CreatedAt: at, QueuedAt: at, Due: at}
		if _, err := s.store.Enqueue(t.Context(), []webhook.Delivery{d}); err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	one, two := put(a, "evt_1", "taskSuccess", noon), put(b, "evt_1", "taskSuccess", noon.Add(time.Hour))
	three := put(a, "evt_2", "taskFailure", noon.Add(2*time.Hour))
	check(t, s.m.Cancel(t.Context(), "acme", three))
	link := regexp.MustCompile(`/deliveries/(dlv_[^"/]+)"`)
	names := map[string]string{one: "one", two: "two", three: "three"}
	for query, want := range map[string][]string{
		"": {"three", "two", "one"}, "event=evt_1": {"two", "one"}, "type=taskFailure": {"three"}, "code=cancelled": {"three"},
		"code=ok": nil, "state=pending": {"two", "one"}, "since=2026-03-04T13:00": {"three", "two"}, "until=2026-03-04T13:00": {"one"},
		"since=2026-03-04T12:30&until=2026-03-04T13:30&state=pending": {"two"}, "event=evt_1&type=taskFailure": nil,
	} {
		for path, keep := range map[string]string{"/deliveries": "", "/webhooks/" + a.ID: a.ID} {
			page := s.get(path + "?" + query)
			page.wants(t, 200)
			var got, wanted []string
			for _, m := range link.FindAllStringSubmatch(page.body, -1) {
				got = append(got, names[m[1]])
			}
			for _, name := range want {
				if keep == "" || name != "two" {
					wanted = append(wanted, name)
				}
			}
			if diff := cmp.Diff(wanted, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s?%s (-want +got)\n%s", path, query, diff)
			}
		}
	}
	s.get("/deliveries").wants(t, 200, "First", "Second", "From (UTC)")
	for _, query := range []string{"state=lost", "since=yesterday", "until=2026-13-01T00:00", "after=nonsense", "event=" + strings.Repeat("x", 301),
		"since=2026-03-04T14:00&until=2026-03-04T13:00", "after=" + strings.Repeat("x", 5000)} {
		s.get("/deliveries?"+query).wants(t, 404, "There is no such page")
	}
	if other := s.get("/deliveries", "X-Tenant", "rival"); strings.Contains(other.body, "dlv_") {
		t.Error("another tenant sees deliveries")
	}
}

// Rule: from ten webhooks on the list has a search, by name, host and event.
func TestList_find(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for i := range 12 {
		w := webhook.Webhook{ID: "whk_" + string(rune('a'+i)), Scope: "acme", Name: "Webhook " + string(rune('A'+i)), URL: goodURL, Events: []string{"taskSuccess"}}
		if i == 3 {
			w.Events = []string{"orgKeyExpiry"}
		}
		check(t, s.store.Create(t.Context(), w, 0))
	}
	s.get("/").wants(t, 200, `type="search"`, "12 of 3 used")
	for q, want := range map[string]string{"webhook c": "whk_c", "EXPIRING": "whk_d"} {
		a := s.get("/?q=" + url.QueryEscape(q))
		a.wants(t, 200, `<li id=`+want)
		if n := strings.Count(a.body, `<h2><a`); n != 1 {
			t.Errorf("%q: %d webhooks", q, n)
		}
	}
	s.get("/?q=nothing").wants(t, 200, "No webhook has this")
	s.get("/?q="+strings.Repeat("x", 201)).wants(t, 404)
}
