package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText  = 200 // characters of one value
	maxTitle = 255 // characters of a title; Jira refuses longer summaries
	joiner   = "\u2060"
)

// clean makes one line of a value: valid UTF-8, every run of spaces, line breaks and control
// characters one space, no invisible character and none that changes the direction of writing.
func clean(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			space = true
			continue
		case hidden(r):
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports whether a rune can make text look like another. Joiners that scripts and emoji
// need (U+200C, U+200D) stay.
func hidden(r rune) bool {
	switch {
	case r == '\u061C', r == '\u200B', r == '\u200E', r == '\u200F', r == '\uFEFF',
		'\u202A' <= r && r <= '\u202E', '\u2060' <= r && r <= '\u206F',
		'\uFFF9' <= r && r <= '\uFFFB', 0xE0000 <= r && r <= 0xE007F:
		return true
	}
	return false
}

// cut shortens a text to most characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// value is a clean value of the usual length.
func value(s string) string { return cut(clean(s), maxText) }

var (
	emoji = regexp.MustCompile(`:([A-Za-z0-9_+'-]+:)`)
	www   = regexp.MustCompile(`(?i)(www)\.`)
)

// defuse breaks up texts that programs turn into links, mentions and emoji, with invisible
// characters.
func defuse(s string) string {
	s = strings.ReplaceAll(s, "@", "@"+joiner)
	s = strings.ReplaceAll(s, "://", ":"+joiner+"//")
	s = www.ReplaceAllString(s, "$1"+joiner+".")
	for emoji.MatchString(s) { // in ":a:b:" the second match overlaps the first
		s = emoji.ReplaceAllString(s, ":"+joiner+"$1")
	}
	return s
}

// domainDot reports whether the dot at i may sit within a domain name: between a letter or
// digit and a letter, as in example.com, not in 3.14.
func domainDot(rs []rune, i int) bool {
	return rs[i] == '.' && i > 0 && i+1 < len(rs) && word(rs[i-1]) && unicode.IsLetter(rs[i+1])
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// inWord reports whether the rune at i stands between two letters or digits, where an
// underscore formats nothing.
func inWord(rs []rune, i int) bool {
	return i > 0 && i+1 < len(rs) && word(rs[i-1]) && word(rs[i+1])
}

var address = regexp.MustCompile(`^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

// isAddress reports whether a value is an e-mail address without formatting characters. It stays
// whole, so that it can be copied.
func isAddress(s string) bool {
	rs := []rune(s)
	for i, r := range rs {
		if r == '_' && !inWord(rs, i) {
			return false
		}
	}
	return address.MatchString(s)
}

// plain is a value for a text without markup, such as an e-mail, because mail programs still link
// addresses.
func plain(s string) string { return defuse(value(s)) }
