package report

import "strings"

// slackControl escapes the three characters that Slack's mrkdwn reserves.
var slackControl = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackText is a value as text of mrkdwn, which has no escape for formatting, so look-alikes
// replace the formatting characters.
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

// slackCode is a value in backticks, where only the control characters have a meaning.
func slackCode(s string) string {
	s = slackControl.Replace(strings.ReplaceAll(value(s), "`", "‵"))
	if s == "" {
		s = dash
	}
	return "`" + s + "`"
}

// slackLink is a label with a link to a URL, or the label alone where the URL is empty. The label
// is already escaped; a pipe in it would end the URL early in other parsers.
func slackLink(label, safe string) string {
	if safe == "" {
		return label
	}
	return "<" + slackControl.Replace(safe) + "|" + strings.ReplaceAll(label, "|", "∣") + ">"
}
