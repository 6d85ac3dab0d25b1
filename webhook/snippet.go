package webhook

import (
	"cmp"
	"context"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/sign"
)

var readBuffers = sync.Pool{New: func() any { return new([maxSnippet]byte) }}

// readBody reads an answer's body as far as is useful, which is at most 64 KiB within
// five seconds, so that the connection can be used again, and returns the cleaned
// beginning. Errors do not matter any more.
func (s *sender) readBody(body io.ReadCloser, end context.CancelFunc, to *target, sent http.Header) string {
	defer body.Close()
	if body == http.NoBody {
		return ""
	}
	defer time.AfterFunc(s.bounds.body, end).Stop()
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
		return to.short(buf[:n])
	}
	secrets := secretsIn(to, sent)
	return cleanSnippet(string(buf[:n]), secrets, err == nil)
}

// isText tells whether an answer can be shown: most of it is no control character and valid
// UTF-8. Letters of other encodings are tolerated; what is compressed, and an image, is not text.
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

// short cleans an answer that is too short for a secret of a header, such as "ok". Most
// receivers say the same each time.
func (t *target) short(answer []byte) string {
	if known := t.answer.Load(); known != nil && known.said == string(answer) {
		return known.cleaned
	}
	said := string(answer)
	a := &shortAnswer{said, cleanSnippet(said, t.secrets(), false)}
	t.answer.Store(a)
	return a.cleaned
}

type shortAnswer struct{ said, cleaned string }

// publicHeaders are those of a request whose values are no credentials.
var publicHeaders = []string{"Content-Type", "User-Agent", sign.IDHeader, sign.TimestampHeader}

// headerSecrets lists what hooks and signers put into a request: tokens that were derived
// from a secret and do not hold it.
func headerSecrets(h http.Header) []string {
	var out []string
	for name, values := range h {
		if slices.ContainsFunc(publicHeaders, func(p string) bool { return strings.EqualFold(p, name) }) {
			continue
		}
		least := minHeaderSecret
		if strings.EqualFold(name, "Authorization") {
			least = minSecret // a token may be short
		}
		for _, v := range values {
			for i, part := range append(strings.Fields(v), v) {
				if i == 0 && len(part) < minHeaderSecret && len(part) < len(v) {
					continue // the name of a scheme
				}
				if len(part) >= least {
					out = append(out, part)
				}
			}
		}
	}
	return out
}

func longestFirst(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }

const (
	redacted = "[redacted]"
	// minSecret: shorter ones would only riddle a text.
	minSecret = 4
	// minPartial is how much of a secret must stand at the end of an answer to count as
	// one that was cut off. Where the answer was cut off by us, one byte is enough.
	minPartial = 6
	// maxOdd: of so many bytes of a text one may be no text.
	maxOdd = 8
	// maxMounts bounds the mount points of a path. A path may have a thousand, each of which
	// makes several texts to look for.
	maxMounts = 8
	// minHeaderSecret: what is shorter in a header is a number or a word, not a token.
	minHeaderSecret = 16
)

// cleanSnippet makes the beginning of an answer safe to store and show: valid UTF-8
// without control characters, secrets and addresses. Secrets are looked for after what
// cannot be seen is gone, so that nothing can hide in the middle of one.
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
	return strings.TrimSpace(strings.ToValidUTF8(s, "")) // a part of a URL may end inside a rune, and so may we
}

// visible maps line breaks and tabs to spaces and drops what has no shape of its own:
// controls, format characters such as zero-width ones, and invisible separators.
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

// cutPartial removes the beginning of a secret, at least so many bytes of it, from the
// end of a text, where replacing whole secrets would miss it. It looks again at what is then
// the end: a backslash may begin one secret and be part of an escape within another.
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

// partialAtEnd is the length of the longest beginning of a secret at the end of a text, 0 if
// it is shorter than least. Where we have cut the answer off it may be the beginning of an address.
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

// overlap is the length of the longest beginning of a secret, at least so many bytes and less than all
// of it, at the end of a text, or 0. It reads each of them once (Knuth, Morris, Pratt): both are a
// stranger's to choose.
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
	border := make([]int, len(secret)) // of secret[:i+1]: its longest beginning that is its end too
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
	for i := range len(text) { // as long as the secret, so n is at its end behind the last byte at most
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

// secretsOf lists what a receiver may echo and a tenant must not see, the longest first:
// every secret and header value and the parts of the URL behind the host, as they are and
// as JSON, HTML and URLs write them.
func secretsOf(w *Webhook, u *url.URL) []string {
	var out []string
	keep := func(s string) {
		if len(s) >= minSecret {
			out = append(out, s)
		}
	}
	add := func(s string) {
		keep(s)
		if plain(s) {
			return
		}
		keep(strings.ReplaceAll(s, "/", `\/`)) // as some JSON encoders write it
		keep(url.QueryEscape(s))
		keep(url.PathEscape(s))
		if strings.ContainsAny(s, `"'\<>&`) {
			keep(jsonEscaper.Replace(s))
			keep(scriptEscaper.Replace(s))
			keep(html.EscapeString(s))
		}
	}
	for _, s := range w.Secrets {
		add(s.Reveal())
		add(strings.TrimPrefix(s.Reveal(), "whsec_"))
	}
	for _, v := range w.Headers {
		add(v)
	}
	for _, v := range w.Auth.secretParts() {
		add(v)
	}
	add(u.RequestURI())
	add(u.RawQuery)
	for _, path := range [...]string{u.EscapedPath(), u.Path} {
		// A server may know its path from some mount point on only.
		rest, more := path, true
		for range maxMounts {
			if !more || strings.Count(rest, "/") < 2 {
				break
			}
			add(rest)
			add(strings.TrimPrefix(rest, "/"))
			_, rest, more = strings.Cut(rest[1:], "/")
			rest = "/" + rest
		}
		add(path)
		for segment := range strings.SplitSeq(path, "/") {
			addDistinct(add, segment)
		}
	}
	for _, values := range u.Query() {
		for _, v := range values {
			addDistinct(add, v)
		}
	}
	slices.SortFunc(out, longestFirst)
	return slices.Compact(out)
}

// addDistinct adds a part of a URL if it tells one webhook from another, as an identifier or
// a key does: long, or of some length with a digit. "automation" is a word like others.
func addDistinct(add func(string), part string) {
	if len(part) >= 16 || len(part) >= 8 && strings.ContainsAny(part, "0123456789") {
		add(part)
	}
}

// plain tells whether s looks the same in JSON, HTML and a URL.
func plain(s string) bool {
	for i := range len(s) {
		if !ascii.IsAlnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.' {
			return false
		}
	}
	return true
}

// How JSON writes what a secret may hold, with and without what keeps HTML out of it.
var (
	jsonEscaper   = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	scriptEscaper = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`)
)
