package redact_test

import (
	"encoding/base64"
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
		"Webhook-Id":    {"evt_fedcba9876543210"},
	}
	list := redact.Secrets(nil).WithHeader(sent)
	for in, want := range map[string]string{
		"no token t0k3n":                    "no token [redacted]",
		"got Bearer t0k3n":                  "got [redacted]",
		"Bearer is the scheme":              "Bearer is the scheme",
		"v1=0123456789abcdef at 1700000000": "[redacted] at 1700000000",
		"7 of evt_fedcba9876543210":         "7 of evt_fedcba9876543210",
	} {
		if got := list.Clean(in, most, false); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Rule: a receiver names parts of what it got: a field of a header, a key, a value or a segment of the
// URL. Parts that look like a key are hidden by themselves, in any case, and so are both halves of
// Basic authentication.
func TestCleanHidesParts(t *testing.T) {
	t.Parallel()
	basic := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("hjhjuser:uyuy pass"))}}
	list := secretsOf(t, "https://example.com/T0/qj/ab/qjqj1qjqj.json/?wqwq2wqwq&x=1;k=ykyk3+ykyk%2Fa",
		`Digest id="zvzv4zvzv", v=2`, "hj+hj uy/uy").WithHeader(basic)
	for in, want := range map[string]string{
		"no T0/qj/ab/qjqj1qjqj.json.":      "no [redacted].",
		"no template qjqj1qjqj in /T0":     "no template [redacted] in /T0",
		`{"wqwq2wqwq":"","x":"1"}`:         `{"[redacted]":"","x":"1"}`,
		"bad k: ykyk3 ykyk/a":              "bad k: [redacted]",
		"unknown id zvzv4zvzv":             "unknown id [redacted]",
		"NO TEMPLATE QJQJ1QJQJ HERE":       "NO TEMPLATE [redacted] HERE",
		"got hj hj uy/uy, not hj+hj+uy/uy": "got [redacted], not [redacted]",
		"HjHjUser may not use 'uyuy pass'": "[redacted] may not use '[redacted]'",
		"NO ID ZVZV4%7AVZV":                redact.Withheld,
		`Unexpected token, "zvzv4zvz"...`:  `Unexpected token, "[redacted]"...`,
		"got zvzv4zv and /T0/qj/other":     "got zvzv4zv and /T0/qj/other",
		"K\u0130 and hjhj\u0055ser":        "Kİ and [redacted]",
	} {
		if got := list.Clean(in, most, false); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := list.Clean("bad id ZVZV4z", most, true); got != "bad id" {
		t.Errorf("a part that was cut off became %q", got)
	}
}
