package webhook

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook/internal/transport"
)

var readBuffers = sync.Pool{New: func() any { return new([maxSnippet]byte) }}

// readBody reads at most 64 KiB of an answer's body within five seconds, so that the connection can
// be used again, and returns the cleaned beginning. It ignores errors, because the status has
// decided.
func (s *sender) readBody(body io.Reader, x *transport.Exchange, to *target, sent http.Header) string {
	if body == http.NoBody {
		return ""
	}
	x.Within(s.bounds.body)
	buf := readBuffers.Get().(*[maxSnippet]byte)
	defer readBuffers.Put(buf)
	n, err := io.ReadFull(body, buf[:])
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, maxBodyRead-maxSnippet))
	}
	switch {
	case n == 0, !isText(buf[:n]):
		return ""
	case n < minPartial && sent["Authorization"] == nil:
		return to.cleanShort(buf[:n])
	}
	secrets := secretsIn(to, sent)
	return cleanSnippet(string(buf[:n]), secrets, err == nil)
}

// isText reports whether most of an answer is valid UTF-8 without control characters. Letters of
// other encodings are tolerated; compressed data and images are not text.
func isText(b []byte) bool {
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

// cleanShort cleans an answer that is too short for a secret of a header, such as "ok". It keeps
// the latest one, because most receivers repeat the same answer.
func (t *target) cleanShort(answer []byte) string {
	if known := t.answer.Load(); known != nil && known.said == string(answer) {
		return known.cleaned
	}
	said := string(answer)
	a := &shortAnswer{said, cleanSnippet(said, t.secrets(), false)}
	t.answer.Store(a)
	return a.cleaned
}

type shortAnswer struct{ said, cleaned string }

const (
	redacted = "[redacted]"
	// minSecret: a shorter secret would match in too many harmless places.
	minSecret = 4
	// minPartial is the length of a secret's beginning, at the end of an answer, that counts as a
	// secret that was cut off. Where readBody cut the answer, one byte is enough.
	minPartial = 6
	// maxOdd: one byte in so many may be no text.
	maxOdd = 8
	// maxMounts bounds the mount points of a path. A path may have a thousand, each of which adds
	// several texts to the search.
	maxMounts = 8
	// minHeaderSecret: a shorter part of a header is a number or a word, not a token.
	minHeaderSecret = 16
)

// cleanSnippet makes the beginning of an answer safe to store and show: valid UTF-8 without control
// characters, secrets and addresses. It removes invisible characters before it searches for
// secrets, so that none can hide in the middle of a secret.
func cleanSnippet(s string, secrets []string, cut bool) string {
	s = strings.Map(visible, strings.ToValidUTF8(s, "\uFFFD"))
	least := minPartial
	if cut {
		s, least = strings.TrimRight(s, "\uFFFD"), 1
	}
	s = cutPartial(s, secrets, least)
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, redacted)
	}
	s = hideEscaped(s, secrets, least)
	s = redactAddresses(s)
	s = s[:min(len(s), maxSnippet)]
	return strings.TrimSpace(strings.ToValidUTF8(s, "")) // a part of a URL may end inside a rune, and so may the cut
}

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

// cutPartial removes the beginning of a secret, of at least so many bytes, from the end of a text,
// where the replacement of whole secrets would miss it. It repeats this with the new end, because a
// backslash may begin one secret and be part of an escape within another.
func cutPartial(text string, secrets []string, least int) string {
	for range maxCuts {
		n := partialAtEnd(text, secrets, least)
		if n == 0 {
			break
		}
		text = text[:len(text)-n]
	}
	return strings.ToValidUTF8(text, "")
}

// partialAtEnd is the length of the longest beginning of a secret at the end of a text, 0 if it is
// shorter than least. In an answer that readBody cut it may also be the beginning of an address.
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
