package redact

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/ascii"
)

// decoded is a text without some of its escapes. from holds for each byte the part of the original
// text that stands for it; it is nil for the original text.
type decoded struct {
	text string
	from []span
}

// source is the part of the original text that stands for a byte of the decoded one.
func (d *decoded) source(i int) span {
	if d.from == nil {
		return span{i, i + 1}
	}
	return d.from[i]
}

// escape is a kind of escapes. read reads one at the beginning of s, which starts with sign, and
// returns its meaning and its length, 0 if there is none. An escape that the end of s cuts off has
// no meaning.
type escape struct {
	sign byte
	read func(s string) (means string, length int)
}

var (
	backslash = escape{'\\', readBackslash}
	entity    = escape{'&', readEntity}
	percent   = escape{'%', readPercent}
	cssEscape = escape{'\\', readCSS}
)

// escapeKinds are the sets of escapes that are undone in one pass. The last one is for a text whose
// parts have different escapes.
var escapeKinds = [...][]escape{{backslash}, {entity}, {percent}, {cssEscape}, {backslash, entity, percent}}

// undo undoes all escapes of some kinds.
func (d *decoded) undo(kinds []escape) (next decoded, changed bool) {
	if !slices.ContainsFunc(kinds, func(e escape) bool { return strings.IndexByte(d.text, e.sign) >= 0 }) {
		return *d, false
	}
	text, from := make([]byte, 0, len(d.text)), make([]span, 0, len(d.text))
	for i := 0; i < len(d.text); {
		means, n := d.text[i:i+1], 1
		for _, e := range kinds {
			if d.text[i] != e.sign {
				continue
			}
			if m, length := e.read(d.text[i:]); length > 0 {
				means, n, changed = strings.Map(visible, m), length, true
			}
		}
		text = append(text, means...)
		for range len(means) {
			from = append(from, span{d.source(i).from, d.source(i + n - 1).to})
		}
		i += n
	}
	return decoded{string(text), from}, changed
}

// readBackslash reads escapes of JSON and JavaScript, and of Go, Python, C and shells.
func readBackslash(s string) (means string, length int) {
	if len(s) == 1 {
		return "", 1
	}
	switch c := s[1]; c {
	case 'u', 'x':
		if strings.HasPrefix(s[2:], "{") {
			return codePoint(s, 3, len(s), 16, "}")
		}
		return codePoint(s, 2, map[byte]int{'u': 4, 'x': 2}[c], 16, "")
	case 'U':
		return codePoint(s, 2, 8, 16, "")
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return shortCode(s, 3, 8)
	case 'n', 'r', 't':
		return " ", 2
	case 'a', 'b', 'f', 'v':
		return "", 2
	}
	_, n := utf8.DecodeRuneInString(s[1:])
	return s[1 : 1+n], 1 + n // it stands for itself
}

// readCSS reads escapes of CSS: up to six digits, and a space that ends them.
func readCSS(s string) (means string, length int) {
	if len(s) == 1 || !isDigit(s[1], 16) {
		return readBackslash(s)
	}
	means, length = shortCode(s, 6, 16)
	if strings.HasPrefix(s[length:], " ") {
		length++
	}
	return means, length
}

// shortCode reads the digits behind a backslash, at most so many.
func shortCode(s string, most, base int) (means string, length int) {
	end := 1
	for end < len(s) && end <= most && isDigit(s[end], base) {
		end++
	}
	if end == len(s) && end <= most {
		return "", end // cut off
	}
	return codePoint(s, 1, end-1, base, "")
}

// readPercent reads the escapes of URLs, and those of JavaScript's escape.
func readPercent(s string) (means string, length int) {
	if strings.HasPrefix(s, "%u") {
		return codePoint(s, 2, 4, 16, "")
	}
	return codePoint(s, 1, 2, 16, "")
}

// codePoint reads exactly so many digits at s[at:], or at most so many before a closing text.
func codePoint(s string, at, digits, base int, closing string) (means string, length int) {
	end := at
	for end < len(s) && end < at+digits && isDigit(s[end], base) {
		end++
	}
	switch {
	case end == len(s) && (end < at+digits || closing != ""):
		return "", len(s) // cut off
	case closing == "" && end < at+digits, end == at, !strings.HasPrefix(s[end:], closing):
		return "", 0 // no escape after all
	}
	code, err := strconv.ParseUint(s[at:end], base, 32)
	if err != nil || !utf8.ValidRune(rune(code)) {
		return "", end + len(closing)
	}
	return string(rune(code)), end + len(closing)
}

func isDigit(c byte, base int) bool {
	if base <= 10 {
		return '0' <= c && c < '0'+byte(base)
	}
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// maxEntity is longer than the longest name of an HTML entity that stands for an ASCII character. A
// number may begin with any number of zeros.
const maxEntity = 32

// readEntity reads HTML entities, by name and by number.
func readEntity(s string) (means string, length int) {
	end := 1
	for end < len(s) && (end < maxEntity || s[1] == '#') && (ascii.IsAlnum(s[end]) || s[end] == '#') {
		end++
	}
	switch {
	case end == len(s):
		return "", end // cut off
	case s[end] == ';':
		end++
	}
	if means = html.UnescapeString(s[:end]); means == s[:end] {
		return "", 0
	}
	return means, end
}
