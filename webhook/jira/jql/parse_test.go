package jql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/jira/jql"
)

func problems(t *testing.T, g jql.Grammar, src string) []string {
	t.Helper()
	f, err := g.Parse(src)
	if err == nil {
		if f.String() != src {
			t.Errorf("String() = %q, want the source %q", f, src)
		}
		return nil
	}
	var bad *jql.Error
	if !errors.Is(err, jql.ErrInvalid) || !errors.As(err, &bad) || f != nil || len(bad.Problems) == 0 {
		t.Fatalf("Parse(%q) = %v, %v; want a *jql.Error alone", src, f, err)
	}
	if !strings.HasPrefix(err.Error(), "jql: ") {
		t.Errorf("error text %q", err)
	}
	return bad.Problems
}

func TestParse_dynamicClauses(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"project = PRJ AND status = Done",
		"status = Done",
		"issueKey = EXA-1",
		"ISSUEKEY in (EXA-1, EXA-2)",
		"issuetype != Bug",
		"assignee = '99:27935d01' and Reporter NOT IN (\"eve\", bob)",
		"issue.property[flags].colour = red",
		"Issue.Property[\"my.key\"] = red",
		"cf[10014] = EXA-1",
		"CF[10014] not in (EXA-1)",
		"NOT (project = A OR project = B) && !status = Done || reporter = x",
		`"project" = PRJ`,
		"  ",
		"",
		`status = "In Progress"`,
		`status = 'O\'Brien\u0021 \\ \"'`,
		"status=Done",
		"status = ünïcode",
	} {
		if got := problems(t, jql.Dynamic(10014), src); got != nil {
			t.Errorf("Parse(%q): %q", src, got)
		}
	}
}

func TestParse_unsupported(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, src string
		want      []string
	}{
		{"the clause as the filter spells it", "myClause = something", []string{"The clause myClause is unsupported"}},
		{"every clause, in order", "myClause = 1 AND status = Done OR priority in (High) AND NOT summary ~ x",
			[]string{"The clause myClause is unsupported", "The clause priority is unsupported", "The clause summary is unsupported"}},
		{"each clause once", "a = 1 OR a = 2", []string{"The clause a is unsupported"}},
		{"aliases are not documented for apps", "key = EXA-1 OR type = Bug", []string{"The clause key is unsupported", "The clause type is unsupported"}},
		{"a custom field that the host does not list", "cf[10015] = x", []string{"The clause cf[10015] is unsupported"}},
		{"a quoted cf is no custom field", "'cf'[10014] = x", []string{"The clause 'cf'[10014] is unsupported"}},
		{"property of a property", "issue.property[a].b[c] = x", []string{"The clause issue.property[a].b[c] is unsupported"}},
		{"the spaces of the source", "cf[ 10015 ] = x", []string{"The clause cf[ 10015 ] is unsupported"}},
		{"quotes of the source", `"Epic Link" = x`, []string{`The clause "Epic Link" is unsupported`}},
		{"property without key", "issue.property = x", []string{"The clause issue.property is unsupported"}},
		{"operator ~", "status ~ Done", []string{"The operator ~ is unsupported in the clause status"}},
		{"operator <=", "project <= 3", []string{"The operator <= is unsupported in the clause project"}},
		{"operator is", "assignee is not EMPTY AND status = x", []string{"The operator IS is unsupported in the clause assignee"}},
		{"operator was", "status was in (a, b) during (x, y) OR status changed", []string{"The operator WAS is unsupported in the clause status", "The operator CHANGED is unsupported in the clause status"}},
		{"function", "assignee = currentUser() AND status = Done", []string{"The function currentUser() is unsupported"}},
		{"function with arguments", "assignee IN membersOf(\"x\", (y))", []string{"The function membersOf() is unsupported"}},
		{"function in a list", "assignee IN (bob, currentUser())", []string{"The function currentUser() is unsupported"}},
		{"EMPTY", "assignee = EMPTY", []string{"The value EMPTY is unsupported"}},
		{"null in a list", "assignee in (null)", []string{"The value null is unsupported"}},
		{"ORDER BY", "status = Done ORDER BY created DESC", []string{"ORDER BY is unsupported"}},
		{"order by and a clause", "x = Done order by created", []string{"The clause x is unsupported", "ORDER BY is unsupported"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, problems(t, jql.Dynamic(), tc.src)); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tc.src, diff)
			}
		})
	}
}

func TestParse_unreadable(t *testing.T) {
	t.Parallel()
	const at = "The filter cannot be read at character "
	for _, tc := range []struct{ src, want string }{
		{`"project = PRJ`, at + "1: a quote is not closed"},
		{`'project = PRJ AND status = Done`, at + "1: a quote is not closed"},
		{"{project} = PRJ", at + "1: the character '{' must stand in quotes"},
		{`\project = PRJ`, at + "1: a backslash stands before a quote, a backslash, a space, n, r, t or u with four digits only"},
		{"\x00project = PRJ", at + `1: the character '\x00' must stand in quotes`},
		{" %p", at + "2: the character '%' must stand in quotes"},
		{"#", at + "1: the character '#' must stand in quotes"},
		{"()", at + "2: expected the name of a field"},
		{"NOT", at + "4: expected the name of a field"},
		{"status", at + "7: expected =, !=, IN or NOT IN after status"},
		{"status =", at + "9: expected a value, in quotes if it is a keyword"},
		{"status = AND", at + "10: expected a value, in quotes if it is a keyword"},
		{"status = In Progress", at + "10: expected a value, in quotes if it is a keyword"},
		{"status = To Do", at + "10: expected a value, in quotes if it is a keyword"},
		{"status = Ready Steady", at + "16: expected AND, OR or the end"},
		{"= Done", at + "1: expected the name of a field"},
		{"status = Done AND", at + "18: expected the name of a field"},
		{"(status = Done", at + "15: expected a closing parenthesis"},
		{"status = Done)", at + "14: expected AND, OR or the end"},
		{"status IN Done", at + "15: expected values in parentheses after IN"},
		{"status IN ()", at + "12: expected a value, in quotes if it is a keyword"},
		{"status IN (a b)", at + "14: expected a comma or a closing parenthesis after a value"},
		{"status IN (a,", at + "14: expected a value, in quotes if it is a keyword"},
		{"status NOT Done", at + "12: expected IN after NOT"},
		{`status = "Done`, at + "10: a quote is not closed"},
		{`status = "\x"`, at + "10: a backslash stands before a quote, a backslash, a space, n, r, t or u with four digits only"},
		{`status = "\u00"`, at + "10: a backslash stands before a quote, a backslash, a space, n, r, t or u with four digits only"},
		{"status = a@b", at + "11: the character '@' must stand in quotes"},
		{"ü = 1 AND status = a@b", at + "21: the character '@' must stand in quotes"},
		{"cf[] = 1", at + "4: expected an identifier in brackets"},
		{"cf[1 = 1", at + "6: expected a closing bracket"},
		{"status = currentUser(", at + "22: expected a closing parenthesis"},
		{strings.Repeat("n", 256) + " = 1", at + "258: the name of a field is longer than 255 bytes"},
		{strings.Repeat("x", 10_001), "The filter is longer than 10,000 bytes"},
		{"status = \xff", "The filter is not valid UTF-8"},
		{strings.Repeat("(", 66) + "status = a", at + "66: parentheses and NOT are nested too deep"},
		{strings.Repeat("NOT ", 66) + "status = a", at + "261: parentheses and NOT are nested too deep"},
	} {
		got := problems(t, jql.Dynamic(), tc.src)
		if len(got) == 0 || got[len(got)-1] != tc.want {
			t.Errorf("Parse(%.40q): %q, want %q last", tc.src, got, tc.want)
		}
	}
}

func TestParse_strictAND(t *testing.T) {
	t.Parallel()
	g := jql.Dynamic()
	g.StrictAND = true
	if got := problems(t, g, "project = PRJ AND status NOT IN (Done, Closed) and reporter != eve"); got != nil {
		t.Errorf("a conjunction is refused: %q", got)
	}
	want := []string{"Parentheses are unsupported: only AND may join clauses", "OR is unsupported: only AND may join clauses", "NOT is unsupported: only AND may join clauses"}
	if diff := cmp.Diff(want, problems(t, g, "(project = A OR project = B) AND NOT status = x")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse_adminClauses(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"Project = JRA AND resolution = Fixed",
		"project = TEST and fixVersion = future",
		"key = EXA-1 OR issue = EXA-2 OR id = 3 OR type = Bug",
		"component in (Performance) AND priority != Minor AND labels = UI AND affectedVersion = 1 AND creator = a AND parent = EXA-1",
		"Environment = prod AND cf[10010] = x",
	} {
		if got := problems(t, jql.Admin("environment", "cf[10010]"), src); got != nil {
			t.Errorf("Parse(%q): %q", src, got)
		}
	}
	if diff := cmp.Diff([]string{"The clause environment is unsupported"}, problems(t, jql.Admin(), "environment = prod")); diff != "" {
		t.Errorf("a field that the host does not list (-want +got):\n%s", diff)
	}
	if got := problems(t, jql.Any(), `"Story Points" = 3 AND whatever != x`); got != nil {
		t.Errorf("Any refuses %q", got)
	}
	if got := problems(t, jql.Grammar{}, "status = Done"); got == nil {
		t.Error("the zero grammar supports a clause")
	}
}
