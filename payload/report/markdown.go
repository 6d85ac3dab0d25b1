package report

import (
	"regexp"
	"strings"
)

// dash stands in an empty cell.
const dash = "-"

// mdText is a value as text of CommonMark, and of the tables of GitHub's dialect.
func mdText(s string) string { return mdEscape(defuse(value(s))) }

// mdEscape puts a backslash before punctuation that could start markup.
func mdEscape(s string) string {
	rs := []rune(s)
	var b strings.Builder
	for i, r := range rs {
		switch {
		case r == '_' && inWord(rs, i), r == '#' && i > 0:
		case strings.ContainsRune("\\`*_{}[]<>|~&#", r), domainDot(rs, i):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func mdEmail(s string) string {
	if s = value(s); isAddress(s) {
		return s
	}
	return mdText(s)
}

// mdCode is a value in backticks, where a backslash has no effect. It is not for tables.
func mdCode(s string) string {
	s = strings.ReplaceAll(value(s), "`", "‵")
	if s == "" {
		return dash
	}
	return "`" + s + "`"
}

// mdLink is a label with a link to a URL, or the label alone where the URL is empty. The label is
// already escaped.
func mdLink(label, safe string) string {
	if safe == "" {
		return label
	}
	return "[" + label + "](" + entity.ReplaceAllString(safe, "&amp;$1") + ")"
}

// entity is an ampersand that Markdown would read as a character reference.
var entity = regexp.MustCompile(`&(#?[A-Za-z0-9]+;)`)

// mdRow is a row of a table. Cells are already escaped; an empty one shows a dash.
func mdRow(cells ...string) string {
	var b strings.Builder
	for _, c := range cells {
		if c == "" {
			c = dash
		}
		b.WriteString("| " + c + " ")
	}
	return b.String() + "|\n"
}

// mdHead is the head of a table.
func mdHead(names ...string) string {
	return mdRow(names...) + strings.Repeat("| --- ", len(names)) + "|\n"
}

// mdTexts joins values.
func mdTexts(list []string) string {
	var out []string
	for _, s := range list {
		if s = mdText(s); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// mdUser is the first cell of a row about a user.
func mdUser(u User) string {
	name := mdText(u.Name)
	if name == "" {
		return dash
	}
	return mdLink(name, userURL(u.Link))
}
