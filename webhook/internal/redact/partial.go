package redact

import "strings"

// MinPartial is the length of a secret's beginning, at the end of an answer, that counts as a
// secret that was cut off. Where the answer goes on behind that end, one byte is enough. A complete
// answer that is shorter can show no token of a header but that of Authorization.
const MinPartial = 6

// maxCuts bounds how often the end of a text is cut and searched again.
const maxCuts = 4

// cutPartial removes the beginning of a secret, of at least so many bytes, from the end of a text,
// where the replacement of whole secrets would miss it. It repeats this with the new end, because a
// backslash may begin one secret and be part of an escape within another.
func cutPartial(text string, secrets Secrets, least int) string {
	for range maxCuts {
		n := partialAtEnd(text, secrets, least)
		if n == 0 {
			break
		}
		text = text[:cutBefore(len(text)-n, secrets.spans(text))]
	}
	return strings.ToValidUTF8(text, "")
}

// partialAtEnd is the length of the longest beginning of a secret at the end of a text, 0 if it is
// shorter than least. In a text that goes on it may also be the beginning of an address.
func partialAtEnd(text string, secrets []string, least int) int {
	longest := 0
	if least == 1 {
		longest = addressAtEnd(text)
	}
	text = fold(text)
	for _, secret := range secrets {
		if len(secret) > longest && len(secret) > least {
			longest = max(longest, overlap(secret, text, least))
		}
	}
	return longest
}

// overlap is the length of the longest beginning of a secret, at least so many bytes and less than
// all of it, at the end of a text, or 0.
func overlap(secret, text string, least int) (longest int) {
	text = text[max(0, len(text)-len(secret)+1):]
	if len(text) < least || strings.IndexByte(secret, text[len(text)-1]) < 0 {
		return 0
	}
	beginnings(text, secret, least, func(at, n int) {
		if at+n == len(text) {
			longest = max(longest, n)
		}
	})
	return longest
}
