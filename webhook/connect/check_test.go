package connect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
)

// Rule: a webhook that would fail at every send, or whose settings would have no effect, is refused
// when it is added.
func TestAddRefuses(t *testing.T) {
	t.Parallel()
	attr := func(name, value string) func(*webhook.Webhook) {
		return func(w *webhook.Webhook) { w.Attributes[name] = value }
	}
	tests := []struct {
		name, field string // empty: accepted
		edit        func(*webhook.Webhook)
		opts        []connect.Option
	}{
		{"as installed", "", func(*webhook.Webhook) {}, nil},
		{"a variable of the event", "", func(w *webhook.Webhook) { w.URL += "/${issue.key}" }, nil},
		{"a variable of another event", "url", func(w *webhook.Webhook) { w.URL += "/${sprint.id}" }, nil},
		{"a variable that does not exist", "url", func(w *webhook.Webhook) { w.URL += "/{canary}" }, nil},
		{"any variable where all events come", "", func(w *webhook.Webhook) { w.URL += "/{sprint.id}"; w.Events = []string{"*"} }, nil},
		{"a variable with an event of Confluence", "url", func(w *webhook.Webhook) { w.URL += "/{issue.key}"; w.Events = []string{"page_created"} }, nil},
		{"an unknown event", "events", func(w *webhook.Webhook) { w.Events = []string{"canary"} }, nil},
		{"no event", "events", func(w *webhook.Webhook) { w.Events = nil }, nil},
		{"a url outside the base URL", "url", func(w *webhook.Webhook) { w.URL = "https://hooks.example.com/canary" }, nil},
		{"a url on another port", "url", func(w *webhook.Webhook) { w.URL = "https://hooks.example.com:8443/addon/canary" }, nil},
		{"a base URL with http", "attributes", attr(connect.AttrBaseURL, "http://hooks.example.com/addon"), nil},
		{"a base URL that is none", "attributes", attr(connect.AttrBaseURL, "canary"), nil},
		{"no secret", "secret", func(w *webhook.Webhook) { w.Secrets = nil }, nil},
		{"no secret, none asked for", "", func(w *webhook.Webhook) { w.Secrets = nil; w.Attributes[connect.AttrAuth] = connect.AuthNone }, nil},
		{"an unknown authentication", "attributes", attr(connect.AttrAuth, "canary"), nil},
		{"a client key that is too long", "attributes", attr(connect.AttrClientKey, strings.Repeat("k", 256)), nil},
		{"params that are no object", "attributes", attr(connect.AttrParams, "canary"), nil},
		{"property keys that are no list", "attributes", attr(connect.AttrPropertyKeys, "canary"), []connect.Option{connect.WithFilters(listens, nil)}},
		{"a group", "group", func(w *webhook.Webhook) { w.Group = "g" }, nil},
		{"a filter that nothing heeds", "filter", func(w *webhook.Webhook) { w.Filter = "canary" }, nil},
		{"property keys that nothing heeds", "filter", attr(connect.AttrPropertyKeys, `["a"]`), nil},
		{"a filter that is heeded", "", func(w *webhook.Webhook) { w.Filter = "project = EXA" }, []connect.Option{connect.WithFilters(listens, nil)}},
		{"a filter that is judged", "filter", func(w *webhook.Webhook) { w.Filter = "project" },
			[]connect.Option{connect.WithFilters(listens, func(string) error { return errors.New("The clause is not complete.") })}},
		{"property keys that are heeded", "", attr(connect.AttrPropertyKeys, `["a"]`), []connect.Option{connect.WithFilters(listens, nil)}},
		{"a version that a header cannot carry", "attributes", func(*webhook.Webhook) {}, []connect.Option{connect.WithVersion("1\r\n2")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, connect.Profile(tt.opts...), webhook.Options{})
			ws, err := descriptor(t, `[{"event":"jira:issue_updated","url":"/a"}]`).Install(
				connect.Installation{Scope: scope, ClientKey: clientKey, SharedSecret: shared})
			if err != nil {
				t.Fatal(err)
			}
			tt.edit(&ws[0])
			_, err = h.manager.Add(t.Context(), ws[0])
			if tt.field == "" {
				if err != nil {
					t.Errorf("Add = %v", err)
				}
				return
			}
			var bad *webhook.ValidationError
			if !errors.As(err, &bad) || bad.Field(tt.field) == "" {
				t.Fatalf("Add = %v, want an error about %s", err, tt.field)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats a value: %v", err)
			}
		})
	}
}

