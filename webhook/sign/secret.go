package sign

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"

	"github.com/postrider/postrider/internal/ascii"
)

// mask is the printed form of every Secret.
const mask = "[redacted]"

// Secret holds a key, a token or any other string that must not be shown.
//
// Every printer of fmt, both handlers of log/slog, encoding/json and the
// encodings that use MarshalText show "[redacted]" for it, also for an empty
// one: IsZero reports whether a secret is set. The zero value is the empty
// secret. A Secret is an immutable value, safe for concurrent use; compare
// Secrets with Equal, because == does not compile.
type Secret struct {
	// A closure, because fmt calls no methods on unexported fields: for a struct
	// with a Secret in such a field, %+v or %s would print a string, or a struct behind
	// a pointer, in clear. Reflection sees only the address of a func.
	reveal func() string
	life   *life // see WithLife
}

// NewSecret returns a Secret that holds value. Any string is allowed; each scheme
// checks its own requirements when it uses the secret.
func NewSecret(value string) Secret {
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the string. No other method does.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is the empty string.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether both hold the same string. It compares SHA-256 digests,
// so that its duration does not show where two secrets differ.
func (s Secret) Equal(other Secret) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns "[redacted]".
func (Secret) String() string { return mask }

// GoString returns "[redacted]", for %#v.
func (Secret) GoString() string { return mask }

// Format writes "[redacted]" for every verb, flag, width and precision.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue returns "[redacted]" to log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON returns the JSON string "[redacted]". To store a secret, use Reveal and
// encrypt its result.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalJSON returns ErrSecretText, so that a mask in an exported record is
// never taken for the secret. As usual for encoding/json, null changes nothing.
func (*Secret) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	return ErrSecretText
}

// UnmarshalText returns ErrSecretText.
func (*Secret) UnmarshalText([]byte) error { return ErrSecretText }

// PathSafe reports whether s can be the last segment of a URL path without escapes:
// at least one byte, only the unreserved characters of RFC 3986 section 2.3
// (letters, digits, "-", ".", "_", "~"), and neither "." nor "..", which are
// dot segments.
func PathSafe(s Secret) bool {
	v := s.Reveal()
	if v == "" || v == "." || v == ".." {
		return false
	}
	for i := range len(v) {
		switch c := v[i]; {
		case ascii.IsAlnum(c), c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}
