package jql_test

import (
	"testing"

	"github.com/postrider/postrider/webhook/jira/jql"
)

// fields is a subject made of a map.
type fields map[string][]string

func (f fields) Values(field string) []string { return f[field] }

// prj7 is an issue without assignee and resolution.
var prj7 = fields{
	jql.IssueKey: {"10042", "PRJ-7"}, jql.Project: {"10000", "PRJ", "Project Seven"}, jql.IssueType: {"1", "Bug"},
	jql.Status: {"3", "In Progress"}, jql.Reporter: {"99:eve", "Eve O'Hara"}, "labels": {"UI", "move"},
	jql.PropertyField("flags", ".colour"): {"red"}, jql.PropertyField("size", ""): {"5"}, "cf[10014]": {"PRJ-1"},
}

func TestFilter_Match(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule, src string
		want      bool
	}{
		{"= by key", "project = PRJ", true},
		{"= by ID", "project = 10000", true},
		{"= by name", `project = "Project Seven"`, true},
		{"= another", "project = OTHER", false},
		{"values ignore case", "project = prj AND status = 'IN PROGRESS'", true},
		{"names ignore case", "PROJECT = PRJ AND IssueType = bug", true},
		{"keywords ignore case", "project in (PRJ) and not status not in ('in progress') or project = x", true},
		{"!= another", "status != Done", true},
		{"!= itself", "status != 'In Progress'", false},
		{"IN", "status IN (Done, 'In Progress', Closed)", true},
		{"IN without", "status IN (Done, Closed)", false},
		{"NOT IN", "status NOT IN (Done, Closed)", true},
		{"NOT IN with", "status NOT IN (Done, 'In Progress')", false},
		{"issueKey", "issueKey = prj-7", true},
		{"reporter with a quote", `reporter = 'Eve O\'Hara'`, true},
		{"reporter by account", `reporter = "99:eve"`, true},
		{"absent matches not =", "assignee = bob", false},
		{"absent matches not !=", "assignee != bob", false},
		{"absent matches not IN", "assignee IN (bob)", false},
		{"absent matches not NOT IN", "assignee NOT IN (bob)", false},
		{"absent matches not NOT =", "NOT assignee = bob", false},
		{"absent matches not NOT !=", "NOT assignee != bob", false},
		{"absent matches not a NOT further out", "NOT (assignee = bob OR status = Done)", false},
		{"several values: one is", "labels = ui", true},
		{"several values: != one of them", "labels != ui", false},
		{"several values: != another", "labels != backend", true},
		{"several values: NOT IN", "labels NOT IN (backend, MOVE)", false},
		{"property by path", "issue.property[flags].colour = RED", true},
		{"property as such", "issue.property['size'] = 5", true},
		{"property keys keep their case", "issue.property[Flags].colour = red", false},
		{"property absent", "issue.property[flags].other != red", false},
		{"property by several steps", "issue.property[flags] .colour = red", true},
		{"property by a quoted step", "issue.property[flags].'colour' = red", true},
		{"custom field with zeros in front", "cf[0010014] = PRJ-1", true},
		{"a list in a list", "project IN ((OTHER, (PRJ)), X)", true},
		{"a backslash in a word", `status = In\ Progress`, true},
		{"a reserved word behind an escape", `labels = u\u0049`, true},
		{"a pair of surrogates is one character", `labels != "\uD83D\uDE00" AND labels != '\uD83D'`, true},
		{"one set of many clauses", "project = A OR project = B OR project IN (PRJ, C)", true},
		{"one set of many negated clauses", "labels != a AND labels != b AND labels NOT IN (c, ui)", false},
		{"negated clauses joined by OR stay apart", "labels != ui OR labels != other", true},
		{"positive clauses joined by AND stay apart", "labels = ui AND labels = move", true},
		{"custom field", "cf[10014] = PRJ-1", true},
		{"AND before OR", "status = Done AND project = OTHER OR issuetype = Bug", true},
		{"parentheses", "status = Done AND (project = OTHER OR issuetype = Bug)", false},
		{"NOT binds tightest", "NOT status = Done AND project = PRJ", true},
		{"NOT over parentheses", "NOT (status = Done OR project = OTHER)", true},
		{"NOT NOT", "NOT NOT project = PRJ", true},
		{"symbols for words", "!(status = Done || project = OTHER) && project = PRJ & status != Done", true},
		{"one bar", "project = OTHER | issuetype = Bug", true},
		{"empty matches all", " ", true},
		{"escapes", `project = "\u0050RJ"`, true},
		{"a quoted keyword is a value", "status != 'AND'", true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			f, err := jql.Admin("cf[10014]").Parse(tc.src)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Match(prj7); got != tc.want {
				t.Errorf("%s: %v, want %v", tc.src, got, tc.want)
			}
			if got := f.Match(jql.Prepare(prj7)); got != tc.want {
				t.Errorf("%s: prepared %v, want %v", tc.src, got, tc.want)
			}
		})
	}
}

func TestFilter_nilMatchesEverything(t *testing.T) {
	t.Parallel()
	var f *jql.Filter
	if !f.All() || !f.Match(prj7) {
		t.Error("a nil filter does not match")
	}
}

func TestPrepare_asksOncePerField(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	p := jql.Prepare(jql.SubjectFunc(func(field string) []string {
		asked[field]++
		return prj7[field]
	}))
	for _, src := range []string{"project = PRJ", "project = OTHER OR project = X", "assignee = a", "assignee != b"} {
		f, err := jql.Dynamic().Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		f.Match(p)
	}
	if asked[jql.Project] != 1 || asked[jql.Assignee] != 1 {
		t.Errorf("asked %v, want each field once", asked)
	}
}
