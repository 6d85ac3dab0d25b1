// Package text has the rules of texts that people enter and read. It imports no other package of the
// module.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsLine reports whether s is a line of valid UTF-8 that a database column and a page can hold:
// without control characters.
func IsLine(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

// IsLines is IsLine for a text that may also hold line breaks and tabs.
func IsLines(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// IsVisible reports whether a reader sees every character of s, in its order. Invisible characters,
// and those that turn the order round, make one text look like another.
func IsVisible(s string) bool {
	before := rune(0)
	for _, r := range s {
		if r > unicode.MaxASCII && invisible(r, before) {
			return false
		}
		before = r
	}
	return true
}

const blankBraille = '\u2800'

// invisible reports whether a character cannot be seen: bidirectional controls, zero-width and tag
// characters, fillers, and line separators. A selector that gives an emoji its colours is visible
// after an emoji.
func invisible(r, before rune) bool {
	switch {
	case r == '\ufe0e' || r == '\ufe0f':
		return !unicode.In(before, unicode.So, unicode.Sk, unicode.Sm, unicode.Po, unicode.Nd)
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false // a format character by name, and a visible sign of Arabic
	}
	return r == blankBraille ||
		unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
