package jira_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

func TestMatcher_selectFollowsChanges(t *testing.T) {
	t.Parallel()
	m := jira.NewMatcher()
	e := event(t, sample(t, "jira:issue_created"))
	hook := func(id, filter string) webhook.Webhook {
		return webhook.Webhook{ID: id, Scope: "acme", Filter: filter, Events: []string{"jira:issue_created"}}
	}
	selected := func(hooks ...webhook.Webhook) (ids []string) {
		t.Helper()
		got, err := m.Select(hooks, e)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range got {
			ids = append(ids, w.ID)
		}
		return ids
	}
	a, b, c, d := hook("c", "project = EX"), hook("b", ""), hook("a", "status = Done"), hook("d", "project = EX OR status = Done")
	for _, tc := range []struct {
		rule  string
		hooks []webhook.Webhook
		want  []string
	}{
		{"in the order given", []webhook.Webhook{a, b, c, d}, []string{"c", "b", "d"}},
		{"another order", []webhook.Webhook{d, c, b, a}, []string{"d", "b", "c"}},
		{"one is gone", []webhook.Webhook{a, d}, []string{"c", "d"}},
		{"one for another", []webhook.Webhook{a, b}, []string{"c", "b"}},
		{"none", nil, nil},
		{"another filter of the same version", []webhook.Webhook{hook("c", "project = OTHER"), hook("a", "project = EX")}, []string{"a"}},
		{"other events of the same version", []webhook.Webhook{{ID: "c", Scope: "acme", Events: []string{"user_created"}}, hook("b", "")}, []string{"b"}},
		{"all again", []webhook.Webhook{a, b, c, d}, []string{"c", "b", "d"}},
	} {
		if diff := cmp.Diff(tc.want, selected(tc.hooks...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.rule, diff)
		}
	}
}

func manyHooks(n int) []webhook.Webhook {
	hooks := make([]webhook.Webhook, n)
	for i := range hooks {
		hooks[i] = webhook.Webhook{ID: fmt.Sprintf("whk_%06d", i), Scope: "acme", Version: 1, Active: true, Events: []string{"jira:issue_created", "jira:issue_updated"},
			Filter: fmt.Sprintf("project = P%d AND status != Done AND reporter IN (r%d, 'Mia Krystof')", i%1000, i%7)}
	}
	return hooks
}

func TestMatcher_manyAgree(t *testing.T) {
	t.Parallel()
	m, hooks := jira.NewMatcher(), manyHooks(3000)
	c := sample(t, "jira:issue_updated")
	c.Issue.Fields["project"] = map[string]any{"id": "1", "key": "P7"}
	e := event(t, c)
	got, err := m.Select(hooks, e)
	if err != nil {
		t.Fatal(err)
	}
	var want []webhook.Webhook
	for _, w := range hooks {
		if ok, err := m.Match(w, e); err != nil {
			t.Fatal(err)
		} else if ok {
			want = append(want, w)
		}
	}
	if len(want) != 3 || !slices.EqualFunc(want, got, func(a, b webhook.Webhook) bool { return a.ID == b.ID }) {
		t.Errorf("Match finds %d webhooks, Select %d; want the same 3", len(want), len(got))
	}
}

// One event against 10,000 webhooks of one scope on 1,000 projects, all filters
// parsed before.
func benchmarkMatcher(b *testing.B, run func(*jira.Matcher, []webhook.Webhook, payload.Event) int) {
	m, hooks := jira.NewMatcher(), manyHooks(10_000)
	c := sample(b, "jira:issue_updated")
	c.Issue.Fields["project"] = map[string]any{"id": "1", "key": "P7"}
	events := make([]payload.Event, 64)
	for i := range events {
		events[i] = event(b, c)
	}
	run(m, hooks, events[0])
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if n++; run(m, hooks, events[n%len(events)]) != 10 {
			b.Fatal("want 10 webhooks")
		}
	}
}

func BenchmarkMatcher_Match10000(b *testing.B) {
	benchmarkMatcher(b, func(m *jira.Matcher, hooks []webhook.Webhook, e payload.Event) (n int) {
		for i := range hooks {
			if ok, err := m.Match(hooks[i], e); err != nil {
				b.Fatal(err)
			} else if ok {
				n++
			}
		}
		return n
	})
}

func BenchmarkMatcher_Select10000(b *testing.B) {
	benchmarkMatcher(b, func(m *jira.Matcher, hooks []webhook.Webhook, e payload.Event) int {
		got, err := m.Select(hooks, e)
		if err != nil {
			b.Fatal(err)
		}
		return len(got)
	})
}
