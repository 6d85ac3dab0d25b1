package jira_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jql"
	"github.com/postrider/postrider/webhook/memstore"
)

func manager(t *testing.T, p webhook.Profile) *webhook.Manager {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fields adds a webhook and returns its problems as "field: message".
func fields(t *testing.T, m *webhook.Manager, w webhook.Webhook) []string {
	t.Helper()
	w.Scope, w.Name, w.Active = "acme", "hook", true
	if w.URL == "" {
		w.URL = "https://hooks.example.com/in"
	}
	_, err := m.Add(t.Context(), w)
	var bad *webhook.ValidationError
	if err != nil && !errors.As(err, &bad) {
		t.Fatal(err)
	}
	var out []string
	if bad != nil {
		for _, f := range bad.Fields {
			out = append(out, f.Field+": "+f.Message)
		}
	}
	return out
}

func TestCheck_variables(t *testing.T) {
	t.Parallel()
	m := manager(t, jira.Profile())
	for _, tc := range []struct {
		rule, url, events string
		want              []string
	}{
		{"possible", "https://a.example.com/${issue.key}/{project.id}", "jira:issue_created", nil},
		{"possible for one of the events", "https://a.example.com/{sprint.id}", "jira:issue_created sprint_started", nil},
		{"every event", "https://a.example.com/{sprint.id}/{mergedVersion.id}", "*", nil},
		{"no events: a transition has an issue", "https://a.example.com/{issue.key}", "", nil},
		{"merge", "https://a.example.com/{mergedVersion.id}", "jira:version_merged", nil},
		{"the older names of a user", "https://a.example.com/{modifiedUser.key}/{modifiedUser.name}", "user_created", nil},
		{"impossible", "https://a.example.com/{sprint.id}", "jira:issue_created", []string{"url: The variable sprint.id has no value for the events selected."}},
		{"impossible in a transition", "https://a.example.com/{sprint.id}", "", []string{"url: The variable sprint.id has no value for the events selected."}},
		{"unknown", "https://a.example.com/{issue.key}/{secret}", "jira:issue_created", []string{"url: Variable 2 of the URL is unknown."}},
		{"user parameters are no variables", "https://a.example.com/{user_id}", "*", []string{"url: Variable 1 of the URL is unknown."}},
		{"each once", "https://a.example.com/{board.id}/{board.id}", "jira:issue_created", []string{"url: The variable board.id has no value for the events selected."}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: tc.url, Events: strings.Fields(tc.events)}
			if diff := cmp.Diff(tc.want, fields(t, m, w)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("update judges as registration does", func(t *testing.T) {
		t.Parallel()
		w, err := m.Add(t.Context(), webhook.Webhook{Scope: "edit", Name: "n", URL: "https://a.example.com/{issue.key}", Events: []string{"jira:issue_created"}})
		if err != nil {
			t.Fatal(err)
		}
		w.Events = []string{"sprint_started"}
		if _, err := m.Edit(t.Context(), w); !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("Edit = %v, want ErrInvalid", err)
		}
	})
}

func TestCheck_events(t *testing.T) {
	t.Parallel()
	m := manager(t, jira.Profile())
	for _, events := range []string{"", "*", "jira:issue_created sprint_closed", "jira:version_merged", "jira-webhook-post-function"} {
		if got := fields(t, m, webhook.Webhook{Events: strings.Fields(events)}); got != nil {
			t.Errorf("events %q: %v", events, got)
		}
	}
	for _, events := range []string{"issue_created", "jira:issue_created nope", "taskSuccess"} {
		if got := fields(t, m, webhook.Webhook{Events: strings.Fields(events)}); len(got) != 1 || !strings.HasPrefix(got[0], "events: ") {
			t.Errorf("events %q: %v, want a refusal", events, got)
		}
	}
}

func TestCheck_filter(t *testing.T) {
	t.Parallel()
	m := manager(t, jira.Profile())
	for _, filter := range []string{"", "Project = JRA AND resolution = Fixed", "project = TEST and fixVersion = future"} {
		if got := fields(t, m, webhook.Webhook{Filter: filter}); got != nil {
			t.Errorf("filter %q: %v", filter, got)
		}
	}
	want := []string{"filter: The clause myClause is unsupported", "filter: ORDER BY is unsupported"}
	if diff := cmp.Diff(want, fields(t, m, webhook.Webhook{Filter: "myClause = something ORDER BY x"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	strict := jql.Dynamic()
	strict.StrictAND = true
	m = manager(t, jira.Profile(jira.WithGrammar(strict)))
	if got := fields(t, m, webhook.Webhook{Filter: "resolution = Fixed OR project = A"}); len(got) != 2 {
		t.Errorf("another grammar: %v, want two problems", got)
	}
}

func TestAllow_schemeAndPorts(t *testing.T) {
	t.Parallel()
	m := manager(t, jira.Profile())
	for _, url := range []string{"https://a.example.com/", "https://a.example.com:443/", "https://a.example.com:1880/", "https://a.example.com:1890/",
		"https://a.example.com:4044/", "https://a.example.com:6017/", "https://a.example.com:7990/", "https://a.example.com:8060/", "https://a.example.com:8080/",
		"https://a.example.com:8085/", "https://a.example.com:8089/", "https://a.example.com:8090/", "https://a.example.com:8443/", "https://a.example.com:8444/",
		"https://a.example.com:8900/", "https://a.example.com:9420/", "https://a.example.com:9520/", "https://a.example.com:9900/"} {
		if got := fields(t, m, webhook.Webhook{URL: url}); got != nil {
			t.Errorf("%s: %v", url, got)
		}
	}
	for _, url := range []string{"http://a.example.com/", "https://a.example.com:80/", "https://a.example.com:1891/", "https://a.example.com:1879/", "https://a.example.com:8081/", "https://a.example.com:22/"} {
		if got := fields(t, m, webhook.Webhook{URL: url}); len(got) != 1 || !strings.HasPrefix(got[0], "url: ") {
			t.Errorf("%s: %v, want a refusal", url, got)
		}
	}
	m = manager(t, jira.Profile(jira.WithPorts(8081)))
	if got := fields(t, m, webhook.Webhook{URL: "https://a.example.com:8081/"}); got != nil {
		t.Errorf("a port of the host's: %v", got)
	}
	if got := fields(t, m, webhook.Webhook{URL: "https://a.example.com:8443/"}); got == nil {
		t.Error("the list was not replaced")
	}
}
