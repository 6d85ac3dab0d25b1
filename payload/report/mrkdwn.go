package report

import "strings"

// slackControl escapes the three characters that Slack's mrkdwn reserves.
var slackControl = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackText is a value as text of mrkdwn. It knows no escape for formatting, so look-alikes
// stand in for the characters that format.
func slackText(s string) string {
	rs := []rune(defuse(value(s)))
	var b strings.Builder
	for i, r := range rs {
		switch {
		case r == '_' && !inWord(rs, i):
			r = '＿'
		case r == '*':
			r = '∗'
		case r == '~':
			r = '∼'
		case r == '`':
			r = '‵'
		}
		b.WriteRune(r)
		if domainDot(rs, i) {
			b.WriteString(joiner)
		}
	}
	return slackControl.Replace(b.String())
}

func slackEmail(s string) string {
	if s = value(s); isAddress(s) {
		return s
	}
	return slackText(s)
}

// slackCode is a value in backticks, where nothing but the control characters has a meaning.
func slackCode(s string) string {
	s = slackControl.Replace(strings.ReplaceAll(value(s), "`", "‵"))
	if s == "" {
		s = dash
	}
	return "`" + s + "`"
}

// slackLink is a label that leads to a URL, or the label alone where the URL is none. The
// label is escaped already; a pipe in it would end the URL early in other parsers.
func slackLink(label, safe string) string {
	if safe == "" {
		return label
	}
	return "<" + slackControl.Replace(safe) + "|" + strings.ReplaceAll(label, "|", "∣") + ">"
}
