package allowlist

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// grammar selects the rules for paths and queries.
type grammar struct {
	// open is set outside Automation, where no rule restricts the path's prefix. Its
	// contents are limited only so that all parsers read the same path.
	open bool
	// expanded is set where variables were replaced by percent-encoded values.
	expanded bool
}

// onlyURLText is A2 for the whole string. It runs only to explain a refusal.
func (g grammar) onlyURLText(raw string) bool {
	end := 0
	if len(raw) >= len(scheme) && g.open {
		end, _ = authorityEnd(raw)
	}
	inQuery := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		inQuery = inQuery || c == '?'
		switch class[c] {
		case illegal:
			return false
		case bracket:
			if !g.open || i >= end && !inQuery {
				return false
			}
		case beyond:
			size := g.text(raw[i:])
			if size == 0 || i < end {
				return false
			}
			i += size - 1
		}
	}
	return true
}

// text returns the length of the character beyond ASCII at the start of s, or 0 if it may
// not stand in a path or query. The character must be visible: an invisible character, or
// one that looks like a space, is usually copied by mistake and changes the address.
// Percent-encoded it is accepted.
func (g grammar) text(s string) (size int) {
	r, size := utf8.DecodeRuneInString(s)
	if !g.open || r == utf8.RuneError && size < 2 || !unicode.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
		return 0
	}
	return size
}

func isASCII(s string) bool {
	all := byte(0)
	for i := range len(s) {
		all |= s[i]
	}
	return all < utf8.RuneSelf
}

// escapeText percent-encodes all bytes beyond ASCII.
func escapeText(s string) string {
	if isASCII(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(3 * len(s))
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
