package payload

import "time"

// The functions here append compact JSON, byte for byte what encoding/json
// writes with HTML escaping off. They take valid UTF-8; validation comes first.
//
// Written by hand because the body is the one thing that every event costs: a
// single allocation of the right size, no reflection.

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. As in encoding/json the line
// separators U+2028 and U+2029 are escaped, which RFC 8259 does not ask for but
// JavaScript before 2019 did.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0 // s[start:i] needs no escape and is not appended yet
	for i := plainWords(s); i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0xe2 {
			continue
		}
		if c == 0xe2 { // U+2028 is e2 80 a8, U+2029 is e2 80 a9
			if i+2 < len(s) && s[i+1] == 0x80 && s[i+2]&^1 == 0xa8 {
				b = append(b, s[start:i]...)
				b = append(b, `\u202`...)
				b = append(b, hexDigits[s[i+2]&0xf])
				i += 2
				start = i + 1
			}
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// plainWords returns the length of the longest start of s that is made of whole
// groups of eight bytes, all of them ASCII that needs no escape: nearly all of
// every name and link.
//
// Each subtraction sets the high bit of the first byte that is below 0x20, a
// quote or a backslash: the bytes before it borrow nothing.
func plainWords(s string) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		g := s[i : i+8]
		w := uint64(g[0]) | uint64(g[1])<<8 | uint64(g[2])<<16 | uint64(g[3])<<24 |
			uint64(g[4])<<32 | uint64(g[5])<<40 | uint64(g[6])<<48 | uint64(g[7])<<56
		low, quote, slash := w-ones*0x20, (w^ones*'"')-ones, (w^ones*'\\')-ones
		if (w|low|quote|slash)&highs != 0 {
			return i
		}
	}
	return i
}

// appendStrings appends an array, [] for none and never null.
func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendTrigger opens the object that every body is. The names of triggers are
// constants of this package that need no escape.
func appendTrigger(b []byte, trigger string) []byte {
	b = append(b, `{"trigger":"`...)
	b = append(b, trigger...)
	return append(b, '"')
}

// appendKey appends the comma and the key of one more member.
func appendKey(b []byte, key string) []byte {
	b = append(b, `,"`...)
	b = append(b, key...)
	return append(b, `":`...)
}

func appendText(b []byte, key, value string) []byte {
	return appendString(appendKey(b, key), value)
}

func appendFormatted(b []byte, key string, t time.Time, layout string) []byte {
	b = append(appendKey(b, key), '"')
	b = t.UTC().AppendFormat(b, layout)
	return append(b, '"')
}

// textSize is the length of a string as JSON without escapes, with a comma.
func textSize(s string) int { return len(s) + len(`"",`) }

func textsSize(list []string) int {
	n := len(`[],`)
	for _, s := range list {
		n += textSize(s)
	}
	return n
}
