// Package redact hides secrets, URL paths and addresses in texts that are shown or kept.
//
// A receiver may repeat every part of a request in its answer. [NewSecrets] lists the parts that a
// tenant must not see, [Secrets.WithHeader] adds those of one request, and [Secrets.Clean] removes
// them from the answer, together with addresses of the receiver's network. [URL] hides the part of
// a URL that may be a credential.
//
// The package knows texts, headers and URLs. It does not know webhooks.
package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Mask stands in place of a hidden text.
	Mask = "[redacted]"
	// Withheld replaces a text that holds a secret or an address in a spelling that cannot be cut
	// out.
	Withheld = "The answer holds a secret or an address in another spelling and is not kept."
)

// maxOdd: one byte in so many may be no text.
const maxOdd = 8

// IsText reports whether most of an answer is valid UTF-8 without control characters. Letters of
// other encodings are tolerated; compressed data and images are not text.
func IsText(b []byte) bool {
	odd := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1 && (utf8.FullRune(b[i:]) || i == 0):
			odd++
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f:
			odd++
		}
		i += n
	}
	return odd*maxOdd <= len(b)
}

// Clean makes the beginning of an answer safe to store and show: up to most bytes of valid UTF-8 in
// one line, without control characters, secrets and addresses. cut says that the answer goes on
// behind this beginning, whose end may be the first part of a secret.
//
// It removes invisible characters before it searches for secrets, so that none can hide in the
// middle of a secret.
func (s Secrets) Clean(answer string, most int, cut bool) string {
	text := strings.Map(visible, strings.ToValidUTF8(answer, "\uFFFD"))
	least := MinPartial
	if cut {
		text, least = strings.TrimRight(text, "\uFFFD"), 1
	}
	text = hideEscaped(text, s, least) // before a mask hides a part of a spelling
	masked := cutPartial(text, s, least)
	masked = mask(masked, s.spans(masked))
	if masked != text {
		masked = hideEscaped(masked, s, least) // without a hidden backslash, the text behind it may be an escape
	}
	text = trim(mask(masked, union(addresses(masked))))
	return trim(text[:min(len(text), most)]) // a mask may be longer than what it hides
}

// trim removes spaces at both ends, and the rest of a character of which a part was cut off or
// hidden.
func trim(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "")) }

// visible maps line breaks and tabs to spaces and drops invisible characters: controls, format
// characters such as zero-width ones, and invisible separators.
func visible(r rune) rune {
	switch {
	case ' ' <= r && r <= '~':
		return r
	case r == '\n', r == '\t', r == '\r':
		return ' '
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}
