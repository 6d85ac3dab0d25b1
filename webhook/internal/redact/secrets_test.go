package redact_test

import (
	"net/http"
	"testing"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// Rule: of the header of a request, tokens are hidden and public fields, numbers and names of
// schemes are not. A token of Authorization may be short.
func TestWithHeader(t *testing.T) {
	t.Parallel()
	sent := http.Header{
		"Authorization": {"Bearer t0k3n"},
		"X-Signature":   {"t=1700000000, v1=0123456789abcdef"},
		"X-Attempt":     {"7"},
		"Webhook-Id":    {"evt_0123456789abcdef"},
	}
	list := redact.Secrets(nil).WithHeader(sent)
	for in, want := range map[string]string{
		"no token t0k3n":                    "no token [redacted]",
		"got Bearer t0k3n":                  "got [redacted]",
		"Bearer is the scheme":              "Bearer is the scheme",
		"v1=0123456789abcdef at 1700000000": "[redacted] at 1700000000",
		"7 of evt_0123456789abcdef":         "7 of evt_0123456789abcdef",
	} {
		if got := list.Clean(in, most, false); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
