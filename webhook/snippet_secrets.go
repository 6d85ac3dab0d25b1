package webhook

import (
	"cmp"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/sign"
)

// publicHeaders are those of a request whose values are no credentials.
var publicHeaders = []string{"Content-Type", "User-Agent", sign.IDHeader, sign.TimestampHeader}

// headerSecrets lists the tokens that hooks and signers put into headers. They may be derived from
// a secret and not hold it.
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

// secretsOf lists the texts that a receiver may echo and a tenant must not see, the longest first:
// every secret, every header value and the parts of the URL after the host, plain and in the
// encodings of JSON, HTML and URLs.
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
		// A server may see only the part of its path after a mount point.
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

// addDistinct adds a part of a URL that looks like an identifier or a key: 16 bytes or more, or 8
// with a digit. A word such as "automation" is not added.
func addDistinct(add func(string), part string) {
	if len(part) >= 16 || len(part) >= 8 && strings.ContainsAny(part, "0123456789") {
		add(part)
	}
}

// plain reports whether s looks the same in JSON, HTML and a URL.
func plain(s string) bool {
	for i := range len(s) {
		if !ascii.IsAlnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.' {
			return false
		}
	}
	return true
}

// The escapes of JSON strings, without and with those that protect HTML.
var (
	jsonEscaper   = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	scriptEscaper = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`)
)

// secretsIn lists the texts that an answer must not show, the longest first: the secrets of the
// webhook and of its request.
func secretsIn(to *target, sent http.Header) []string {
	secrets := append(headerSecrets(sent), to.secrets()...)
	slices.SortFunc(secrets, longestFirst)
	return secrets
}
