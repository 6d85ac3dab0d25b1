package settings_test

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: a delivery shows its attempts, status, duration, next try and the reason why it waits. It
// can be sent again with the same identifier, or cancelled.
func TestDelivery(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	page := "/webhooks/" + w.ID + "/deliveries/" + id
	s.get(page).wants(t, 200, "Pending", "Why not yet?", "Run is not under way", "Not tried yet", processID)

	s.status.Store(503)
	state := func() webhook.Delivery {
		d, _, err := s.m.Delivery(context.Background(), "acme", id)
		check(t, err)
		return d
	}
	s.run(1, func() bool { return state().Tries == 1 })
	s.get(page).wants(t, 200, "Pending", "503 Service Unavailable", "<code>Server: front &lt;b&gt;7&lt;/b&gt;</code>", "answer of the rule", "Attempt 1 failed; it waits for the next one", "in ")
	s.get("/webhooks/"+w.ID).wants(t, 200, "Failing", "1 failed attempt", "Automated task succeeded", "503", "Attempt 1 failed")
	s.get("/").wants(t, 200, "Failing")

	s.status.Store(200)
	s.post(page+"/redeliver", nil).wants(t, 200, "Queued, but it waits: Run is not under way", "Pending", "not known")
	s.run(2, func() bool { return state().State == webhook.StateDelivered })
	s.get(page).wants(t, 200, "Delivered", "Accepted: 200 OK", "503 Service Unavailable")

	s.post(page+"/redeliver", nil)
	s.post(page+"/cancel", nil).wants(t, 200, "It will not be sent", "Failed", "Cancelled")
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff([]string{processID, processID}, s.ids); diff != "" {
		t.Errorf("identifiers of the requests (-want +got):\n%s", diff)
	}
}

// Rule: deliveries can be filtered by state and paged through; each stands on exactly one page.
func TestDeliveries_pages(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) { o.PageSize = 2 })
	w := s.add("acme", "Ops")
	want := map[string]bool{}
	for i := range 5 {
		want[s.dispatch("acme", fmt.Sprintf("007b5c6c-0078-4cf2-a9d9-3f8c02f7420%d", i))] = true
	}
	link := regexp.MustCompile(`href="[./]*webhooks/[^/]+/deliveries/([^"/]+)"`)
	older := regexp.MustCompile(`href="(\?[^"]*)" rel="next"`)
	query, pages := "?state=pending", 0
	for query != "" && pages < 10 {
		a := s.get("/webhooks/" + w.ID + query)
		a.wants(t, 200)
		pages++
		for _, m := range link.FindAllStringSubmatch(a.body, -1) {
			if !want[m[1]] {
				t.Errorf("page %d: delivery %s is shown twice or unknown", pages, m[1])
			}
			delete(want, m[1])
		}
		query = ""
		if m := older.FindStringSubmatch(a.body); m != nil {
			query = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if pages != 3 || len(want) != 0 {
		t.Errorf("%d pages, %d deliveries were not shown", pages, len(want))
	}
	s.get("/webhooks/"+w.ID+"?state=delivered").wants(t, 200, "No deliveries in this state")
	s.get("/webhooks/"+w.ID+"?state=lost").wants(t, 404)
	s.get("/webhooks/"+w.ID+"?after=nonsense").wants(t, 404)
}

// Rule: a tenant sees and changes nothing of another tenant's, not even by ID.
func TestTenants(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Secret plans of acme")
	id := s.dispatch("acme", processID)
	other := s.add("rival", "Rival")
	if a := s.get("/", "X-Tenant", "rival"); strings.Contains(a.body, "acme") {
		t.Error("the list shows another tenant's webhook")
	}
	for _, path := range []string{"/webhooks/" + w.ID, "/webhooks/" + w.ID + "/edit", "/webhooks/" + w.ID + "/deliveries/" + id,
		"/webhooks/" + other.ID + "/deliveries/" + id, "/deliveries/" + id} {
		s.get(path, "X-Tenant", "rival").wants(t, 404)
	}
	before := s.state("acme", id)
	for path, f := range map[string]url.Values{
		"/edit": form("version", "1", "name", "Taken over"), "/active": {"to": {"off"}}, "/test": nil, "/delete": nil,
		"/deliveries/" + id + "/redeliver": nil, "/deliveries/" + id + "/cancel": nil,
	} {
		want := 404
		if path == "/delete" {
			want = 200 // the list, with the notice that the webhook is gone
		}
		s.post("/webhooks/"+w.ID+path, f, "X-Tenant", "rival").wants(t, want)
	}
	if after := s.state("acme", id); after != before {
		t.Errorf("another tenant changed something:\n%s\n%s", before, after)
	}
	s.get("/", "X-Tenant", "nobody").wants(t, 403, "You have no access")
}
