package webhook

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/ascii"
)

// withheld replaces a snippet that holds a secret or an address in a spelling that cannot be cut
// out.
const withheld = "The answer holds a secret or an address in another spelling and is not kept."

const (
	// maxCuts bounds how often the end of a text is cut and searched again.
	maxCuts = 4
	// maxEscapes is the number of nested escapes that are undone: a form's value in JSON, and the
	// whole in JSON once more.
	maxEscapes = 3
	// maxSearches bounds the searches for secrets in a text without its escapes. Only a crafted
	// text and many secrets reach it.
	maxSearches = 4000
)

// hideEscaped searches for secrets and addresses behind the escapes of JSON and programming
// languages, of HTML and of URLs, in any order of nesting. A text that holds one is withheld as a
// whole, because nothing else in it can be trusted. The beginning of a secret at the end of the
// text is cut off, if it has at least so many bytes.
func hideEscaped(s string, secrets []string, least int) string {
	if !strings.ContainsAny(s, `\&%`) {
		return s
	}
	f := finder{least: least, redactions: countRedactions(s), seen: make(map[string]int)}
	for _, secret := range secrets {
		f.secrets = append(f.secrets, plusAsSpace(secret))
	}
	for range maxCuts {
		f.end = len(s)
		switch {
		case f.find(decoded{text: s}, maxEscapes):
			return withheld
		case f.end == len(s):
			return s
		}
		s = s[:f.end]
	}
	return withheld
}

// addressSearchCost is the cost of a search for addresses, in searches for a secret.
const addressSearchCost = 40

type finder struct {
	secrets    []string
	least      int
	redactions int            // in the text as it is
	end        int            // index in the original text of a secret's beginning at its end
	seen       map[string]int // the depth to which a text was searched: most orders lead to the same texts
	searches   int
}

// find undoes each kind of escape, then all kinds at once, and repeats that with the result, to a
// depth. It reports whether there is a secret or an address. It sets end to the start of the
// longest beginning of a secret.
func (f *finder) find(t decoded, depth int) bool {
	for _, kinds := range escapeKinds {
		next, changed := t.undo(kinds)
		if !changed || f.seen[next.text] >= depth {
			continue
		}
		f.seen[next.text] = depth
		if f.searches += len(f.secrets) + addressSearchCost; f.searches > maxSearches {
			return true // too many searches to be sure
		}
		text := plusAsSpace(next.text)
		if slices.ContainsFunc(f.secrets, func(secret string) bool { return strings.Contains(text, secret) }) || countRedactions(text) > f.redactions {
			return true
		}
		if n := partialAtEnd(text, f.secrets, f.least); n > 0 {
			f.end = min(f.end, int(next.source(len(text)-n)))
		}
		if depth > 1 && f.find(next, depth-1) {
			return true
		}
	}
	return false
}

// countRedactions counts the redactions in a text after its addresses are removed. More than before
// means that escapes hid an address.
func countRedactions(s string) int { return strings.Count(redactAddresses(s), redacted) }

// plusAsSpace makes a form's spelling of a space equal to the space. Both texts of a comparison go
// through it.
func plusAsSpace(s string) string { return strings.ReplaceAll(s, "+", " ") }

// decoded is a text without some of its escapes. from holds for each byte its index in the original
// text; it is nil for the original text.
type decoded struct {
	text string
	from []int32
}

// source is the index in the original text of a byte of the decoded one.
func (d *decoded) source(i int) int32 {
	if d.from == nil {
		return int32(i)
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
	text, from := make([]byte, 0, len(d.text)), make([]int32, 0, len(d.text))
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
			from = append(from, d.source(i))
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
	if base == 8 {
		return '0' <= c && c <= '7'
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
