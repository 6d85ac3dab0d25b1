package oracle

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/jira/jql"
)

// subject is an issue made of a map.
type subject map[string][]string

func (s subject) Values(field string) []string { return s[field] }

// opinion is the verdict of jql-ast, and of a walk over its tree, on a filter.
type opinion struct {
	Accepted bool
	Matches  []bool // by issue; nil where it is not accepted
}

var issues = []subject{
	{},
	{"project": {"10000", "PRJ", "Project Seven"}, "status": {"3", "In Progress"}, "labels": {"UI", "move", "a b"}, "issuekey": {"PRJ-7"},
		"issue.property[flags].colour": {"red"}, "issue.property[flags].a.b": {"1", "x"}, "cf[10014]": {"PRJ-1"}, "12": {"x"}},
	{"project": {"OTHER"}, "status": {"Done"}, "labels": {"and"}, "reporter": {"O'Brien", "x\ty"}, "issue.property[k]": {"1"}},
	{"status": {"x"}, "reporter": {"x"}, "labels": {"x", "1"}, "cf[10014]": {"x"}},
}

// writer makes filters with a fixed seed.
type writer struct{ *rand.Rand }

func (w writer) pick(list ...string) string { return list[w.IntN(len(list))] }

var blanks = []string{" ", " ", " ", "", "  ", "\t", "\n", "\r\n"}

func (w writer) blank() string { return w.pick(blanks...) }

func (w writer) value() string {
	return w.pick("PRJ", "prj", "OTHER", "Done", "'In Progress'", `"in progress"`, "x", "1", "-1", "10000", "ui", "'and'", `a\ b`, `'a b'`, `x\u0079`,
		`"\u0050RJ"`, `O\'Brien`, `'O\'Brien'`, `"O'Brien"`, `'x\ty'`, "red", "1.5", "a:b", "a_b", "a`b", "ünï", "a\u00a0b", "'a\nb'", `'\\'`, `''`, "all", "currentUser")
}

func (w writer) name() string {
	return w.pick("project", "PROJECT", "status", "labels", "reporter", "issueKey", "'status'", `"labels"`, "cf[10014]", "CF [ 10014 ]", "12", "nothing",
		"issue.property[flags].colour", "issue.property[flags] .colour", "issue.property['flags'] .a.b", "issue.property[flags].a .b", "issue.property[k]",
		"Issue.Property[k]", "issue.property[flags].'colour'")
}

func (w writer) clause() string {
	switch w.IntN(4) {
	case 0:
		return w.name() + w.blank() + w.pick("=", "!=") + w.blank() + w.value()
	case 1:
		return w.name() + w.blank() + w.pick("=", "!=") + w.value()
	}
	list := []string{}
	for range 1 + w.IntN(3) {
		if w.IntN(8) == 0 {
			list = append(list, "("+w.value()+","+w.value()+")")
		} else {
			list = append(list, w.value())
		}
	}
	return w.name() + " " + w.pick("in", "IN", "not in", "NOT  IN", "Not In") + w.blank() + "(" + strings.Join(list, w.blank()+","+w.blank()) + ")"
}

// filter is valid with a chance of about a half.
func (w writer) filter(depth int) string {
	if depth == 0 || w.IntN(3) == 0 {
		return w.clause()
	}
	inner := w.filter(depth-1) + w.pick(" AND ", " and ", " OR ", " or ", " && ", "||", " & ", "|") + w.filter(depth-1)
	return w.pick("", "NOT ", "not", "!", "! ") + "(" + inner + ")"
}

