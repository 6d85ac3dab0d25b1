package webhook

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/ascii"
)

// withheld stands in place of a snippet that holds a secret or an address in a spelling that
// cannot be cut out.
const withheld = "The answer holds a secret or an address in another spelling and is not kept."

const (
	// maxCuts bounds how often the end of a text is cut and looked at again.
	maxCuts = 4
	// maxEscapes is how many escapes around each other are undone: a form's value in JSON,
	// and the whole in JSON once more.
	maxEscapes = 3
	// maxLooks bounds how often a secret is looked for in what escapes make of a text. It takes a
	// text that was made for it, and many secrets, to get there.
	maxLooks = 4000
)

// hideEscaped looks for secrets and addresses behind the escapes of JSON and of programming languages, of
// HTML and of URLs, in whatever order they were put around each other. In a text that holds
// one nothing else can be trusted to be harmless, so all of it is withheld. The beginning of a
// secret at the end of the text is cut off, at least so many bytes of it.
func hideEscaped(s string, secrets []string, least int) string {
	if !strings.ContainsAny(s, `\&%`) {
		return s
	}
	f := finder{least: least, marks: marks(s), seen: make(map[string]int)}
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

// addressLooks is what a look for addresses costs.
const addressLooks = 40

type finder struct {
	secrets []string
	least   int
	marks   int            // in the text as it is
	end     int            // where in the original text the beginning of a secret at its end starts
	seen    map[string]int // how many escapes were undone from a text on: most orders lead to the same ones
	looks   int
}

// find undoes each kind of escape, then all kinds at once, and those that come to light, to a depth. It
// reports whether there is a secret or an address, and sets end where there is the beginning of one, the longest.
func (f *finder) find(t decoded, depth int) bool {
	for _, kinds := range steps {
		next, changed := t.undo(kinds)
		if !changed || f.seen[next.text] >= depth {
			continue
		}
		f.seen[next.text] = depth
		if f.looks += len(f.secrets) + addressLooks; f.looks > maxLooks {
			return true // it cannot be told
		}
		text := plusAsSpace(next.text)
		if slices.ContainsFunc(f.secrets, func(secret string) bool { return strings.Contains(text, secret) }) || marks(text) > f.marks {
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

// marks counts what stands in place of secrets and addresses once addresses are removed too: more
// than before means that escapes hid an address.
func marks(s string) int { return strings.Count(redactAddresses(s), redacted) }

// plusAsSpace makes a form's spelling of a space equal to the space. Texts to compare
// go through it on both sides.
func plusAsSpace(s string) string { return strings.ReplaceAll(s, "+", " ") }

// decoded is a text without some of its escapes. from holds for each byte the index in the
// original text that it comes from; nil for a text that is as it was.
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

// escape is a kind of escapes. read reads one at the beginning of s, which starts with sign,
// and returns what it stands for and its length, 0 if there is none. An escape that the end of
// s cuts off stands for nothing.
type escape struct {
	sign byte
	read func(s string) (means string, length int)
}

var (
	backslash = escape{'\\', readBackslash}
	entity    = escape{'&', readEntity}
	percent   = escape{'%', readPercent}
	styles    = escape{'\\', readStyle}
)

// steps are the escapes that are undone at once. In a text of several parts each may have its own.
var steps = [...][]escape{{backslash}, {entity}, {percent}, {styles}, {backslash, entity, percent}}

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

// readStyle reads escapes of CSS: up to six digits, and a space that ends them.
func readStyle(s string) (means string, length int) {
	if len(s) == 1 || !isDigit(s[1], 16) {
		return readBackslash(s)
	}
	means, length = shortCode(s, 6, 16)
	if strings.HasPrefix(s[length:], " ") {
		length++
	}
	return means, length
}

// shortCode reads the digits behind a backslash, of which there may be fewer than the most.
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

// codePoint reads so many digits at s[at:], with a closing text fewer ones and that text.
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
// number may have any number of zeros in front.
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
