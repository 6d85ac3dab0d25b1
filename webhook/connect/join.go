package connect

import (
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook"
)

// checkRelative returns the problem of a module's URL, "" for none. Variables are allowed in path
// and query.
func checkRelative(rel string) (problem string) {
	if !ascii.IsVisible(rel) || strings.Contains(rel, `\`) {
		return "may hold printable ASCII without spaces and backslashes only: percent-encode the rest"
	}
	if strings.HasPrefix(rel, "//") || hasScheme(rel) {
		return "must be relative to baseUrl: leave out scheme and host"
	}
	if strings.Contains(rel, "#") {
		return "must not hold a fragment"
	}
	path, _, _ := strings.Cut(rel, "?")
	decoded, err := url.PathUnescape(webhook.Expand("x://x/"+path, nil))
	if err != nil {
		return "holds a % that begins no escape: write it as %25"
	}
	segments := strings.FieldsFunc(decoded, func(r rune) bool { return r == '/' || r == '\\' || r == ';' })
	if slices.Contains(segments, ".") || slices.Contains(segments, "..") {
		return "must not hold dot segments"
	}
	return ""
}

// hasScheme reports whether s starts with a scheme of RFC 3986 section 3.1 and a colon.
func hasScheme(s string) bool {
	i := strings.IndexAny(s, ":/?#")
	if i <= 0 || s[i] != ':' {
		return false
	}
	for _, c := range []byte(strings.ToLower(s[:i])) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

// join puts a module's URL behind the base URL, with one slash between. A bare query gets the slash
// too, because receivers' libraries differ in how they hash a base URL without one. The result
// begins with the base URL for any rel.
func join(base, rel string) string {
	return strings.TrimRight(base, "/") + "/" + strings.TrimPrefix(rel, "/")
}
