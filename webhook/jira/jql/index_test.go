package jql_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/jira/jql"
)

func parse(tb testing.TB, src string) *jql.Filter {
	tb.Helper()
	f, err := jql.Admin("cf[10014]").Parse(src)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func TestIndex_Match(t *testing.T) {
	t.Parallel()
	const created, updated = "jira:issue_created", "jira:issue_updated"
	var x jql.Index
	x.Set("project", []string{created, updated, created}, parse(t, "project = PRJ AND status = 'In Progress'"))
	x.Set("other project", []string{created}, parse(t, "project = OTHER"))
	x.Set("two projects", []string{created}, parse(t, "project IN (PRJ, 10000, OTHER)"))
	x.Set("either", []string{created}, parse(t, "project = PRJ OR project = OTHER AND status = Done"))
	x.Set("no certain value", []string{created}, parse(t, "project = OTHER OR status != Done"))
	x.Set("negated", []string{created}, parse(t, "project != PRJ"))
	x.Set("everything", []string{updated}, nil)
	x.Set("every event", []string{jql.EveryEvent}, parse(t, "labels = ui"))
	x.Set("no event", nil, nil)

	match := func(event string, s jql.Subject, want ...string) {
		t.Helper()
		slices.Sort(want)
		if diff := cmp.Diff(want, x.Match(event, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", event, diff)
		}
	}
	match(created, prj7, "project", "two projects", "either", "no certain value", "every event")
	match(updated, prj7, "project", "everything", "every event")
	match("jira:issue_deleted", prj7, "every event")
	match(updated, nil, "project", "everything", "every event")
	match(created, nil, "project", "other project", "two projects", "either", "no certain value", "negated", "every event")

	x.Set("project", []string{updated}, parse(t, "project = OTHER"))
	x.Delete("two projects")
	x.Delete("two projects")
	x.Delete("every event")
	match(created, prj7, "either", "no certain value")
	match(updated, prj7, "everything")
	if x.Len() != 7 {
		t.Errorf("Len = %d, want 7", x.Len())
	}
	var empty jql.Index
	if got := empty.Match(created, prj7); got != nil || empty.Len() != 0 {
		t.Errorf("the zero Index matches %v", got)
	}
}

// Rule: a star after a dot stands for all events with the prefix before it.
func TestIndex_family(t *testing.T) {
	t.Parallel()
	var x jql.Index
	for _, event := range []string{"task.*", "task.run.*", "task.run", "task*", ".*"} {
		x.Set(event, []string{event}, nil)
	}
	for event, want := range map[string][]string{
		"task.done": {"task.*"}, "task.run.done": {"task.*", "task.run.*"}, "task.run": {"task.*", "task.run"}, "task": nil, "tasks.x": nil, ".x": nil,
	} {
		if got := x.Match(event, nil); !slices.Equal(got, want) {
			t.Errorf("%s matches %v, want %v", event, got, want)
		}
	}
	for _, event := range []string{"task.*", "task.run.*", "task.run", "task*", ".*"} {
		x.Delete(event)
	}
	if got := x.Match("task.run.done", nil); got != nil {
		t.Errorf("after Delete %v match", got)
	}
}

// A filter that the Index skips does not match.
func TestIndex_agreesWithEveryFilter(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	var random func(depth int) string
	random = func(depth int) string {
		if depth == 0 || rng.IntN(3) == 0 {
			field := pick("project", "status", "issueKey", "labels", "assignee")
			value := pick("a", "b", "c", "d")
			return field + " " + pick("= "+value, "!= "+value, "IN ("+value+", "+pick("a", "b")+")", "NOT IN ("+value+", d)")
		}
		return pick("", "NOT ") + "(" + random(depth-1) + pick(" AND ", " OR ") + random(depth-1) + ")"
	}
	var x jql.Index
	filters := map[string]*jql.Filter{}
	for i := range 500 {
		id := fmt.Sprint(i)
		filters[id] = parse(t, random(3))
		x.Set(id, []string{"e"}, filters[id])
	}
	hits := 0
	for range 200 {
		s := fields{}
		for _, field := range []string{"project", "status", jql.IssueKey, "labels", "assignee"} {
			for range rng.IntN(3) {
				s[field] = append(s[field], pick("A", "b", "C", "x"))
			}
		}
		var want []string
		for id, f := range filters {
			if f.Match(s) {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		hits += len(want)
		if diff := cmp.Diff(want, x.Match("e", s)); diff != "" {
			t.Fatalf("subject %v (-want +got):\n%s", s, diff)
		}
	}
	if hits == 0 {
		t.Error("nothing matched at all: the test proves nothing")
	}
}

// BenchmarkIndex_10000 is one event against 10,000 compiled filters on 1,000
// projects.
func BenchmarkIndex_10000(b *testing.B) {
	var x jql.Index
	for i := range 10_000 {
		x.Set(fmt.Sprint("webhook-", i), []string{"jira:issue_created", "jira:issue_updated"},
			parse(b, fmt.Sprintf("project = P%d AND status != Done AND assignee IN (a%d, a%d)", i%1000, i%7, i%11)))
	}
	s := fields{jql.Project: {"10000", "P7", "Seven"}, jql.Status: {"3", "In Progress"}, jql.Assignee: {"a1", "Ann"}}
	b.ReportAllocs()
	for b.Loop() {
		if len(x.Match("jira:issue_updated", s)) == 0 {
			b.Fatal("nothing matched")
		}
	}
}

// BenchmarkFilter_10000 is the same without an index.
func BenchmarkFilter_10000(b *testing.B) {
	filters := make([]*jql.Filter, 10_000)
	for i := range filters {
		filters[i] = parse(b, fmt.Sprintf("project = P%d AND status != Done AND assignee IN (a%d, a%d)", i%1000, i%7, i%11))
	}
	s := fields{jql.Project: {"10000", "P7", "Seven"}, jql.Status: {"3", "In Progress"}, jql.Assignee: {"a1", "Ann"}}
	b.ReportAllocs()
	for b.Loop() {
		p := jql.Prepare(s)
		for _, f := range filters {
			f.Match(p)
		}
	}
}
