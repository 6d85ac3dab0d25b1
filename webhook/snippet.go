package webhook

import (
	"io"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

var readBuffers = sync.Pool{New: func() any { return new([maxSnippet]byte) }}

// readBody reads an answer's body as far as is useful, which is at most 64 KiB within
// five seconds, so that the connection can be used again, and returns the cleaned
// beginning. Errors do not matter any more.
func (s *sender) readBody(body io.ReadCloser, cancel func(), w *Webhook, u *url.URL) string {
	defer body.Close()
	stop := time.AfterFunc(bodyTimeout, cancel)
	defer stop.Stop()
	buf := readBuffers.Get().(*[maxSnippet]byte)
	defer readBuffers.Put(buf)
	n, err := io.ReadFull(body, buf[:])
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, maxBodyRead-maxSnippet))
	}
	if n == 0 {
		return ""
	}
	secrets := secretsOf(w, u)
	text := string(buf[:n])
	if n == maxSnippet {
		text = cutPartial(text, secrets)
	}
	return cleanSnippet(text, secrets)
}

// cutPartial removes the beginning of a secret from the end of a text that was cut
// off, where replacing whole secrets would miss it.
func cutPartial(text string, secrets []string) string {
	for _, secret := range secrets {
		for n := min(len(secret)-1, len(text)); n > 0; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				text = text[:len(text)-n]
				break
			}
		}
	}
	return text
}

const redacted = "[redacted]"

// secretsOf lists what a receiver may echo and a tenant must not see: every secret,
// header value, and the part of the URL behind the host.
func secretsOf(w *Webhook, u *url.URL) []string {
	var out []string
	add := func(s string) {
		if len(s) >= 4 { // shorter ones would only riddle the text
			out = append(out, s)
			if strings.Contains(s, "/") {
				out = append(out, strings.ReplaceAll(s, "/", `\/`)) // as some JSON encoders write it
			}
		}
	}
	add(u.RequestURI())
	add(u.EscapedPath())
	add(u.Path)
	for _, s := range w.Secrets {
		add(s.Reveal())
		add(strings.TrimPrefix(s.Reveal(), "whsec_"))
	}
	for _, v := range w.Headers {
		add(v)
	}
	if path := strings.TrimRight(u.Path, "/"); strings.Contains(path, "/") {
		if last := path[strings.LastIndexByte(path, '/')+1:]; len(last) >= 16 {
			add(last) // the part that tells one rule from another
		}
	}
	return out
}

// addresses finds what may be an IP address; netip decides.
var addresses = regexp.MustCompile(`[0-9A-Fa-f:.]*(?:[0-9]\.[0-9]|:[0-9A-Fa-f]*:)[0-9A-Fa-f:.]*`)

// cleanSnippet makes the beginning of an answer safe to store and show: valid UTF-8
// without control characters, secrets and addresses.
func cleanSnippet(s string, secrets []string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, redacted)
	}
	s = addresses.ReplaceAllStringFunc(s, func(m string) string {
		host := strings.Trim(m, ".")
		if _, err := netip.ParseAddr(host); err == nil {
			return redacted
		}
		if _, err := netip.ParseAddrPort(host); err == nil {
			return redacted
		}
		return m
	})
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return -1
		}
		return r
	}, s)
	if len(s) > maxSnippet {
		s = s[:maxSnippet]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return strings.TrimSpace(s)
}
