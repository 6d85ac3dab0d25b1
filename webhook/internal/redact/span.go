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

// spans finds what a mask hides: secrets that are there as they are, and addresses. Those that
// overlap become one span, so that nothing of either stays.
func (s Secrets) spans(text string) (joined []span) {
	found := addresses(text)
	for _, secret := range s {
		found = occurrences(text, secret, found)
	}
	return union(found)
}

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
