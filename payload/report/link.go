package report

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

const maxURL = 2048

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)

// safeURL returns an https URL in which no byte has a meaning in Markdown or mrkdwn, apart from
// "&", or "" for any other input.
func safeURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || len(raw) > maxURL || !plainHost.MatchString(u.Host) {
		return ""
	}
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>()[]{}|\\`\"'^*", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// userURL is safeURL for the link of a user, which never leads to a profile and never has an
// identifier.
func userURL(raw string) string {
	s := safeURL(raw)
	if decoded, err := url.PathUnescape(s); err != nil || strings.Contains(strings.ToLower(decoded), "/people/") || uuid.MatchString(decoded) {
		return ""
	}
	return s
}
