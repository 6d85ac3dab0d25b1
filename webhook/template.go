package webhook

import (
	"strings"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/redact"
)

// Expand fills the variables ${name} and {name} of a URL template in one pass: values are not
// expanded again. Only the path and the query are touched, so a value can never choose the host.
// Each value is percent-encoded as one component, by RFC 3986 with a space as %20 and a slash as
// %2F; a name without a value becomes the empty string, as Atlassian does. A brace that is never
// closed stays as it is. It is meant for Profile.Prepare.Target, whose result is checked like every
// URL.
func Expand(template string, vars map[string]string) string {
	if !strings.Contains(template, "{") {
		return template
	}
	var b strings.Builder
	b.Grow(len(template) + 32)
	origin := redact.Origin(template)
	b.WriteString(origin)
	rest := template[len(origin):]
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(rest[open:], '}')
		if end < 0 {
			break
		}
		b.WriteString(strings.TrimSuffix(rest[:open], "$"))
		escapeComponent(&b, vars[rest[open+1:open+end]])
		rest = rest[open+end+1:]
	}
	b.WriteString(rest)
	return b.String()
}

// Variables lists the names that Expand would fill, in order, each as often as it stands.
func Variables(template string) []string {
	var names []string
	rest := template[len(redact.Origin(template)):]
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			return names
		}
		end := strings.IndexByte(rest[open:], '}')
		if end < 0 {
			return names
		}
		names = append(names, rest[open+1:open+end])
		rest = rest[open+end+1:]
	}
}

func escapeComponent(b *strings.Builder, s string) {
	const upperHex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if ascii.IsAlnum(c) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
}

// appendSegment adds a path segment in front of a query.
func appendSegment(u, segment string) string {
	path, query, found := strings.Cut(u, "?")
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	if found {
		return path + segment + "?" + query
	}
	return path + segment
}
