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
	for _, secret := range secrets {
		if len(secret) > longest && len(secret) > least {
			longest = max(longest, overlap(secret, text, least))
		}
	}
	return longest
}

// overlap is the length of the longest beginning of a secret, at least so many bytes and less than
// all of it, at the end of a text, or 0. It reads each of them once (Knuth, Morris, Pratt), because
// a stranger chooses both.
func overlap(secret, text string, least int) int {
	text = text[max(0, len(text)-len(secret)+1):]
	begins := strings.Index(text, secret[:least])
	if begins < 0 {
		return 0
	}
	text = text[begins:]
	if secret = secret[:len(text)]; strings.IndexByte(secret, text[len(text)-1]) < 0 {
		return 0
	}
	border := make([]int, len(secret)) // of secret[:i+1]: the longest proper prefix that is also its suffix
	for i, n := 1, 0; i < len(secret); i++ {
		for n > 0 && secret[i] != secret[n] {
			n = border[n-1]
		}
		if secret[i] == secret[n] {
			n++
		}
		border[i] = n
	}
	n := 0
	for i := range len(text) { // as long as the secret, so n reaches its end only with the last byte
		for n > 0 && text[i] != secret[n] {
			n = border[n-1]
		}
		if text[i] == secret[n] {
			n++
		}
	}
	if n < least {
		return 0
	}
	return n
}
