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
		w := h.add(webhook.Webhook{})
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
			if primary := d.Type == "jira:issue_deleted"; primary != (d.Lane == w.ID) {
				t.Errorf("%s is in lane %s", d.Type, d.Lane)
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
			key := r.Header.Get(jira.FlowHeader) + " " + r.URL.Host
			to.mu.Lock()
			now[key]++
			most[key] = max(most[key], now[key])
			to.mu.Unlock()
			time.Sleep(time.Second)
			to.mu.Lock()
			now[key]--
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
			"Primary one.example.com": 20, "Secondary one.example.com": 10, // all that the limit allows
			"Primary two.example.com": 8, "Secondary two.example.com": 8, // the lane's own limit
		}
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
	key := func(scope, url, lane string) string {
		keys := p.Limits(webhook.Webhook{ID: "whk_1", Scope: scope, URL: url}, lane)
		if len(keys) != 1 {
			t.Fatalf("keys %q", keys)
		}
		return keys[0]
	}
	primary := key("acme", "https://a.example.com/{x}", "whk_1")
	if other := key("acme", "https://a.example.com?y", "whk_2"); other != primary {
		t.Errorf("one host, two keys: %q %q", primary, other)
	}
	compose, err := p.Compose(payload.Event{Vars: map[string]string{jiraevent.VarFlow: "Secondary"}}, []webhook.Webhook{{ID: "whk_1"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{primary: true}
	for _, k := range []string{key("acme", "https://a.example.com/", compose.Lane), key("acme", "https://a.example.com:8443/", "whk_1"), key("beta", "https://a.example.com/", "whk_1")} {
		if seen[k] {
			t.Errorf("class, port and tenant must each make another key, got %q again", k)
		}
		seen[k] = true
	}
	if n, _, _ := p.KeyLimit(primary); n != 3 {
		t.Errorf("primary limit %d, want 3", n)
	}
	if n, _, _ := p.KeyLimit(key("acme", "https://a.example.com/", compose.Lane)); n != jira.DefaultSecondary {
		t.Errorf("secondary limit %d, want the default", n)
	}
	if n, _, _ := p.KeyLimit("whk_1"); n != 0 {
		t.Errorf("a lane's limit %d, want that of the dispatcher", n)
	}
}
