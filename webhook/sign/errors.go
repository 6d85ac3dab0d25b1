package sign

import "errors"

// ErrConfig matches (errors.Is) every [*ConfigError].
var ErrConfig = errors.New("sign: configuration")

// ErrSecretText is returned for decoding a Secret from JSON or text. A printed Secret is
// a mask, and decoding must not turn this mask into the secret.
var ErrSecretText = errors.New("sign: a Secret cannot be read from text: decode a string and call NewSecret")

// Errors of a receiver's check, for errors.Is.
var (
	// ErrMissingHeader: a header field of the scheme is absent or empty.
	ErrMissingHeader = errors.New("sign: missing header")
	// ErrMalformedHeader: a header field is present more than once, or its value
	// does not have the form of the scheme.
	ErrMalformedHeader = errors.New("sign: malformed header")
	// ErrTooOld: the timestamp is older than the tolerance allows. The cause is a
	// replay, a slow network or a wrong clock.
	ErrTooOld = errors.New("sign: timestamp too old")
	// ErrTooNew: the timestamp is further in the future than the tolerance or leeway allows.
	ErrTooNew = errors.New("sign: timestamp too new")
	// ErrSignature: no signature of a known version matches any of the secrets.
	ErrSignature = errors.New("sign: no matching signature")
	// ErrAlgorithm: a Connect token asks for another algorithm than HS256.
	ErrAlgorithm = errors.New("sign: wrong algorithm")
	// ErrIssuer: a Connect token has an unknown client key.
	ErrIssuer = errors.New("sign: unknown issuer")
	// ErrExpired: a Connect token has expired. The cause is a replay, a slow network or
	// a wrong clock.
	ErrExpired = errors.New("sign: token expired")
	// ErrLifetime: a Connect token is valid for longer than the receiver allows. A thief
	// could use it for as long.
	ErrLifetime = errors.New("sign: token counts for too long")
	// ErrQueryHash: a Connect token was made for another method, path or query.
	ErrQueryHash = errors.New("sign: query hash does not fit the request")
	// ErrToken: the token is present and equals none of the secrets.
	ErrToken = errors.New("sign: wrong token")
)

// ConfigError reports a setting with which no attempt to sign or verify can succeed: a
// header name, a secret or a message identifier that the scheme does not allow. It
// matches [ErrConfig] and never holds the invalid value.
type ConfigError struct {
	Field   string // the invalid setting: "header name", "token", "secret 2", "message ID"
	Problem string // the reason and the allowed values; continues a sentence that Field begins
}

// Error returns one line that names the field and its allowed values.
func (e *ConfigError) Error() string { return "sign: " + e.Field + " " + e.Problem }

// Is reports whether target is ErrConfig.
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }
