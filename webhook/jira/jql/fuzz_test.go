package jql_test

import (
	"testing"

	"github.com/postrider/postrider/webhook/jira/jql"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"project = PRJ AND status = Done", "myClause = something", "Project = JRA AND resolution = Fixed",
		"NOT (a = 1 OR b NOT IN ('x', \"y\\u0041\")) && cf[10014] != z ORDER BY a", "issue.property[k].a.b = 1", "status was in (a) during (f(1))", "((!a=b|c=d))",
		"", " \t\r\n", `"project = PRJ`, "{project} = PRJ", "\\project = PRJ", "\x00a = b", "%p", "NOT", "a = b AND \"", "(", "()",
	} {
		f.Add(seed)
	}
	g := jql.Any()
	subjects := []fields{prj7, {}, {"a": {"1"}, "b": {"x"}, "project": {"prj"}, "status": {"done"}}}
	f.Fuzz(func(t *testing.T, src string) {
		filter, err := g.Parse(src)
		if err != nil {
			if filter != nil || len(err.(*jql.Error).Problems) == 0 {
				t.Fatalf("Parse(%q) = %v, %v", src, filter, err)
			}
			return
		}
		if filter.All() != jql.Blank(src) {
			t.Fatalf("%q: matches everything: %v, blank: %v", src, filter.All(), jql.Blank(src))
		}
		if !jql.Blank(src) && filter.Match(fields{}) {
			t.Fatalf("%q has clauses and matches a subject without any field", src)
		}
		var x jql.Index
		x.Set("f", []string{"e"}, filter)
		opposite, err := g.Parse("NOT (" + src + ")")
		for _, s := range subjects {
			match := filter.Match(s)
			if indexed := len(x.Match("e", s)) == 1; indexed != match {
				t.Fatalf("%q: the index says %v, the filter %v", src, indexed, match)
			}
			if err == nil && match && opposite.Match(s) {
				t.Fatalf("%q and its opposite both match %v", src, s)
			}
		}
	})
}
