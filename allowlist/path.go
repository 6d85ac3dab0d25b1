package allowlist

// The classes of bytes in a path or query.
const (
	illegal = iota // refused by A2
	plain
	slash
	question
	percent
	semicolon
)

// class gives each byte its class: what RFC 3986 calls unreserved, the sub-delims, and
// ":" "/" "?" "@" "%".
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
	t['/'], t['?'], t['%'], t[';'] = slash, question, percent, semicolon
	return t
}()

// judgePath judges the segments of a path, given without the slash before the first one
// and with the query behind them, and returns the query from its question mark on. It is
// A2 and A6 to A8.
func judgePath(s string, expanded bool) (query string, e *Error) {
	start, special := 0, false
	for i := range len(s) {
		c := class[s[i]]
		if c == plain {
			continue
		}
		switch c {
		case percent, semicolon:
			special = true
		case slash:
			if i == start && !expanded {
				return "", refuseA6
			}
			if e := judgeSegment(s[start:i], special, expanded); e != nil {
				return "", e
			}
			start, special = i+1, false
		case question:
			return s[i:], judgeSegment(s[start:i], special, expanded)
		default:
			return "", refuseA2
		}
	}
	return "", judgeSegment(s[start:], special, expanded)
}

// judgeSegment is A7 and A8 for one segment. An empty one is fine here: it is the trailing
// slash, or was permitted by the caller.
func judgeSegment(seg string, special, expanded bool) *Error {
	if special {
		return judgeEncodedSegment(seg, expanded)
	}
	if seg == "." || seg == ".." {
		return refuseA8
	}
	return nil
}

// judgeEncodedSegment decodes the segment byte by byte. Its name ends at the first ";",
// for servlet containers drop what follows and would take "..;" for "..". An encoded
// separator, which only an expanded URL may hold, ends a name as well.
func judgeEncodedSegment(seg string, expanded bool) *Error {
	var name segmentName
	for i := 0; i < len(seg); i++ {
		c := seg[i]
		if c == '%' {
			b, ok := decode(seg[i:])
			if !ok || !expanded && !permittedInPath(b) {
				return refuseA7
			}
			c, i = b, i+2
		}
		if c == '/' || c == '\\' {
			if name.isDots() {
				return refuseA8
			}
			name = segmentName{}
			continue
		}
		name.add(c)
	}
	if name.isDots() || name.length == 0 && !expanded {
		return refuseA8
	}
	return nil
}

// segmentName remembers of a segment's name what A8 asks for.
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

func (n *segmentName) isDots() bool {
	return n.dots == n.length && (n.length == 1 || n.length == 2)
}

// permittedInPath is A7's rule on what an encoded byte may stand for. Servers disagree on
// what to do with the others.
func permittedInPath(b byte) bool {
	return 0x21 <= b && b <= 0x7E && b != '/' && b != '\\' && b != '%'
}

// judgeQuery is A2 and A9 for a query with its question mark, or for none.
func judgeQuery(s string, expanded bool) *Error {
	for i := 0; i < len(s); i++ {
		switch class[s[i]] {
		case illegal:
			return refuseA2
		case percent:
			b, ok := decode(s[i:])
			if control := b < 0x20 || b == 0x7F; !ok || control && !expanded {
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
