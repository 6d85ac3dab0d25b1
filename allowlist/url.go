package allowlist

import "strings"

// MaxURL is the longest URL accepted, in bytes. Real URLs have about 140.
const MaxURL = 2048

const (
	scheme           = "https://"
	automationHost   = "api-private.atlassian.com"
	automationPrefix = "/automation/webhooks/"
)

// CheckURL judges a URL without any look-up and returns its canonical form, the only one
// to store and send: scheme and host in lower case, port 443 left out, an IPv6 address as
// RFC 5952 writes it (all of it in hexadecimal), an empty path written as "/" (RFC 3986,
// 6.2.3), and text beyond ASCII in path and query percent-encoded as UTF-8. Everything
// else stays byte for byte, percent-encodings too. Nothing is trimmed or repaired. The
// canonical form is accepted again and does not change; net/url, net/http and browsers
// read from it the same host, port and path as CheckURL.
//
// A refusal is an [*Error], matches [ErrRefused], and comes with an empty string. An
// accepted URL that is canonical already costs no allocation. [Policy.Control] judges
// the addresses to which the host resolves.
func (p Policy) CheckURL(raw string) (canonical string, err error) {
	canonical, e := p.judgeURL(raw, false)
	return canonical, refusal(e)
}

// CheckExpanded judges a URL in whose path or query variables have been replaced by
// percent-encoded values, and returns the canonical form as [Policy.CheckURL] does. A
// value may hold any byte and may be empty: A6 does not apply, and A7 and A9 ask only
// that each % begins %HH. Dot segments are refused nevertheless, also behind an encoded
// slash or backslash, where a receiver that decodes first would find them.
//
// It is no substitute for CheckURL: the template itself has to pass that, with a
// placeholder for each variable.
func (p Policy) CheckExpanded(raw string) (canonical string, err error) {
	canonical, e := p.judgeURL(raw, true)
	return canonical, refusal(e)
}

func (p *Policy) judgeURL(raw string, expanded bool) (string, *Error) {
	// The length is checked first, so that a huge input costs nothing.
	if len(raw) == 0 || len(raw) > MaxURL {
		return "", refuseA1
	}
	g := grammar{open: !p.automation, expanded: expanded}
	canonical, e := p.judgeParts(raw, g)
	// The rule of a part refused. A byte that is wrong in any part explains more.
	if e != nil && !g.onlyURLText(raw) {
		e = refuseA2
	}
	return canonical, e
}

// judgeParts walks the URL once, from the left. Every byte is either compared with a
// literal, or judged by the stricter rules for hosts, or looked up in class. Together
// these checks imply A2.
func (p *Policy) judgeParts(raw string, g grammar) (string, *Error) {
	if len(raw) < len(scheme) || !equalFold(raw[:len(scheme)], scheme) {
		return "", refuseA3
	}
	end, upper := authorityEnd(raw)
	authority, rest := raw[len(scheme):end], raw[end:]

	var host, port string
	var e *Error
	if p.automation {
		host, e = judgeAutomationHost(authority)
	} else {
		host, port, e = p.judgeAuthority(authority)
	}
	if e != nil {
		return "", e
	}

	segments, e := p.judgePrefix(rest)
	if e != nil {
		return "", e
	}
	query, e := g.judgePath(segments)
	if e != nil {
		return "", e
	}
	if e := g.judgeQuery(query); e != nil {
		return "", e
	}

	slash := ""
	if rest == "" || rest[0] != '/' {
		slash = "/"
	}
	if raw[:len(scheme)] == scheme && !upper && len(host)+len(port) == len(authority) && slash == "" && isASCII(rest) && isCanonicalIP(host) {
		return raw, nil
	}
	canonical := scheme + canonicalHost(host) + port + slash + escapeText(rest)
	if len(canonical) > MaxURL {
		return "", refuseA1
	}
	return canonical, nil
}

// judgePrefix is A5 in Automation; elsewhere a path, if there is one, begins with a slash.
// It returns the path's segments with the query.
func (p *Policy) judgePrefix(rest string) (segments string, e *Error) {
	if p.automation {
		segments, ok := strings.CutPrefix(rest, automationPrefix)
		if !ok || segments == "" || segments[0] == '?' {
			return "", refuseA5
		}
		return segments, nil
	}
	return strings.TrimPrefix(rest, "/"), nil
}

// authorityEnd returns where the authority of a URL with a checked scheme ends, and
// whether it has a letter in upper case.
func authorityEnd(raw string) (end int, upper bool) {
	for i := len(scheme); i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '/' || c == '?':
			return i, upper
		case 'A' <= c && c <= 'Z':
			upper = true
		}
	}
	return len(raw), upper
}

// judgeAutomationHost is A4.
func judgeAutomationHost(authority string) (host string, e *Error) {
	host = strings.TrimSuffix(authority, ":443")
	if !equalFold(host, automationHost) {
		return "", refuseA4
	}
	return host, nil
}

// equalFold compares two texts and folds only ASCII letters: strings.EqualFold
// also takes U+017F for an s.
func equalFold(s, t string) bool {
	if s == t { // the usual case
		return true
	}
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