// spoilt is a filter with a small change at a random place.
func (w writer) spoilt(filter string) string {
	runes := []rune(filter)
	at := w.IntN(len(runes) + 1)
	insert := w.pick("'", `"`, `\`, "(", ")", "[", "]", ",", "=", "!", "~", "<", ">=", "&", "|", "&&&", ";", "@", "{", "%", "#", "/", "*", "+", "^", "$", "?", "\t", "\v", "\f", "\x00", "\x7f",
		"\u0085", "\u00a0", "\u3000", "\u2028", "\ufeff", "\ufdd0", "\uffff", "\U0001fffe", "\U0001f600", " and ", " AS ", " is ", " empty ", " order by ", " not ", " in ", `\u0041`, `\u00`,
		`\n`, `\x`, "cf", "cf[", ".", " .a", "-", "1", "()", "fn()", " if ", " during ", "ſ", "K", "''", "size", "true")
	switch w.IntN(4) {
	case 0:
		return string(runes[:at]) + string(runes[min(at+1+w.IntN(4), len(runes)):])
	case 1:
		return string(runes[:at]) + insert + string(runes[min(at+1, len(runes)):])
	case 2:
		words := strings.Fields(filter)
		words[w.IntN(len(words))] = w.pick(strings.Fields("if as set int do select update begin file access any null EMPTY is was changed by on to desc cf 'if' \"as\" iſ x")...)
		return strings.Join(words, " ")
	}
	return string(runes[:at]) + insert + string(runes[at:])
}

// corpus are 3,000 filters: one third unchanged, the others spoilt once or more often.
func corpus() []string {
	w := writer{rand.New(rand.NewPCG(3, 5))}
	filters := []string{"", " ", "\t\r\n", "\u3000", "\u00a0", "project = IF", "project = AS", "project = select", "project\u00a0= PRJ", "status = 'a\tb'", "status = 'a\nb'", `labels = a\ b`,
		"issue.property[flags] .a.b = 1", `"project = PRJ`, "{project} = PRJ", "cf[x] = 1", "cf = 1", "12[x] = 1", "status in ((a, b), c)", "'' = 1", "status = ''"}
	for len(filters) < 3000 {
		filter := w.filter(2)
		for range len(filters) % 3 {
			filter = w.spoilt(filter)
		}
		if len(filter) > 0 {
			filters = append(filters, filter)
		}
	}
	return filters
}

// Rule: of 3,000 filters, most of them damaged, Parse accepts exactly those that jql-ast accepts,
// within the subset for webhooks.
//
// Rule: a filter that both accept matches the same issues of a small set. The meaning is read from
// the tree of jql-ast by code that shares nothing with the package.
func TestJQL(t *testing.T) {
	t.Parallel()
	filters := corpus()
	opinions := ask[[]opinion](t, "jql", map[string]any{"filters": filters, "issues": issues})
	accepted, refused, met := 0, 0, 0
	for i, src := range filters {
		f, err := jql.Any().Parse(src)
		if (err == nil) != opinions[i].Accepted {
			t.Errorf("%q: jql-ast accepts it: %v, Parse says %v", src, opinions[i].Accepted, err)
			continue
		}
		if err != nil {
			refused++
			continue
		}
		accepted++
		for n, issue := range issues {
			got := f.Match(issue)
			if got != opinions[i].Matches[n] {
				t.Errorf("%q: issue %d matches: %v, by the tree of jql-ast %v", src, n, got, opinions[i].Matches[n])
			}
			if got && !f.All() {
				met++
			}
		}
	}
	t.Logf("%d accepted, %d refused, %d matches", accepted, refused, met)
	if accepted < 400 || refused < 400 || met < 400 {
		t.Error("the filters are too much alike: the test proves little")
	}
}

// Rule: the words that Parse reserves are those of jql-ast.
func TestJQLWords(t *testing.T) {
	t.Parallel()
	words := strings.Fields(`abort access add after alias all alter and any as asc audit avg be before begin between boolean break but by byte catch cf changed char
		character check checkpoint collate collation column commit connect continue count create current date decimal declare decrement default defaults define
		delete delimiter desc difference distinct divide do double drop during else empty encoding end equals escape exclusive exec execute exists explain false
		fetch field file first float for from function go goto grant greater group having identified if immediate in increment index initial inner inout input
		insert int integer intersect intersection into is isempty isnull it join key last left less like limit lock long max min minus mode modify modulo more
		multiply next no noaudit not notin nowait null number object of on option or order outer output power previous prior privileges public raise raw remainder
		rename resource return returns revoke right row rowid rownum rows select session set share size sqrt start strict string subtract such sum synonym table
		that the their then there these they this to trans transaction trigger true type uid union unique update user validate values view was when whenever where
		while will with yes`)
	var filters []string
	for _, word := range words {
		for _, spelt := range []string{word, strings.ToUpper(word), word + "x"} {
			filters = append(filters, "status = "+spelt, spelt+" = x", fmt.Sprintf("status in (x, %s)", spelt), fmt.Sprintf("issue.property[%s] = x", spelt), fmt.Sprintf("status = '%s'", spelt))
		}
	}
	for i, o := range ask[[]opinion](t, "jql", map[string]any{"filters": filters, "issues": issues}) {
		if _, err := jql.Any().Parse(filters[i]); (err == nil) != o.Accepted {
			t.Errorf("%q: jql-ast accepts it: %v, Parse says %v", filters[i], o.Accepted, err)
		}
	}
}
