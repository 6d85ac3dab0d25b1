package allowlist_test

import (
	"bytes"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

// checkAccepted asserts the properties of every accepted URL under any policy.
func checkAccepted(t *testing.T, p allowlist.Policy, raw, canonical string) {
	t.Helper()
	again, err := p.CheckURL(canonical)
	if err != nil || again != canonical {
		t.Errorf("canonical form of %q is not stable: %q becomes %q, %v", raw, canonical, again, err)
	}
	checkSent(t, raw, canonical)
}

// checkSent asserts that the canonical form means the same to net/url and net/http: same
// text, same host, and exactly its path and query on the wire.
func checkSent(t *testing.T, raw, canonical string) {
	t.Helper()
	u, err := url.Parse(canonical)
	if err != nil {
		t.Errorf("net/url refuses the canonical form of %q: %v", raw, err)
		return
	}
	if u.String() != canonical {
		t.Errorf("net/url rewrites the canonical form of %q: %q becomes %q", raw, canonical, u.String())
	}

	host, tail := cutURL(canonical)
	if rawHost, rawTail := cutURL(raw); !sameHost(strings.TrimSuffix(rawHost, ":443"), host) || !sameTail(rawTail, tail) {
		t.Errorf("canonical form of %q is another URL: %q", raw, canonical)
	}
	if strings.IndexFunc(canonical, func(r rune) bool { return r < '!' || r > '~' }) >= 0 {
		t.Errorf("canonical form of %q is no printable ASCII: %q", raw, canonical)
	}

	req, err := http.NewRequest(http.MethodPost, canonical, strings.NewReader("{}"))
	if err != nil {
		t.Errorf("net/http refuses the canonical form of %q: %v", raw, err)
		return
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Errorf("net/http cannot send %q: %v", canonical, err)
		return
	}
	line, headers, _ := strings.Cut(wire.String(), "\r\n")
	if want := "POST " + tail + " HTTP/1.1"; line != want {
		t.Errorf("request line of %q is %q, want %q", canonical, line, want)
	}
	if !strings.HasPrefix(headers, "Host: "+host+"\r\n") {
		t.Errorf("headers of %q begin with %.40q, want host %q", canonical, headers, host)
	}
}

// sameHost compares hosts, perhaps with a port, without case, and addresses by their
// value.
func sameHost(raw, canonical string) bool {
	if !strings.HasPrefix(raw, "[") {
		return strings.EqualFold(raw, canonical)
	}
	parse := func(s string) (netip.AddrPort, error) {
		if strings.HasSuffix(s, "]") {
			s += ":443"
		}
		return netip.ParseAddrPort(s)
	}
	x, errX := parse(raw)
	y, errY := parse(canonical)
	return errX == nil && errY == nil && x == y
}

// sameTail compares path and query byte for byte. A slash equals an empty path, and text
// beyond ASCII equals its percent-encoding by package url.
func sameTail(raw, canonical string) bool {
	var b strings.Builder
	if !strings.HasPrefix(raw, "/") {
		b.WriteByte('/')
	}
	for i := range len(raw) {
		if raw[i] < 0x80 {
			b.WriteByte(raw[i])
		} else {
			b.WriteString(url.PathEscape(raw[i : i+1]))
		}
	}
	return b.String() == canonical
}

// cutURL cuts an absolute URL after its authority.
func cutURL(s string) (host, tail string) {
	rest := s[len("https://"):]
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// secondOpinion is an independent checker: it parses the URL with net/url and checks the
// parts. It checks less than the package does, so it must accept every URL that the
// package accepts.
func secondOpinion(raw string, automation bool) (ok bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return false
	}
	if !automation {
		return u.Hostname() != "" && !badIP(u.Hostname())
	}
	if port := u.Port(); port != "" && port != "443" {
		return false
	}
	return strings.ToLower(u.Hostname()) == "api-private.atlassian.com" &&
		strings.HasPrefix(u.Path, "/automation/webhooks/") &&
		strings.HasPrefix(u.EscapedPath(), "/automation/webhooks/") &&
		strings.HasPrefix(u.JoinPath("/").Path, "/automation/webhooks/")
}

// badIP reports whether the host is an address that package net knows to be not public.
func badIP(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast())
}
