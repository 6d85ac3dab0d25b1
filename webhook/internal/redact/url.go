package redact

import (
	"strings"

	"github.com/postrider/postrider/internal/ascii"
)

// URL keeps scheme and host of a URL. It masks the whole text if that is no plain URL, or its host
// is an address.
func URL(u string) string {
	if u == "" {
		return ""
	}
	origin := Origin(u)
	for i := range len(origin) {
		if c := origin[i]; !ascii.IsAlnum(c) && strings.IndexByte("-_.:/[]", c) < 0 {
			return Mask // a user name, or no URL at all
		}
	}
	switch {
	case !strings.Contains(origin, "://"), len(literals(origin)) > 0:
		return Mask
	case origin == u:
		return u
	}
	return origin + "/" + Mask
}

// Origin is the part of a URL in front of its path and query: scheme, host and port, and a user
// name if there is one. Of a text that is no URL it is the whole.
func Origin(u string) string {
	scheme := strings.Index(u, "://")
	if scheme < 0 {
		return u
	}
	host := scheme + len("://")
	if end := strings.IndexAny(u[host:], "/?"); end >= 0 {
		return u[:host+end]
	}
	return u
}
