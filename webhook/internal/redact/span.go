package redact

import (
	"cmp"
	"slices"
	"strings"
)

// span is the part s[from:to] of a text.
type span struct{ from, to int }

// mask replaces the spans. Those that overlap become one, so that nothing of either stays.
func mask(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	shown := 0
	for _, hidden := range union(spans) {
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

// occurrences appends every occurrence of a text, also those that overlap others.
func occurrences(s, text string, found []span) []span {
	for from := 0; ; from++ {
		i := strings.Index(s[from:], text)
		if i < 0 {
			return found
		}
		from += i
		found = append(found, span{from, from + len(text)})
	}
}

// occurrences finds the secrets in a text that are there as they are.
func (s Secrets) occurrences(text string) (found []span) {
	for _, secret := range s {
		found = occurrences(text, secret, found)
	}
	return found
}
