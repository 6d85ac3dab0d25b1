package connect_test

import (
	"testing"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: with the matcher of package jira, propertyKeys let events of these issue properties through
// and no others, and leave events of other kinds alone.
func TestPropertyKeys(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, connect.Profile(connect.WithFilters(jira.NewMatcher().Match, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	for url, attributes := range map[string]map[string]string{
		"https://addon.example.com/keys": {connect.AttrAuth: connect.AuthNone, connect.AttrPropertyKeys: `["a","b"]`},
		"https://addon.example.com/all":  {connect.AttrAuth: connect.AuthNone},
	} {
		if _, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Properties", URL: url, Active: true, Attributes: attributes,
			Events: []string{"issue_property_set", "issue_property_deleted", "jira:issue_created"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		event, key string
		matched    int
	}{
		{"issue_property_set", "a", 2}, {"issue_property_set", "c", 1}, {"issue_property_set", "A", 1},
		{"issue_property_deleted", "b", 2}, {"issue_property_deleted", "c", 1}, {"jira:issue_created", "", 2},
	} {
		c, ok := jiraevent.Sample(tc.event)
		if !ok {
			t.Fatalf("no sample of %s", tc.event)
		}
		if c.Property != nil {
			c.Property.Key = tc.key
		}
		e, err := jiraevent.New("acme", c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := hooks.Dispatch(t.Context(), e)
		if err != nil || r.Events[0].Matched != tc.matched {
			t.Errorf("%s of %q: %+v, %v; want %d webhooks", tc.event, tc.key, r, err, tc.matched)
		}
	}
}
