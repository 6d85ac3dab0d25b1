// Package alabel judges internationalized labels of host names in their ASCII form, the
// A-labels of RFC 5890: "xn--" and Punycode.
//
// It accepts labels that all parsers read alike. A label must decode, and its text must encode to
// the same label. UTS 46 and IDNA 2008 must not change the text: letters, marks and digits
// of scripts in use, composed (NFC), in one direction (RFC 5893). Browsers accept more
// labels; no registry has such names.
package alabel

import (
	"strings"
	"unicode"
)

// Prefix begins every A-label, in any case.
const Prefix = "xn--"

const maxLabel = 63 // bytes, RFC 1035

// Valid reports whether every label of host that begins with [Prefix] is an A-label, and,
// where a label is written from right to left, whether all labels fulfil the Bidi rule.
// The host consists of labels of 1 to 63 letters, digits, hyphens and underscores.
func Valid(host string) bool {
	anyRTL := false
	for label := range strings.SplitSeq(host, ".") {
		var buf [maxLabel]rune
		text, ok := textOf(buf[:0], label)
		if !ok {
			return false
		}
		anyRTL = anyRTL || isRTL(text)
	}
	if !anyRTL {
		return true
	}
	for label := range strings.SplitSeq(host, ".") {
		var buf [maxLabel]rune
		text, _ := textOf(buf[:0], label)
		if !oneDirection(text) {
			return false
		}
	}
	return true
}

// textOf appends to dst the text of a label, decoded if the label begins with Prefix, and
// reports whether the label is permitted.
func textOf(dst []rune, label string) (text []rune, ok bool) {
	if len(label) > maxLabel {
		return dst, false
	}
	var buf [maxLabel]byte
	folded := buf[:len(label)]
	for i := range len(label) {
		folded[i] = label[i]
		if 'A' <= label[i] && label[i] <= 'Z' {
			folded[i] += 'a' - 'A'
		}
	}
	puny, isA := strings.CutPrefix(string(folded), Prefix)
	if !isA {
		for _, c := range folded {
			dst = append(dst, rune(c))
		}
		return dst, true
	}
	text, ok = decode(dst, puny)
	if !ok || strings.HasPrefix(string(text), Prefix) || !isPermitted(text) {
		return text, false
	}
	var again [4 * maxLabel]byte
	return text, string(encode(again[:0], text)) == puny
}

// isPermitted reports whether the text has a character beyond ASCII, consists of
// permitted ones, and is in NFC.
func isPermitted(text []rune) bool {
	const zwnj, zwj, virama = 0x200C, 0x200D, 9
	beyond, starter, last := false, rune(0), uint8(0)
	for i, r := range text {
		switch {
		case r < initialN:
			starter, last = r, 0
			continue
		case r == zwnj || r == zwj: // RFC 5892 appendix A: behind a virama
			if last != virama {
				return false
			}
			starter, last = r, 0
			continue
		case !unicode.Is(permitted, r) || unicode.ToLower(r) != r:
			return false
		case i == 0 && unicode.Is(unicode.M, r):
			return false
		}
		beyond = true
		class := classOf(r)
		if class != 0 && class < last || composes(starter, r) {
			return false
		}
		if last = class; class == 0 {
			starter = r
		}
	}
	return beyond
}

// classOf returns the canonical combining class of a character.
func classOf(r rune) uint8 {
	lo, hi := 0, len(combining)
	for lo < hi {
		if mid := (lo + hi) / 2; combining[mid].hi < r {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(combining) && combining[lo].lo <= r {
		return combining[lo].class
	}
	return 0
}

// composes reports whether NFC may make one character of the two.
func composes(starter, r rune) bool {
	for _, c := range compositions {
		if c.second == r && strings.ContainsRune(c.first, starter) {
			return true
		}
	}
	return false
}

// compositions holds the primary composites of Unicode whose two characters are both
// permitted. The second character of others, such as Latin letters with accents, is not
// permitted.
var compositions = [...]struct {
	second rune
	first  string
}{
	{'\u093C', "\u0928\u0930\u0933"}, // Devanagari
	{'\u09BE', "\u09C7"},             // Bengali
	{'\u09D7', "\u09C7"},
	{'\u0B3E', "\u0B47"}, // Oriya
	{'\u0B56', "\u0B47"},
	{'\u0B57', "\u0B47"},
	{'\u0BBE', "\u0BC6\u0BC7"}, // Tamil
	{'\u0BD7', "\u0B92\u0BC6"},
	{'\u0C56', "\u0C46"}, // Telugu
	{'\u0CC2', "\u0CC6"}, // Kannada
	{'\u0CD5', "\u0CBF\u0CC6\u0CCA"},
	{'\u0CD6', "\u0CC6"},
	{'\u0D3E', "\u0D46\u0D47"}, // Malayalam
	{'\u0D57', "\u0D46"},
	{'\u0DCA', "\u0DD9\u0DDC"}, // Sinhala
	{'\u0DCF', "\u0DD9"},
	{'\u0DDF', "\u0DD9"},
	{'\u102E', "\u1025"}, // Myanmar
}
