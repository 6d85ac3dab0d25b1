package sign

import (
	"net/http"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/httpfield"
)

// reserved are the header fields that a signer must not set, in canonical form.
// net/http itself writes the fields that frame the message, and repeats a POST by
// itself when it has one of the two idempotency keys.
var reserved = map[string]bool{
	"Host": true, "Content-Length": true, "Content-Type": true, "Transfer-Encoding": true,
	"Trailer": true, "Te": true, "Connection": true, "Keep-Alive": true, "Upgrade": true,
	"Expect": true, "Idempotency-Key": true, "X-Idempotency-Key": true,
}

// checkHeaderName refuses a name that is reserved or not a token of RFC 9110 section 5.6.2.
func checkHeaderName(name string) error {
	switch {
	case name == "":
		return &ConfigError{Field: "header name", Problem: "is empty"}
	case !httpfield.IsToken(name):
		return &ConfigError{Field: "header name", Problem: "holds a byte that RFC 9110 does not allow: use letters, digits and hyphens"}
	case reserved[http.CanonicalHeaderKey(name)]:
		return &ConfigError{Field: "header name", Problem: "belongs to the HTTP client: choose another"}
	}
	return nil
}

// checkHeaderValue refuses a value that a header field cannot carry unchanged.
func checkHeaderValue(field, value string) error {
	switch {
	case value == "":
		return &ConfigError{Field: field, Problem: "is empty"}
	case httpfield.IsValue(value):
		return nil
	case len(value) > httpfield.MaxValue:
		return &ConfigError{Field: field, Problem: "is longer than 4096 bytes"}
	case ascii.IsPrintable(value):
		return &ConfigError{Field: field, Problem: "has a space at its begin or end"}
	}
	return &ConfigError{Field: field, Problem: "holds a byte that a header cannot carry: only printable ASCII, 0x20 to 0x7E, is allowed"}
}

// singleValue returns the value of a header field that must be present exactly once.
func singleValue(h http.Header, name string) (string, error) {
	switch vs := h.Values(name); {
	case len(vs) == 0 || len(vs) == 1 && vs[0] == "":
		return "", ErrMissingHeader
	case len(vs) > 1:
		return "", ErrMalformedHeader
	default:
		return vs[0], nil
	}
}
