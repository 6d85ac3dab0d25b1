package jira_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// matches calls Match and Select and checks that they agree.
func matches(t *testing.T, m *jira.Matcher, w webhook.Webhook, e payload.Event) bool {
	t.Helper()
	got, err := m.Match(w, e)
	if err != nil {
		t.Fatalf("Match: %v", err)
	}
	selected, err := m.Select([]webhook.Webhook{w}, e)
	if err != nil {
		t.Fatalf("Select: %v", err)
	}
	if (len(selected) == 1) != got {
		t.Errorf("Match says %v, Select %d webhooks", got, len(selected))
	}
	return got
}

func issue() *jiraevent.Issue {
	return &jiraevent.Issue{ID: "10042", Key: "PRJ-7", Fields: map[string]any{
		"project":           map[string]any{"id": "10000", "key": "PRJ", "name": "Project Seven"},
		"issuetype":         map[string]string{"id": "1", "name": "Bug"},
		"status":            map[string]any{"id": 3, "name": "In Progress"},
		"reporter":          jiraevent.User{AccountID: "99:eve", DisplayName: "Eve"},
		"assignee":          nil,
		"priority":          "Minor",
		"resolution":        map[string]any{"name": "Fixed"},
		"labels":            []string{"UI", "move"},
		"fixVersions":       []any{map[string]any{"name": "future"}, map[string]any{"name": "1.0"}},
		"components":        []map[string]any{{"name": "Performance"}},
		"Environment":       "prod",
		"customfield_10014": "PRJ-1",
		"customfield_10020": 5,
		"customfield_10021": 5.5,
	}, Properties: map[string]any{"flags": map[string]any{"a": map[string]any{"colour": "red"}, "on": true}, "my.key": []int{1, 2}}}
}

func TestMatcher_clauses(t *testing.T) {
	t.Parallel()
	m := jira.NewMatcher(jira.WithGrammar(jql.Any()))
	c := sample(t, "jira:issue_updated")
	c.Issue = issue()
	e := event(t, c)
	for i, tc := range []struct {
		filter string
		want   bool
	}{
		{"", true},
		{"issueKey = prj-7", true},
		{"issueKey = 10042", true},
		{"project = PRJ AND project = 10000 AND project = 'project seven'", true},
		{"issuetype = bug AND status = 3 AND status != Done", true},
		{"reporter = '99:eve' AND reporter IN (Eve)", true},
		{"assignee != bob", false},
		{"assignee NOT IN (bob)", false},
		{"priority = minor AND resolution = fixed", true},
		{"labels = ui AND labels NOT IN (backend)", true},
		{"fixVersion = future AND component = performance", true},
		{"affectedVersion != 1", false},
		{"environment = PROD", true},
		{"cf[10014] = PRJ-1 AND cf[10020] = 5 AND cf[10021] = 5.5", true},
		{"cf[10015] != x", false},
		{"issue.property[flags].a.colour = red AND issue.property[flags].on = 'true'", true},
		{"issue.property[flags].on.deeper = x", false},
		{"issue.property[flags].none != x", false},
		{"issue.property['my.key'] = 2", true},
		{"whatever != x", false},
	} {
		w := webhook.Webhook{ID: fmt.Sprint("whk_", i), Scope: "acme", Filter: tc.filter, Events: []string{"jira:issue_updated"}}
		if got := matches(t, m, w, e); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.filter, got, tc.want)
		}
	}
}

func TestMatcher_deletionSeesWhatWas(t *testing.T) {
	t.Parallel()
	c := sample(t, "jira:issue_deleted")
	c.Issue = &jiraevent.Issue{ID: "10042", Key: "PRJ-7"} // the issue in the body
	e := event(t, c, payload.WithSubject(issue()))        // the issue before
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Filter: "project = PRJ AND component = Performance", Events: []string{"jira:issue_deleted"}}
	if !matches(t, jira.NewMatcher(), w, e) {
		t.Error("the issue as it was before its deletion does not match")
	}
	if matches(t, jira.NewMatcher(), w, event(t, c)) {
		t.Error("what is left of the issue matches: the test proves nothing")
	}
}