// match returns a function that asks a profile about one webhook.
func match(p webhook.Profile) func(webhook.Webhook, payload.Event) (bool, error) {
	return func(w webhook.Webhook, e payload.Event) (bool, error) {
		got, err := p.Route([]webhook.Webhook{w}, e)
		if len(got) == 1 && got[0].Err != nil {
			return false, got[0].Err
		}
		return len(got) == 1, err
	}
}

func listens(w webhook.Webhook, e payload.Event) (bool, error) { return w.Listens(e.Type), nil }

// Rule: with a matcher of the host, a filter decides together with the event's add-on.
func TestWithFilters(t *testing.T) {
	t.Parallel()
	match := match(connect.Profile(connect.WithFilters(func(w webhook.Webhook, e payload.Event) (bool, error) {
		return w.Filter == e.Vars["project.key"], nil
	}, nil)))
	w := webhook.Webhook{Filter: "EXA", Attributes: map[string]string{connect.AttrAddOn: addOn}}
	for _, tt := range []struct {
		vars map[string]string
		want bool
	}{
		{map[string]string{"project.key": "EXA"}, true},
		{map[string]string{"project.key": "OTHER"}, false},
		{map[string]string{"project.key": "EXA", connect.VarAddOn: addOn}, true},
		{map[string]string{"project.key": "EXA", connect.VarAddOn: "x"}, false},
	} {
		if got, err := match(w, payload.Event{Type: "jira:issue_updated", Vars: tt.vars}); got != tt.want || err != nil {
			t.Errorf("%v: %t, %v; want %t", tt.vars, got, err, tt.want)
		}
	}
}

// Rule: a stored filter without a matcher does not let everything through. A webhook that was
// stored while filters were on, or past the Manager, receives nothing once they are off. The others
// are not affected, and neither are events that it does not listen to.
func TestStoredFilterWithoutFilters(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]webhook.Webhook{
		"a filter":      {ID: "whk_1", Events: []string{"*"}, Filter: "project = EXA"},
		"property keys": {ID: "whk_1", Events: []string{"*"}, Attributes: map[string]string{connect.AttrPropertyKeys: `["a"]`}},
	} {
		got, err := match(connect.Profile())(w, payload.Event{Type: "jira:issue_updated"})
		if got || !errors.Is(err, connect.ErrNoFilters) || !errors.Is(err, webhook.ErrUnusable) || !strings.Contains(err.Error(), "whk_1") {
			t.Errorf("%s: Match = %t, %v; want ErrNoFilters with the webhook's ID", name, got, err)
		}
		routed, err := connect.Profile().Route([]webhook.Webhook{w, {ID: "whk_2", Events: []string{"*"}}}, payload.Event{Type: "jira:issue_updated"})
		if err != nil || len(routed) != 2 || (routed[0].Err == nil) == (routed[1].Err == nil) {
			t.Errorf("%s: routed %+v, %v; want an error of the one webhook", name, routed, err)
		}
		w.Events = []string{"jira:issue_created"}
		if got, err := match(connect.Profile())(w, payload.Event{Type: "jira:issue_updated"}); got || err != nil {
			t.Errorf("%s: another event: %t, %v", name, got, err)
		}
		w.Events = []string{"*"}
		if got, err := match(connect.Profile(connect.WithFilters(listens, nil)))(w, payload.Event{Type: "jira:issue_updated"}); !got || err != nil {
			t.Errorf("%s, with filters: Match = %t, %v", name, got, err)
		}
	}
}
