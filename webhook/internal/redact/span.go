package redact

import (
	"cmp"
	"slices"
	"strings"
)

// span is the part s[from:to] of a text.
type span struct{ from, to int }

// mask replaces joined spans.
func mask(s string, joined []span) string {
	var b strings.Builder
	shown := 0
	for _, hidden := range joined {
		b.WriteString(s[shown:hidden.from])
		b.WriteString(Mask)
		shown = hidden.to
	}
	b.WriteString(s[shown:])
	return b.String()
}

// union sorts spans and joins those that overlap. Neighbours that only touch stay apart.
func union(spans []span) (joined []span) {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for _, next := range spans {
		if last := len(joined) - 1; last >= 0 && next.from < joined[last].to {
			joined[last].to = max(joined[last].to, next.to)
		} else {
			joined = append(joined, next)
		}
	}
	return joined
}

// within reports whether one of the joined spans holds all of another one.
func within(joined []span, part span) bool {
	i, _ := slices.BinarySearchFunc(joined, part.from, func(s span, from int) int { return cmp.Compare(s.to, from+1) })
	return i < len(joined) && joined[i].from <= part.from && part.to <= joined[i].to
}

// occurrences appends every occurrence of a text, also those that overlap others, and those of its
// beginning that look like a key: a receiver may shorten what it shows.
func occurrences(s, text string, found []span) []span {
	mark := -1 // index of the first one
	beginnings(s, text, min(len(text), minDistinct), func(at, n int) {
		if mark < 0 {
			mark = len(text) - len(strings.TrimLeftFunc(text, func(r rune) bool { return !isMark(r) }))
		}
		if n == len(text) || n <= mark && isDistinct(text[:n]) {
			found = append(found, span{at, at + n})
		}
	})
	return found
}

// beginnings calls found for each place where a text begins, with the length of the longest
// beginning there, of at least so many bytes. It reads each byte a bounded number of times (the Z
// algorithm, Gusfield), because a stranger chooses both.
func beginnings(s, text string, least int, found func(at, n int)) {
	first := strings.Index(s, text[:least])
	if first < 0 {
		return
	}
	own := make([]int, len(text)) // of text[i:]: the longest beginning of text at its start
	own[0] = len(text)
	scan := func(s string, at int, found func(at, n int)) {
		from, to := at, at // of the match that reaches farthest
		for ; at < len(s); at++ {
			n := 0
			if at < to {
				n = min(own[at-from], to-at)
			}
			for n < len(text) && at+n < len(s) && s[at+n] == text[n] {
				n++
			}
			if at+n > to {
				from, to = at, at+n
			}
			if n > 0 {
				found(at, n)
			}
		}
	}
	scan(text, 1, func(at, n int) { own[at] = n })
	scan(s, first, func(at, n int) {
		if n >= least {
			found(at, n)
		}
	})
}

// spans finds what a mask hides: secrets that are there as they are, and addresses. Those that
// overlap become one span, so that nothing of either stays.
func (s Secrets) spans(text string) (joined []span) { return union(s.found(text)) }

// found finds every occurrence by itself.
func (s Secrets) found(text string) []span {
	found, text := addresses(text), fold(text)
	for _, secret := range s {
		found = occurrences(text, secret, found)
	}
	return found
}

// fold maps letters to lower case, because a receiver may repeat an identifier in its canonical
// form. It changes no other bytes, so indexes stay the same.
func fold(s string) string {
	if strings.IndexFunc(s, isUpper) < 0 {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if isUpper(rune(c)) {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }

// cutBefore is the index before which a text is cut so that nothing from end on stays, nor a part
// of a span that reaches beyond it.
func cutBefore(end int, joined []span) int {
	for _, hidden := range joined {
		if hidden.from < end && end < hidden.to {
			return hidden.from
		}
	}
	return end
}
