package sign

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// PathMode selects the spelling of a URL's path in a query hash.
type PathMode uint8

const (
	// PathRaw hashes the path of the request with its percent-escapes, as receivers
	// do.
	PathRaw PathMode = iota
	// PathDecoded hashes the path with its percent-escapes decoded, as the Java
	// signer of older Atlassian products does. The modes differ only where a path
	// holds escapes.
	PathDecoded
)

// QueryHash returns the qsh claim of Atlassian Connect for a request: the
// SHA-256 of [CanonicalRequest] in lower-case hexadecimal.
func QueryHash(method string, u *url.URL, baseURL string, mode PathMode) (string, error) {
	b, err := parseBase(baseURL, mode)
	if err != nil {
		return "", err
	}
	return queryHash(method, u, b)
}

// CanonicalRequest returns the text whose hash is the qsh claim of Atlassian Connect:
// method, path and query, joined with "&".
//
// The path of the add-on's base URL and one slash at the end are removed from the path; an
// ampersand in it becomes %26. A path that does not begin with the base URL's is
// not shortened, because proxies in front of a receiver may have removed that part;
// an empty baseURL has no path. The query is used without the parameter "jwt".
// Names are sorted by their percent-encoded form. The values of one name are sorted by their
// text in units of UTF-16, as Java and JavaScript do, and joined with commas. Everything but
// the unreserved characters of RFC 3986 is percent-encoded again, a space as %20. These are
// the rules of Atlassian's Java library; its JavaScript library sorts names by their text,
// which differs only for names that hold reserved characters.
//
// The query is decoded like a form: "+" is a space. CanonicalRequest returns a
// [*ConfigError] for a query that receivers understand differently: with a semicolon,
// which some take for an ampersand, with a "%" that begins no escape, or with escapes that
// are not UTF-8. It also does so for a base URL or a URL that is not http or https.
func CanonicalRequest(method string, u *url.URL, baseURL string, mode PathMode) (string, error) {
	b, err := parseBase(baseURL, mode)
	if err != nil {
		return "", err
	}
	return canonicalRequest(method, u, b)
}

func queryHash(method string, u *url.URL, b base) (string, error) {
	text, err := canonicalRequest(method, u, b)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

func canonicalRequest(method string, u *url.URL, b base) (string, error) {
	if u == nil || u.Opaque != "" {
		return "", &ConfigError{Field: "request URL", Problem: "has no path: only http and https URLs can be signed"}
	}
	query, err := canonicalQuery(u.RawQuery)
	if err != nil {
		return "", err
	}
	return strings.ToUpper(method) + "&" + canonicalPath(b.mode.path(u), b.path) + "&" + query, nil
}

func (m PathMode) path(u *url.URL) string {
	if m == PathDecoded {
		return u.Path
	}
	return u.EscapedPath()
}

func canonicalPath(path, base string) string {
	if rest, ok := under(path, base); ok {
		path = rest
	}
	path = strings.ReplaceAll(path, "&", "%26")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

// under returns the part of path behind base, if path is base or lies below it.
func under(path, base string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, base)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// canonicalQuery parses the query itself: url.ParseQuery refuses a pair with a
// semicolon, url.URL.Query silently drops it, and Values.Encode writes a
// space as "+".
func canonicalQuery(raw string) (string, error) {
	if strings.Contains(raw, ";") {
		return "", &ConfigError{Field: "query", Problem: "holds a semicolon, which receivers read differently: write it as %3B"}
	}
	values := map[string][]string{} // by encoded name
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := decodeQuery(name)
		if err != nil {
			return "", err
		}
		if value, err = decodeQuery(value); err != nil {
			return "", err
		}
		if name != "jwt" {
			name = encodeQuery(name)
			values[name] = append(values[name], value)
		}
	}
	pairs := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		sorted := values[name]
		slices.SortFunc(sorted, compareUTF16)
		for i, v := range sorted {
			sorted[i] = encodeQuery(v)
		}
		pairs = append(pairs, name+"="+strings.Join(sorted, ","))
	}
	return strings.Join(pairs, "&"), nil
}

// compareUTF16 orders texts by their units of UTF-16. Byte order differs where a character
// beyond the first 65,536, whose units are from U+D800 on, is compared with one from
// U+E000 on.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			if (x > 0xffff) != (y > 0xffff) {
				return cmp.Compare(firstUnit(x), firstUnit(y))
			}
			return cmp.Compare(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

// firstUnit is the first unit of UTF-16 of a character.
func firstUnit(r rune) rune {
	if high, _ := utf16.EncodeRune(r); high != utf8.RuneError {
		return high
	}
	return r
}

func decodeQuery(s string) (string, error) {
	text, err := url.QueryUnescape(s)
	if err != nil {
		return "", &ConfigError{Field: "query", Problem: "holds a % that begins no escape: write it as %25"}
	}
	if !utf8.ValidString(text) {
		return "", &ConfigError{Field: "query", Problem: "holds escapes that are not UTF-8"}
	}
	return text, nil
}

// encodeQuery keeps the unreserved characters of RFC 3986 section 2.3.
func encodeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
