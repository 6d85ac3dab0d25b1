package sign

import "errors"

// ErrConfig matches (errors.Is) every [*ConfigError].
var ErrConfig = errors.New("sign: configuration")

// ErrSecretText is the answer to reading a Secret from JSON or text. Printing a
// Secret gives a mask; reading must not turn that mask into the secret.
var ErrSecretText = errors.New("sign: a Secret cannot be read from text: decode a string and call NewSecret")

// What a receiver's check can find. They are told apart with errors.Is.
var (
	// ErrMissingHeader: a header field of the scheme is absent or empty.
	ErrMissingHeader = errors.New("sign: missing header")
	// ErrMalformedHeader: a header field is there more than once, or its value
	// cannot be what a sender of the scheme writes.
	ErrMalformedHeader = errors.New("sign: malformed header")
	// ErrTooOld: the timestamp lies further back than the tolerance. This is a
	// replay, a slow network, or a clock that is wrong.
	ErrTooOld = errors.New("sign: timestamp too old")
	// ErrTooNew: the timestamp lies further ahead than the tolerance or leeway.
	ErrTooNew = errors.New("sign: timestamp too new")
	// ErrSignature: no signature of a known version matches any of the secrets.
	ErrSignature = errors.New("sign: no matching signature")
	// ErrAlgorithm: a Connect token asks for another algorithm than HS256.
	ErrAlgorithm = errors.New("sign: wrong algorithm")
	// ErrIssuer: a Connect token comes from a client key that is not known.
	ErrIssuer = errors.New("sign: unknown issuer")
	// ErrExpired: a Connect token counts no more. This is a replay, a slow network,
	// or a clock that is wrong.
	ErrExpired = errors.New("sign: token expired")
	// ErrLifetime: a Connect token counts for longer than the receiver allows. It
	// could be used by a thief for as long.
	ErrLifetime = errors.New("sign: token counts for too long")
	// ErrQueryHash: a Connect token was made for another method, path or query.
	ErrQueryHash = errors.New("sign: query hash does not fit the request")
	// ErrToken: the token is there and is none of the secrets.
	ErrToken = errors.New("sign: wrong token")
)

// ConfigError tells that signing or verifying was set up in a way that no
// attempt can succeed with: a header name, a secret or a message identifier
// that the scheme does not allow. It matches [ErrConfig] and never holds the
// offending value.
type ConfigError struct {
	Field   string // what is wrong: "header name", "token", "secret 2", "message ID"
	Problem string // why, and what is allowed; continues a sentence that Field begins
}

// Error returns one line that names the field and what is allowed there.
func (e *ConfigError) Error() string { return "sign: " + e.Field + " " + e.Problem }

// Is reports whether target is ErrConfig.
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }
