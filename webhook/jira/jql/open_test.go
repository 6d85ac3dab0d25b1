package jql_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/jira/jql"
)

// Text in front of, in or after a good filter must never turn it into a filter that matches more:
// it is refused, or it still has clauses.
func TestParse_onlyBlankSourcesMatchEverything(t *testing.T) {
	t.Parallel()
	grammars := map[string]jql.Grammar{"zero": {}, "dynamic": jql.Dynamic(), "admin": jql.Admin(), "any": jql.Any()}
	good := []string{"project = PRJ", "NOT project = PRJ", "project NOT IN (PRJ) AND status = Done", "(project = PRJ OR status != Done)"}
	var sources []string
	for c := range rune(0x180) { // ASCII, Latin-1 and some beyond
		for _, src := range good {
			sources = append(sources, string(c)+src, string(c)+" "+src, src+string(c), strings.Replace(src, "project", "pro"+string(c)+"ject", 1),
				strings.Replace(src, "= PRJ", "= "+string(c)+"PRJ", 1))
		}
		sources = append(sources, string(c), strings.Repeat(string(c), 3), " "+string(c)+" ")
	}
	sources = append(sources, `"project = PRJ`, `'project = PRJ AND status = Done`, "{project} = PRJ", "%p", "$a", "@x", "#", "*", "?", ";",
		`\project = PRJ`, "\x00project = PRJ", "\u00a0", "\u3000", "\ufeff", "\u200b", "\u2028", "()", "(())", "NOT", "!", "AND", "ORDER BY key", "order by", "\"\"", "''",
		"\xff", "\xc2", " \xff", "--", "/* */", "// project = PRJ", "null", "EMPTY", ",", "[]", "= =")
	for name, g := range grammars {
		for _, src := range sources {
			f, err := g.Parse(src)
			switch {
			case err != nil && f != nil:
				t.Errorf("%s: Parse(%q) answers a filter beside its error", name, src)
			case err == nil && jql.Blank(src) != f.All():
				t.Errorf("%s: Parse(%q): matches everything: %v", name, src, f.All())
			case err == nil && !f.All() && f.Match(fields{}):
				t.Errorf("%s: Parse(%q) matches a subject without any field", name, src)
			}
		}
	}
}

func TestFilter_zeroMatchesNothing(t *testing.T) {
	t.Parallel()
	f := new(jql.Filter)
	var x jql.Index
	x.Set("f", []string{"e"}, f)
	if f.All() || f.Match(prj7) || len(x.Match("e", prj7)) != 0 {
		t.Error("a filter that was not parsed matches")
	}
}