func TestMatcher_events(t *testing.T) {
	t.Parallel()
	merge := sample(t, "jira:version_deleted")
	merge.MergedTo = merge.Version
	for _, tc := range []struct {
		rule, events string
		c            jiraevent.Callback
		want         bool
	}{
		{"listed", "sprint_closed sprint_started", sample(t, "sprint_started"), true},
		{"not listed", "sprint_closed", sample(t, "sprint_started"), false},
		{"all", "*", sample(t, "sprint_started"), true},
		{"none", "", sample(t, "sprint_started"), false},
		{"deletion of a version", "jira:version_deleted", sample(t, "jira:version_deleted"), true},
		{"a deletion is no merge", "jira:version_merged", sample(t, "jira:version_deleted"), false},
		{"a merge is a deletion", "jira:version_deleted", merge, true},
		{"a merge under its older name", "jira:version_merged", merge, true},
		{"a merge sent under its older name", "jira:version_merged", sample(t, "jira:version_merged"), true},
		{"a merge sent under its older name is a deletion", "jira:version_deleted", sample(t, "jira:version_merged"), true},
		{"a merge for both names", "jira:version_deleted jira:version_merged", merge, true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{ID: "whk_1", Scope: "acme", Events: strings.Fields(tc.events)}
			if got := matches(t, jira.NewMatcher(), w, event(t, tc.c)); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

func TestMatcher_filterAppliesByEdition(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Filter: "project = OTHER", Events: []string{"*"}}
	for _, tc := range []struct {
		event     string
		now, then bool // the event passes a filter that its issue does not match
	}{
		{"jira:issue_created", false, false},
		{"comment_created", false, false},
		{"attachment_created", false, true},
		{"sprint_started", true, true},
		{"issuelink_created", true, true},
	} {
		e := event(t, sample(t, tc.event))
		if got := matches(t, jira.NewMatcher(), w, e); got != tc.now {
			t.Errorf("%s today: %v, want %v", tc.event, got, tc.now)
		}
		if got := matches(t, jira.NewMatcher(jira.WithEdition(jiraevent.Cloud2019)), w, e); got != tc.then {
			t.Errorf("%s in 2019: %v, want %v", tc.event, got, tc.then)
		}
	}
}

func TestMatcher_subject(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Filter: "project = PRJ", Events: []string{"*"}}
	m := jira.NewMatcher()
	own := jql.SubjectFunc(func(string) []string { return []string{"prj"} })
	if !matches(t, m, w, event(t, sample(t, "comment_created"), payload.WithSubject(own))) {
		t.Error("a subject of the host's own is not asked")
	}
	for name, subject := range map[string]any{"none": nil, "another type": 7, "a nil issue": (*jiraevent.Issue)(nil)} {
		e := event(t, sample(t, "comment_created"), payload.WithSubject(subject))
		if _, err := m.Match(w, e); err == nil || !strings.Contains(err.Error(), "WithSubject") {
			t.Errorf("%s: Match = %v, want an error that says what to do", name, err)
		}
		if _, err := m.Select([]webhook.Webhook{w}, e); err == nil || !strings.Contains(err.Error(), "WithSubject") {
			t.Errorf("%s: Select = %v, want an error that says what to do", name, err)
		}
	}
	e := event(t, sample(t, "comment_created"), payload.WithSubject(nil))
	if !matches(t, m, webhook.Webhook{ID: "whk_2", Scope: "acme", Events: []string{"*"}}, e) {
		t.Error("a webhook without a filter needs a subject")
	}
}

// Rule: a filter is parsed again when its text changes, for any version of the webhook, because a
// host may keep webhooks in its own table.
func TestMatcher_followsFilters(t *testing.T) {
	t.Parallel()
	m := jira.NewMatcher()
	e := event(t, sample(t, "jira:issue_created")) // of project EX
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Filter: "project = EX", Events: []string{"jira:issue_created"}, Version: 1}
	if !matches(t, m, w, e) {
		t.Fatal("does not match")
	}
	w.Filter = "project = OTHER"
	if matches(t, m, w, e) {
		t.Error("another filter under the same version was not parsed")
	}
	w.Version++
	if matches(t, m, w, e) {
		t.Error("a new version matches")
	}
	w.Filter, w.UpdatedAt = "project = EX", time.Unix(1, 0) // a new webhook with the same ID
	if !matches(t, m, w, e) {
		t.Error("a later record was not parsed")
	}
	w.Events = []string{"jira:issue_deleted"}
	if matches(t, m, w, e) {
		t.Error("other events under the same version were not heeded")
	}
	w.Events = []string{"jira:issue_created"}
	w.Filter, w.Version = "nonsense ~ x", 9
	if _, err := m.Match(w, e); !errors.Is(err, webhook.ErrUnusable) || !strings.Contains(err.Error(), "whk_1") {
		t.Errorf("Match with a stored filter that is none = %v, want an error that names the webhook", err)
	}
	other := webhook.Webhook{ID: "whk_2", Scope: "acme", Filter: "project = EX", Events: []string{"jira:issue_created"}}
	got, err := m.Select([]webhook.Webhook{w, other}, e)
	if !errors.Is(err, webhook.ErrUnusable) || !strings.Contains(err.Error(), "whk_1") || len(got) != 1 || got[0].ID != "whk_2" {
		t.Errorf("Select with a stored filter that is none = %v, %v; want the other webhook beside an error that names this one", got, err)
	}
}

func TestMatcher_issueOfEachEvent(t *testing.T) {
	t.Parallel()
	m := jira.NewMatcher()
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Filter: "project = EX", Events: []string{"*"}}
	c := sample(t, "jira:issue_created")
	if !matches(t, m, w, event(t, c)) {
		t.Fatal("does not match")
	}
	c.Issue.Fields["project"] = map[string]any{"key": "OTHER"} // the host changes its own value between two events
	if matches(t, m, w, event(t, c)) {
		t.Error("the second event is judged by the first one's issue")
	}
}
