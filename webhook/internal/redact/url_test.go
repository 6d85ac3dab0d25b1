package redact_test

import (
	"testing"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// Rule: only scheme and host of a URL are shown, and nothing of a text that is no plain URL.
func TestURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                               "",
		"https://hooks.example.com":      "https://hooks.example.com",
		"https://hooks.example.com/":     "https://hooks.example.com/[redacted]",
		"https://hooks.example.com/a?b":  "https://hooks.example.com/[redacted]",
		"https://hooks.example.com?b":    "https://hooks.example.com/[redacted]",
		"https://hooks.example.com:8443": "https://hooks.example.com:8443",
		"https://build_1.example.com/a":  "https://build_1.example.com/[redacted]",
		"https://[2001:db8::1]:8443/a":   "[redacted]",
		"https://[::ffff:808:808]/a":     "[redacted]",
		"https://203.0.113.7/a":          "[redacted]",
		"https://ip-203-0-113-7.net/a":   "https://ip-203-0-113-7.net/[redacted]",
		"https://u:p@hooks.example.com/": "[redacted]",
		"https://hooks.example.com#frag": "[redacted]",
		"https://{x}.example.com/a":      "[redacted]",
		"hooks.example.com/secret":       "[redacted]",
		"secret":                         "[redacted]",
		`https:\\host\secret`:            "[redacted]",
	} {
		if got := redact.URL(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Rule: an origin ends in front of the path, or of the query where there is no path.
func TestOrigin(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                   "",
		"https://hooks.example.com":          "https://hooks.example.com",
		"https://u:p@hooks.example.com:1/a?": "https://u:p@hooks.example.com:1",
		"https://hooks.example.com?b=/":      "https://hooks.example.com",
		"/in?next=https":                     "/in?next=https",
	} {
		if got := redact.Origin(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
