package redact

import (
	"strings"

	"github.com/postrider/postrider/internal/ascii"
)

// maxAddress is the length of the longest text of an IPv6 address, with an IPv4 one at
// its end.
const maxAddress = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")

// addresses finds IP addresses in the text of a receiver: an error page that names an address of its
// network would show a tenant a target for attacks. It finds those of literals, and those in the
// names that clouds make of them, such as ip-10-0-0-1. It reads each byte a bounded number of times.
func addresses(s string) []span {
	found := literals(s)
	if strings.Count(s, "-") >= 3 {
		found = each(s, dashedQuad, found)
	}
	return found
}

// literals finds IPv4 addresses at any place, in the spellings that old resolvers accept too, and
// IPv6 addresses that are whole words.
func literals(s string) (found []span) {
	if strings.Count(s, ":") >= 2 {
		found = each(s, longestIPv6, found)
	}
	if strings.Count(s, ".") >= 3 {
		found = each(s, dottedQuad, found)
	}
	return found
}

// each appends the addresses of a kind. length is that of an address that begins at i, or 0.
func each(s string, length func(s string, i int) int, found []span) []span {
	for i := 0; i < len(s); {
		n := length(s, i)
		if n > 0 {
			found = append(found, span{i, i + n})
		}
		i += max(n, 1)
	}
	return found
}

// dottedQuad is the length of an IPv4 address.
func dottedQuad(s string, i int) int { return quad(s, i, '.') }

// dashedQuad is the length of an IPv4 address with dashes. It is no part of a longer row of numbers,
// such as a time.
func dashedQuad(s string, i int) int {
	before := strings.TrimSuffix(s[:i], "-")
	n := quad(s, i, '-')
	if n == 0 || before != "" && isDigit(before[len(before)-1], 10) || i+n < len(s) && isDigit(s[i+n], 10) {
		return 0
	}
	return n
}

// quad is the length of four numbers of up to three digits with marks between them.
func quad(s string, i int, mark byte) int {
	at := i
	for part := range 4 {
		if part > 0 {
			if at == len(s) || s[at] != mark {
				return 0
			}
			at++
		}
		from := at
		for at < len(s) && at-from < 3 && isDigit(s[at], 10) {
			at++
		}
		if at == from {
			return 0
		}
	}
	return at - i
}

// longestIPv6 is the length of the longest IPv6 address, RFC 4291 section 2.2, that begins at i and
// ends with a word. "::" alone is punctuation.
func longestIPv6(s string, i int) (longest int) {
	if !inAddress(s[i]) || i > 0 && (ascii.IsAlnum(s[i-1]) || s[i-1] == ':' && s[i] == ':') {
		return 0
	}
	const groups = 8
	n, double := 0, false
	ends := func(at int) {
		whole := double && n < groups || n == groups
		if whole && at-i > len("::") && (at == len(s) || !ascii.IsAlnum(s[at]) || !ascii.IsAlnum(s[at-1])) {
			longest = max(longest, at-i)
		}
	}
	at := i
	for n < groups {
		switch {
		case strings.HasPrefix(s[at:], "::") && !double:
			double = true
			at += len("::")
			ends(at)
		case n > 0 && (at == i || s[at-1] != ':'): // behind a group
			if at == len(s) || s[at] != ':' {
				return longest
			}
			at++
		}
		if quad := dottedQuad(s, at); quad > 0 && n+2 <= groups {
			n += 2
			ends(at + quad)
			n -= 2
		}
		from := at
		for at < len(s) && at-from < 4 && isDigit(s[at], 16) {
			at++
		}
		if at == from {
			return longest
		}
		n++
		ends(at)
	}
	return longest
}

func inAddress(c byte) bool {
	return c == ':' || c == '.' || isDigit(c, 16)
}

// addressAtEnd is the length of a possible beginning of an IP address at the end of a text.
func addressAtEnd(s string) int {
	s = s[max(0, len(s)-maxAddress):]
	start := len(s)
	for start > 0 && inAddress(s[start-1]) {
		start--
	}
	if word := s[start:]; len(word) > 1 && strings.Contains(word, ":") {
		return len(word)
	}
	if quad := s[len(strings.TrimRight(s, "0123456789.-")):]; len(quad) > 1 && strings.ContainsAny(quad, ".-") {
		return len(quad)
	}
	return 0
}
