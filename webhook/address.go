package webhook

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/postrider/postrider/webhook/internal/httpfield"
)

// dottedQuad finds IPv4 addresses, and what an old resolver would read as one.
var dottedQuad = regexp.MustCompile(`[0-9]{1,3}(?:\.[0-9]{1,3}){3}`)

// maxAddress is the length of the longest text of an IPv6 address, with an IPv4 one at
// its end.
const maxAddress = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")

// redactAddresses removes IP addresses from what a receiver said: an error page that names
// an address of its network tells a tenant where to aim.
func redactAddresses(s string) string {
	if strings.Count(s, ":") >= 2 {
		s = redactIPv6(s)
	}
	if strings.Count(s, ".") < 3 { // the usual case, and looking closer costs a hundred times as much
		return s
	}
	return dottedQuad.ReplaceAllLiteralString(s, redacted)
}

// redactIPv6 tries, where a word begins, the longest text that could be an address.
func redactIPv6(s string) string {
	var b strings.Builder
	kept := 0 // s[:kept] is in b, or replaced
	for i := 0; i < len(s); i++ {
		if !inAddress(s[i]) || i > 0 && (httpfield.IsAlnum(s[i-1]) || s[i-1] == ':' && s[i] == ':') {
			continue
		}
		end := i
		for end < len(s) && end-i < maxAddress && inAddress(s[end]) {
			end++
		}
		for ; end-i > len("::"); end-- { // "::" alone is punctuation
			if end < len(s) && httpfield.IsAlnum(s[end]) && httpfield.IsAlnum(s[end-1]) {
				continue // the middle of a word
			}
			if isIPv6(s[i:end]) {
				b.WriteString(s[kept:i])
				b.WriteString(redacted)
				kept, i = end, end-1
				break
			}
		}
	}
	b.WriteString(s[kept:])
	return b.String()
}

func isIPv6(s string) bool {
	if n := strings.Count(s, ":"); n < 6 && !strings.Contains(s, "::") { // most are out here
		return false
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}

func inAddress(c byte) bool {
	return c == ':' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// addressAtEnd is the length of what may be the beginning of an IP address at the end of a text.
func addressAtEnd(s string) int {
	s = s[max(0, len(s)-maxAddress):]
	start := len(s)
	for start > 0 && inAddress(s[start-1]) {
		start--
	}
	if word := s[start:]; len(word) > 1 && strings.Contains(word, ":") {
		return len(word)
	}
	if quad := s[len(strings.TrimRight(s, "0123456789.")):]; len(quad) > 1 && strings.Contains(quad, ".") {
		return len(quad)
	}
	return 0
}
