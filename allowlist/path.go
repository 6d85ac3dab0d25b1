package allowlist

import "unicode/utf8"

// The classes of bytes in a path or query.
const (
	illegal = iota // refused by A2
	plain
	slash
	question
	percent
	semicolon
	bracket // square brackets; only in the query of an open grammar
	beyond  // ASCII: part of a character, only in an open grammar
)

// class gives each byte its class: the unreserved characters and sub-delims of RFC 3986,
// and ":" "/" "?" "@" "%".
var class = func() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = plain, plain
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = plain
	}
	for _, c := range "-._~!$&'()*+,=:@" {
		t[c] = plain
	}
	t['/'], t['?'], t['%'], t[';'], t['['], t[']'] = slash, question, percent, semicolon, bracket, bracket
	for c := 0x80; c < len(t); c++ {
		t[c] = beyond
	}
	return t
}()

// judgePath judges the segments of a path by A2 and A6 to A8. The path is given without
// the slash before its first segment and with the query behind it. judgePath returns the
// query from its question mark on.
func (g grammar) judgePath(s string) (query string, e *Error) {
	start, special := 0, false
	for i := range len(s) {
		c := class[s[i]]
		if c == plain {
			continue
		}
		switch c {
		case percent, semicolon, beyond:
			special = true
		case slash:
			if i == start && !g.open && !g.expanded {
				return "", refuseA6
			}
			if e := g.judgeSegment(s[start:i], special); e != nil {
				return "", e
			}
			start, special = i+1, false
		case question:
			return s[i:], g.judgeSegment(s[start:i], special)
		default:
			return "", refuseA2
		}
	}
	return "", g.judgeSegment(s[start:], special)
}

// judgeSegment is A7 and A8 for one segment. It accepts an empty segment: the caller has
// permitted it, or it is the trailing slash.
func (g grammar) judgeSegment(seg string, special bool) *Error {
	if special {
		return g.judgeEncodedSegment(seg)
	}
	if seg == "." || seg == ".." {
		return refuseA8
	}
	return nil
}

// judgeEncodedSegment decodes the segment byte by byte. A name ends at the first ";",
// because servlet containers drop the text behind it and take "..;" for "..". An encoded
// separator ends a name too, because a receiver may decode first.
func (g grammar) judgeEncodedSegment(seg string) *Error {
	var name segmentName
	for i := 0; i < len(seg); i++ {
		c := seg[i]
		switch class[c] {
		case beyond:
			size := g.text(seg[i:])
			if size == 0 {
				return refuseA2
			}
			i += size - 1
		case percent:
			size := 0
			if c, size = g.encodedInPath(seg[i:]); size == 0 {
				return refuseA7
			}
			i += size - 1
		}
		if c == '/' || c == '\\' {
			if g.refuses(name) {
				return refuseA8
			}
			name = segmentName{}
			continue
		}
		name.add(c)
	}
	if g.refuses(name) || name.length == 0 && !g.open && !g.expanded {
		return refuseA8
	}
	return nil
}

// encodedInPath is A7: it decodes the %HH at the start of s and those that follow in the
// same character of UTF-8. Size is the number of decoded bytes of s, 0 if the character may
// not stand in the path.
func (g grammar) encodedInPath(s string) (first byte, size int) {
	b, ok := decode(s)
	switch {
	case !ok:
		return 0, 0
	case g.expanded, !g.open && permittedInPath(b):
		return b, 3
	case !g.open || b < 0x20 || b == 0x7F:
		return 0, 0
	case b < utf8.RuneSelf:
		return b, 3
	}
	var char [utf8.UTFMax]byte
	n := 0
	for ; n < len(char) && ok && (n == 0 || b >= utf8.RuneSelf); n++ {
		char[n] = b
		b, ok = decode(s[3*(n+1):])
	}
	r, length := utf8.DecodeRune(char[:n])
	if r == utf8.RuneError && length < 2 {
		return 0, 0 // for example a slash in an overlong encoding
	}
	return char[0], 3 * length
}

// segmentName holds the facts about a segment's name that A8 needs.
type segmentName struct {
	length, dots int
	cut          bool
}

func (n *segmentName) add(c byte) {
	n.cut = n.cut || c == ';'
	if n.cut {
		return
	}
	n.length++
	if c == '.' {
		n.dots++
	}
}

// refuses is A8 for a name: a name of only dots is refused, and, unless variables were
// replaced, an empty name with parameters.
func (g grammar) refuses(n segmentName) bool {
	isDots := n.dots == n.length && (n.length == 1 || n.length == 2)
	return isDots || n.length == 0 && n.cut && !g.expanded
}

// permittedInPath reports whether A7 permits an encoded byte in Automation. Servers treat
// the other bytes differently.
func permittedInPath(b byte) bool {
	return 0x21 <= b && b <= 0x7E && b != '/' && b != '\\' && b != '%'
}

// judgeQuery is A2 and A9 for a query with its question mark, or for none.
func (g grammar) judgeQuery(s string) *Error {
	for i := 0; i < len(s); i++ {
		switch class[s[i]] {
		case illegal:
			return refuseA2
		case bracket:
			if !g.open {
				return refuseA2
			}
		case beyond:
			size := g.text(s[i:])
			if size == 0 {
				return refuseA2
			}
			i += size - 1
		case percent:
			b, ok := decode(s[i:])
			if control := b < 0x20 || b == 0x7F; !ok || control && !g.expanded {
				return refuseA9
			}
			i += 2
		}
	}
	return nil
}

// decode reads the %HH at the start of s.
func decode(s string) (b byte, ok bool) {
	if len(s) < 3 {
		return 0, false
	}
	hi, ok1 := unhex(s[1])
	lo, ok2 := unhex(s[2])
	return hi<<4 | lo, ok1 && ok2
}

func unhex(c byte) (v byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
