package jira_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

var resolve = jira.Transition{Workflow: "bugs", ID: "31"}

// Rule: a post function fires on its transition, whatever its filter says, and a webhook
// that listens to the event as well gets both; nobody else gets the transition.
func TestPostFunction_fires(t *testing.T) {
	t.Parallel()
	for _, selects := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := jira.Profile()
			if !selects {
				p.Select = nil // Match alone says the same
			}
			h, stop := newHost(t, p, webhook.Options{}, &receiver{})
			defer stop()
			m := new(jira.Memory)
			attach := func(w webhook.Webhook) webhook.Webhook {
				w = h.add(w)
				if err := m.Attach(t.Context(), "acme", resolve, w.ID); err != nil {
					t.Fatal(err)
				}
				return w
			}
			attach(webhook.Webhook{URL: "https://only.example.com/${issue.key}", Events: []string{}, Filter: "project = OTHER"})
			attach(webhook.Webhook{URL: "https://both.example.com/", Events: []string{"jira:issue_updated"}})
			off := attach(webhook.Webhook{URL: "https://off.example.com/"})
			if err := h.manager.SetActive(t.Context(), "acme", off.ID, false); err != nil {
				t.Fatal(err)
			}
			h.add(webhook.Webhook{URL: "https://listens.example.com/"})

			c := sample(t, "jira:issue_updated")
			c.Comment = nil
			transition := c
			transition.Event = ""
			e, ok, err := jira.Transitioned(t.Context(), m, "acme", resolve, transition)
			if err != nil || !ok {
				t.Fatalf("Transitioned = %v, %v", ok, err)
			}
			h.dispatch(event(t, c), e)
			synctest.Wait()
			var got []string
			for _, r := range h.to.all() {
				b, err := jiraevent.Decode([]byte(r.Body))
				if err != nil || b.Issue == nil || b.Issue.Key != "EX-1" || b.Changelog == nil {
					t.Errorf("body %s: %v", r.Body, err)
				}
				url, _, _ := strings.Cut(r.URL, "?")
				got = append(got, url+" "+b.Event)
			}
			slices.Sort(got)
			want := []string{
				"https://both.example.com/ jira:issue_updated", "https://both.example.com/ jira:issue_updated",
				"https://listens.example.com/ jira:issue_updated", "https://only.example.com/EX-1 jira:issue_updated",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with Select %v (-want +got):\n%s", selects, diff)
			}
		})
	}
}

func TestTransitioned(t *testing.T) {
	t.Parallel()
	m := new(jira.Memory)
	if err := m.Attach(t.Context(), "acme", resolve, "whk_1"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		rule, event string
		tenant      string
		at          jira.Transition
		fires       bool
		body        string // its webhookEvent
	}{
		{"the usual name", "jira:issue_updated", "acme", resolve, true, `"webhookEvent":"jira:issue_updated"`},
		{"the older name", "jira-webhook-post-function", "acme", resolve, true, `"webhookEvent":"jira-webhook-post-function"`},
		{"not on Create", "jira:issue_created", "acme", resolve, false, ""},
		{"another transition", "", "acme", jira.Transition{Workflow: "bugs", ID: "11"}, false, ""},
		{"another tenant", "", "beta", resolve, false, ""},
	} {
		c := sample(t, "jira:issue_updated")
		c.Event = tc.event
		e, ok, err := jira.Transitioned(t.Context(), m, tc.tenant, tc.at, c, payload.WithID("evt_7"))
		if err != nil || ok != tc.fires || ok != strings.Contains(string(e.Body), `"key":"EX-1"`) || !strings.Contains(string(e.Body), tc.body) || ok && e.ID != "evt_7" {
			t.Errorf("%s: fires %v, %v, %s", tc.rule, ok, err, e.Body)
		}
	}
	if _, _, err := jira.Transitioned(t.Context(), m, "acme", resolve, sample(t, "comment_created")); err == nil || !strings.Contains(err.Error(), "Event empty") {
		t.Errorf("a comment of a transition: %v", err)
	}
	if _, ok, err := jira.Transitioned(t.Context(), m, "acme", resolve, jiraevent.Callback{}); ok || !errors.Is(err, payload.ErrInvalid) {
		t.Errorf("a transition of no issue: %v, %v", ok, err)
	}
	broken := &brokenPostFunctions{PostFunctions: m, fails: errors.New("canary")}
	if _, _, err := jira.Transitioned(t.Context(), broken, "acme", resolve, sample(t, "jira:issue_updated")); !errors.Is(err, broken.fails) {
		t.Errorf("a store that fails: %v", err)
	}
}
