package jira_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

func TestDelivery_flow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHost(t, jira.Profile(), webhook.Options{}, &receiver{})
		defer stop()
		h.add(webhook.Webhook{})
		cascade := []string{"comment_deleted", "attachment_deleted", "issuelink_deleted"}
		events := []payload.Event{event(t, sample(t, "jira:issue_deleted"))}
		for _, name := range cascade {
			c := sample(t, name)
			c.Secondary = true
			events = append(events, event(t, c))
		}
		h.dispatch(events...)
		synctest.Wait()
		flows := map[string]string{}
		for _, r := range h.to.all() {
			c, err := jiraevent.Decode([]byte(r.Body))
			if err != nil {
				t.Fatal(err)
			}
			flows[c.Event] = r.Header.Get("X-Atlassian-Webhook-Flow")
		}
		want := map[string]string{"jira:issue_deleted": "Primary", "comment_deleted": "Secondary", "attachment_deleted": "Secondary", "issuelink_deleted": "Secondary"}
		if diff := cmp.Diff(want, flows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ds, _, err := h.manager.Deliveries(t.Context(), webhook.Query{Scope: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			if primary := d.Type == "jira:issue_deleted"; primary != (d.Class == "") {
				t.Errorf("%s is in class %q", d.Type, d.Class)
			}
		}
	})
}

func TestDelivery_inFlightPerTenantAndHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now, most := map[string]int{}, map[string]int{}
		to := &receiver{}
		to.answer = func(_ int, r *http.Request) (int, error) {
			keys := []string{r.Header.Get(jira.FlowHeader) + " " + r.URL.Host, r.URL.Host}
			to.mu.Lock()
			for _, key := range keys {
				now[key]++
				most[key] = max(most[key], now[key])
			}
			to.mu.Unlock()
			time.Sleep(time.Second)
			to.mu.Lock()
			for _, key := range keys {
				now[key]--
			}
			to.mu.Unlock()
			return 200, nil
		}
		h, stop := newHost(t, jira.Profile(), webhook.Options{Capacity: 200, PerLane: 8}, to)
		defer stop()
		const hooks, events = 8, 10
		for i := range hooks {
			h.add(webhook.Webhook{URL: fmt.Sprintf("https://one.example.com/%d", i)})
		}
		h.add(webhook.Webhook{URL: "https://two.example.com/"})
		for i := range 2 * events {
			c := sample(t, "sprint_started")
			c.Secondary = i%2 == 1
			h.dispatch(event(t, c))
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		want := map[string]int{
			"Primary one.example.com": 20, "Secondary one.example.com": 10, "one.example.com": 30, // all that the limits allow
			"two.example.com": 8, // the webhook's own limit, which both classes share
		}
		// The order in which classes get a free slot of the webhook is not promised.
		delete(most, "Primary two.example.com")
		delete(most, "Secondary two.example.com")
		if diff := cmp.Diff(want, most); diff != "" {
			t.Errorf("most in flight (-want +got):\n%s", diff)
		}
		if got := len(to.all()); got != (hooks+1)*2*events {
			t.Errorf("%d requests, want %d", got, (hooks+1)*2*events)
		}
	})
}

func TestLimits_keys(t *testing.T) {
	t.Parallel()
	p := jira.Profile(jira.WithInFlight(3, 0))
	limit := func(scope, url, class string) webhook.Limit {
		limits := p.Limits(webhook.Webhook{ID: "whk_1", Scope: scope, URL: url}, class)
		if len(limits) != 1 {
			t.Fatalf("limits %v", limits)
		}
		return limits[0]
	}
	primary := limit("acme", "https://a.example.com/{x}", "")
	if other := limit("acme", "https://a.example.com?y", ""); other != primary {
		t.Errorf("one host, two limits: %v %v", primary, other)
	}
	routed, err := p.Route([]webhook.Webhook{{ID: "whk_1", Events: []string{"*"}}}, payload.Event{Type: "sprint_created", Vars: map[string]string{jiraevent.VarFlow: "Secondary"}})
	if err != nil || len(routed) != 1 {
		t.Fatalf("%v, %v", routed, err)
	}
	secondary := limit("acme", "https://a.example.com/", routed[0].Class)
	seen := map[string]bool{primary.Key: true}
	for _, l := range []webhook.Limit{secondary, limit("acme", "https://a.example.com:8443/", ""), limit("beta", "https://a.example.com/", "")} {
		if seen[l.Key] {
			t.Errorf("class, port and tenant must each make another key, got %q again", l.Key)
		}
		seen[l.Key] = true
	}
	want := []webhook.Limit{{Key: primary.Key, Max: 3}, {Key: secondary.Key, Max: jira.DefaultSecondary}}
	if diff := cmp.Diff(want, []webhook.Limit{primary, secondary}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
