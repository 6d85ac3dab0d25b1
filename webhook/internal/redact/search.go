package redact

import (
	"slices"
	"strings"
)

const (
	// maxEscapes is the number of nested escapes that are undone: a form's value in JSON, and the
	// whole in JSON once more.
	maxEscapes = 3
	// maxSearches bounds the searches for secrets in a text without its escapes. Only a crafted
	// text and many secrets reach it.
	maxSearches = 4000
	// addressSearchCost is the cost of a search for addresses, in searches for a secret.
	addressSearchCost = 40
)

// hideEscaped searches for secrets and addresses behind the escapes of JSON and programming
// languages, of HTML and of URLs, in any order of nesting. A text that holds one is withheld as a
// whole, because nothing else in it can be trusted. The beginning of a secret at the end of the
// text is cut off, if it has at least so many bytes.
func hideEscaped(s string, secrets Secrets, least int) string {
	if !strings.ContainsAny(s, `\&%`) {
		return s
	}
	f := finder{least: least, seen: make(map[string]int)}
	for _, secret := range secrets {
		f.secrets = append(f.secrets, plusAsSpace(secret))
	}
	for range maxCuts {
		f.end, f.plain = len(s), secrets.spans(s)
		switch {
		case f.find(decoded{text: s}, maxEscapes):
			return Withheld
		case f.end == len(s):
			return s
		}
		s = s[:cutBefore(f.end, f.plain)]
	}
	return Withheld
}

type finder struct {
	secrets  Secrets
	least    int
	plain    []span         // what a mask hides in the text as it is
	end      int            // index in the original text of a secret's beginning at its end
	seen     map[string]int // the depth to which a text was searched: most orders lead to the same texts
	searches int
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
		spelled := func(found span) bool { // no mask would hide it in the original text
			return !within(f.plain, span{next.source(found.from).from, next.source(found.to - 1).to})
		}
		found := f.secrets.found(text)
		if f.searches += len(found); slices.ContainsFunc(found, spelled) {
			return true
		}
		if n := partialAtEnd(text, f.secrets, f.least); n > 0 {
			f.end = min(f.end, next.source(len(text)-n).from)
		}
		if depth > 1 && f.find(next, depth-1) {
			return true
		}
	}
	return false
}

// plusAsSpace makes a form's spelling of a space equal to the space. Both texts of a comparison go
// through it.
func plusAsSpace(s string) string { return strings.ReplaceAll(s, "+", " ") }
