package sign

import (
	"net/url"
	"slices"
	"strings"
)

// base is the parts of an add-on's base URL.
type base struct {
	origin string // scheme and host, empty for any
	path   string // without a slash at its end
	mode   PathMode
}

// parseBase parses a base URL; an empty one means the root of any host.
func parseBase(raw string, mode PathMode) (base, error) {
	if mode != PathRaw && mode != PathDecoded {
		return base{}, &ConfigError{Field: "path mode", Problem: "must be PathRaw or PathDecoded"}
	}
	if raw == "" {
		return base{mode: mode}, nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return base{}, &ConfigError{Field: "base URL", Problem: "must be an https URL: scheme, host and an optional path"}
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return base{}, &ConfigError{Field: "base URL", Problem: "must not hold a user, a query or a fragment"}
	case hasDotSegment(u):
		return base{}, &ConfigError{Field: "base URL", Problem: "must not hold dot segments"}
	}
	return base{origin: origin(u), path: strings.TrimRight(mode.path(u), "/"), mode: mode}, nil
}

// InBase reports whether [ConnectJWT] signs requests to u for an add-on with this
// base URL: scheme, host and port are the same, and the path lies below the base's, without
// dot segments that lead out again. It is false for a base URL that cannot be parsed.
func InBase(u *url.URL, baseURL string) bool {
	b, err := parseBase(baseURL, PathRaw)
	return err == nil && baseURL != "" && b.contains(u)
}

// contains reports whether u lies under the base URL. A request outside does not belong to
// the add-on: its receiver could replay the token.
func (b base) contains(u *url.URL) bool {
	if u == nil || u.User != nil || u.Opaque != "" || hasDotSegment(u) || origin(u) != b.origin {
		return false
	}
	_, ok := under(b.mode.path(u), b.path)
	return ok
}

// origin returns scheme and host in a comparable form: in lower case, without the default
// port of the scheme.
func origin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

// hasDotSegment finds segments that lead out of the path, also behind an encoded
// slash or a backslash, where a receiver that decodes first would see them, and with
// parameters behind a semicolon, which some servers cut off first.
func hasDotSegment(u *url.URL) bool {
	segments := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' || r == '\\' || r == ';' })
	return slices.Contains(segments, ".") || slices.Contains(segments, "..")
}
