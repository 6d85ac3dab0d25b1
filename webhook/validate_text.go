package webhook

import (
	"unicode"
	"unicode/utf8"
)

// plainText reports whether s is valid UTF-8 that a database column and a page can hold: without
// control characters, apart from line breaks and tabs where they are allowed.
func plainText(s string, lines bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) && !(lines && (r == '\n' || r == '\r' || r == '\t')) {
			return false
		}
	}
	return true
}

// shownText reports whether s is plainText of which a reader sees every character, in its order.
// Invisible characters, and those that turn the order round, make one text look like another.
func shownText(s string, lines bool) bool {
	if !plainText(s, lines) {
		return false
	}
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
