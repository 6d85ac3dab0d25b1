package jql_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/jira/jql"
)

// Each of these words is a keyword of JQL or reserved for later: unquoted it is no name, no value
// and no key of a property; in quotes it is all of them.
func TestParse_reservedWords(t *testing.T) {
	t.Parallel()
	words := strings.Fields(`abort access add after alias alter and any as asc audit avg before begin between boolean
		break by byte catch cf changed char character check checkpoint collate collation column commit connect continue
		count create current date decimal declare decrement default defaults define delete delimiter desc difference
		distinct divide do double drop during else empty encoding end equals escape exclusive exec execute exists explain
		false fetch file field first float for from function go goto grant greater group having identified if immediate in
		increment index initial inner inout input insert int integer intersect intersection into is isempty isnull join
		last left less like limit lock long max min minus mode modify modulo more multiply next noaudit not notin nowait
		null number object of on option or order outer output power previous prior privileges public raise raw remainder
		rename resource return returns revoke right row rowid rownum rows select session set share size sqrt start strict
		string subtract sum synonym table then to trans transaction trigger true uid union unique update user validate
		values view was when whenever where while with`)
	g := jql.Any()
	for _, word := range words {
		for _, spelt := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
			for _, layout := range []string{"project = %", "project != %", "project IN (a, %)", "project NOT IN (%)", "% = a", "issue.property[%] = a"} {
				if _, err := g.Parse(strings.ReplaceAll(layout, "%", spelt)); err == nil {
					t.Errorf("%q is accepted with %s", layout, spelt)
				}
				for _, quoted := range []string{"'" + spelt + "'", `"` + spelt + `"`} {
					if _, err := g.Parse(strings.ReplaceAll(layout, "%", quoted)); err != nil {
						t.Errorf("%q with %s: %v", layout, quoted, err)
					}
				}
			}
		}
		for _, other := range []string{word + "s1", "x" + word, word + "-1", word + ".x"} {
			if _, err := g.Parse("project = " + other); err != nil {
				t.Errorf("%s is no reserved word: %v", other, err)
			}
		}
	}
}

func TestParse_characters(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule, src string
		want      bool
	}{
		{"blanks are space, tab and line ends", "\t status\r\n=\n Done ", true},
		{"no-break space is a letter", "status = In\u00a0Progress", true},
		{"no-break space separates nothing", "status =\u00a0Done AND\u00a0reporter = x", false},
		{"ideographic space is a letter", "status = In\u3000Progress", true},
		{"ideographic space separates nothing", "status\u3000= Done", false}, // another clause
		{"ideographic space alone", "\u3000", false},
		{"vertical tab", "status =\vDone", false},
		{"form feed", "status = Done\f", false},
		{"next line", "status\u0085= Done", false},
		{"raw tab in quotes", "status = 'In\tProgress'", false},
		{"raw line end in quotes", "status = 'In\nProgress'", true},
		{"raw carriage return in quotes", "status = \"In\rProgress\"", true},
		{"control character in quotes", "status = 'In\x01Progress'", false},
		{"delete in quotes", "status = 'In\x7fProgress'", false},
		{"C1 control in quotes", "status = 'In\u0090Progress'", false},
		{"non-character in quotes", "status = 'In\ufdd0Progress'", false},
		{"non-character in a word", "status = In\uffffProgress", false},
		{"escaped space", `status = In\ Progress`, true},
		{"escaped quote in a word", `status = O\'Brien`, true},
		{"escaped nothing", `status = In\`, false},
		{"escaped letter", `status = In\a`, false},
		{"hexadecimal with an underscore", `status = '\u0_41'`, false},
		{"hexadecimal with a sign", `status = '\u+041'`, false},
		{"the long s is no s", "status i\u017f x", false},
		{"a reserved word with a long s is none", "status = a\u017f", true},
		{"the Kelvin sign is no k", "status = boo\u212a AND status = li\u212ae", true},
		{"cf by a name", "cf[x] = 1", false},
		{"cf by a quoted number", "cf['10014'] = 1", false},
		{"cf by a negative number", "cf[-10014] = 1", false},
		{"cf alone", "cf = 1", false},
		{"a path behind a custom field", "cf[10014].a = 1", false},
		{"a bracket behind a number", "12[x] = 1", false},
		{"two quoted texts", "status = 'a''b'", false},
		{"a list for =", "status = (Done)", false},
		{"a comma at the end of a list", "status IN (Done,)", false},
	} {
		if _, err := jql.Dynamic(10014).Parse(tc.src); (err == nil) != tc.want {
			t.Errorf("%s: Parse(%q) = %v, want accepted: %v", tc.rule, tc.src, err, tc.want)
		}
	}
}

// A filter's cost does not depend on how its clauses are joined, and its error is not many times as
// long as the filter.
func TestParse_bounds(t *testing.T) {
	t.Parallel()
	chain := func(one, with string, n int) string {
		return strings.Repeat(one+with, n-1) + one
	}
	numbered := func(layout, with string, n int) string {
		var parts []string
		for i := range n {
			parts = append(parts, strings.ReplaceAll(layout, "#", string(rune('a'+i/676%26))+string(rune('a'+i/26%26))+string(rune('a'+i%26))))
		}
		return strings.Join(parts, with)
	}
	for _, tc := range []struct {
		rule, src string
		want      bool
	}{
		{"one field by OR", numbered("status=q#", "|", 830), true},
		{"one field by AND", numbered("status!=q#", "&", 760), true},
		{"one field behind NOT", "NOT (" + numbered("status=q#", "|", 820) + ")", true},
		{"200 fields", numbered("x#!=a", "|", jql.MaxClauses), true},
		{"201 fields", numbered("x#!=a", "|", jql.MaxClauses+1), false},
		{"201 fields in parentheses", chain("(", "", 60) + numbered("x#=a", "&", jql.MaxClauses+1) + chain(")", "", 60), false},
		{"lists in lists", "status IN " + chain("(", "", 64) + "a" + chain(")", "", 64), true},
		{"lists in lists too deep", "status IN " + chain("(", "", 66) + "a" + chain(")", "", 66), false},
	} {
		if _, err := jql.Any().Parse(tc.src); (err == nil) != tc.want {
			t.Errorf("%s: %v, want accepted: %v", tc.rule, err, tc.want)
		}
	}
	for _, src := range []string{numbered("x#!=a", "|", 1200), numbered("status<q#", "|", 830), chain("status = fn()", " OR ", 500), numbered("status=q#()", "|", 700)} {
		_, err := jql.Dynamic().Parse(src)
		if err == nil || len(err.Error()) > 2000 {
			t.Errorf("the error of %d bytes has %d", len(src), len(err.Error()))
		}
	}
}

// Parsing allocates in proportion to the result, not to its square. The test is not parallel,
// because it measures the bytes of the whole process.
func TestParse_allocatesInProportion(t *testing.T) {
	allocated := func(src string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = jql.Any().Parse(src) // some have too many clauses, which must not cost more
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, clause := range []string{"a=b|", "a!=b&", "a!=b|", "a=b&", "NOT a=b&", "a IN (b,c) OR "} {
		short := strings.Repeat(clause, 900/len(clause)) + "a=b"
		long := strings.Repeat(clause, 9000/len(clause)) + "a=b"
		if few, many := allocated(short), allocated(long); many > 20*few {
			t.Errorf("%q: %d bytes for a filter of %d, %d for one of %d", clause, few, len(short), many, len(long))
		} else {
			t.Logf("%q: %d bytes for a filter of %d, %d for one of %d", clause, few, len(short), many, len(long))
		}
	}
}
