package redact

import (
	"cmp"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/sign"
)

const (
	// MinSecret is the length of the shortest text that is hidden. A shorter one would match in
	// too many harmless places.
	MinSecret = 4
	// minToken: a shorter part of a header is a number or a word, not a token.
	minToken = 16
	// minDistinct: a shorter part of a URL is a word.
	minDistinct = 8
	// maxMounts bounds the mount points of a path. A path may have a thousand, each of which adds
	// several texts to the search.
	maxMounts = 8
)

// Secrets are the texts that an answer must not show, in lower case, the longest first. The zero
// value has none: its Clean removes addresses alone.
type Secrets []string

// NewSecrets lists credentials and the parts of a URL after the host, plain and in the encodings of
// JSON, HTML and URLs. It drops texts shorter than [MinSecret].
func NewSecrets(credentials []string, u *url.URL) Secrets {
	var s Secrets
	for _, c := range credentials {
		s.add(c)
		s.addParts(c)
	}
	s.addURL(u)
	slices.SortFunc(s, longestFirst)
	return slices.Compact(s)
}

// WithHeader adds the tokens that hooks and signers put into the header of a request. They may be
// derived from a secret and not hold it.
func (s Secrets) WithHeader(sent http.Header) Secrets {
	all := append(tokens(sent), s...)
	slices.SortFunc(all, longestFirst)
	return all
}

func longestFirst(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }

// add adds a text in every encoding.
func (s *Secrets) add(text string) {
	s.keep(text)
	if plain(text) {
		return
	}
	s.keep(strings.ReplaceAll(text, "/", `\/`)) // as some JSON encoders write it
	s.keep(strings.ReplaceAll(text, " ", "+"))  // as some encoders of forms write it
	s.keep(plusAsSpace(text))                   // as decoders of forms read it
	s.keep(url.QueryEscape(text))
	s.keep(url.PathEscape(text))
	if strings.ContainsAny(text, `"'\<>&`) {
		s.keep(jsonEscaper.Replace(text))
		s.keep(scriptEscaper.Replace(text))
		s.keep(html.EscapeString(text))
	}
}

func (s *Secrets) keep(text string) {
	if len(text) >= MinSecret {
		*s = append(*s, fold(text))
	}
}

// addURL adds path and query of a URL, and their parts.
func (s *Secrets) addURL(u *url.URL) {
	s.add(u.RequestURI())
	s.addPath(u.EscapedPath())
	s.addPath(u.Path)
	s.add(u.RawQuery)
	for part := range strings.FieldsFuncSeq(u.RawQuery, func(r rune) bool { return strings.ContainsRune("&;=", r) }) {
		s.addDistinct(part)
		if plain, err := url.QueryUnescape(part); err == nil {
			s.addDistinct(plain)
		}
	}
}

// addPath adds a path, its segments, and the parts after a mount point, because a server may see
// nothing else of it.
func (s *Secrets) addPath(path string) {
	path = strings.TrimSuffix(path, "/") // a receiver may drop it
	s.add(path)
	rest := path
	for range maxMounts {
		if strings.Count(rest, "/") < 2 {
			break
		}
		s.add(rest)
		s.add(strings.TrimPrefix(rest, "/"))
		rest = rest[1+strings.IndexByte(rest[1:], '/'):]
	}
	for segment := range strings.SplitSeq(path, "/") {
		s.addDistinct(segment)
	}
}

func (s *Secrets) addDistinct(part string) {
	if isDistinct(part) {
		s.add(part)
	}
	s.addParts(part)
}

// addParts adds what looks like a key between the marks of a text, such as the value of a parameter,
// because a receiver may name that alone.
func (s *Secrets) addParts(text string) {
	for part := range strings.FieldsFuncSeq(text, isMark) {
		if len(part) < len(text) && isDistinct(part) {
			s.keep(part)
		}
	}
}

func isMark(r rune) bool {
	return r >= utf8.RuneSelf || !ascii.IsAlnum(byte(r)) && r != '-' && r != '_'
}

// isDistinct reports whether a part of a text looks like an identifier or a key: 16 bytes or more,
// or 8 with a digit. A word such as "automation" does not.
func isDistinct(part string) bool {
	return len(part) >= 16 || len(part) >= minDistinct && strings.ContainsAny(part, "0123456789")
}

// plain reports whether s looks the same in JSON, HTML and a URL.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r != '.' && isMark(r) }) < 0
}

// The escapes of JSON strings, without and with those that protect HTML.
var (
	jsonEscaper   = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	scriptEscaper = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`)
)

// PublicHeaders are the fields of every request whose values are no credentials.
var PublicHeaders = []string{"Content-Type", "User-Agent", sign.IDHeader, sign.TimestampHeader}

// tokens lists the values of a request's header that may be credentials, and their parts.
func tokens(h http.Header) (out Secrets) {
	if user, password, ok := (&http.Request{Header: h}).BasicAuth(); ok {
		out.add(user)
		out.add(password)
	}
	for name, values := range h {
		if slices.ContainsFunc(PublicHeaders, func(p string) bool { return strings.EqualFold(p, name) }) {
			continue
		}
		least := minToken
		if strings.EqualFold(name, "Authorization") {
			least = MinSecret // a token may be short
		}
		for _, v := range values {
			for i, part := range append(strings.Fields(v), v) {
				if i == 0 && len(part) < minToken && len(part) < len(v) {
					continue // the name of a scheme
				}
				if len(part) >= least {
					out.keep(part)
				}
			}
			for part := range strings.FieldsFuncSeq(v, isMark) {
				if len(part) >= minToken {
					out.keep(part)
				}
			}
		}
	}
	return out
}
