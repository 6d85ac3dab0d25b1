package sign

import "net/http"

// TokenHeader is the header field in which the incoming webhooks of Atlassian
// Automation expect the secret of a rule.
const TokenHeader = "X-Automation-Webhook-Token"

// Token returns a Signer that sends s itself in the named header field. That
// proves the sender to a receiver that knows the secret. It also shows the secret to
// every reader of the request: use Token over verified TLS only.
//
// Sign fails with a [*ConfigError], always, when the name is not a header name
// (RFC 9110 section 5.6.2) or belongs to the HTTP client, or when the secret is
// empty, longer than 4096 bytes, has a space at either end, or holds anything
// but printable ASCII.
func Token(header string, s Secret) Signer {
	err := checkHeaderName(header)
	if err == nil {
		err = checkHeaderValue("token", s.Reveal())
	}
	return Func(func(r *http.Request, _ Message) error {
		if err != nil {
			return err
		}
		setHeader(r, header, s.Reveal())
		return nil
	})
}

// VerifyToken reports whether the named header field holds one of the secrets:
// several during a rotation, in any order.
//
// It returns nil for a match, ErrMissingHeader when the field is absent or
// empty, ErrMalformedHeader when it is present more than once, ErrToken when it is
// none of the secrets, and a [*ConfigError] for a header name that Token refuses,
// when no secret is given and when one is empty. Its duration does not depend on how
// much of a token is right.
func VerifyToken(h http.Header, header string, secrets ...Secret) error {
	if err := checkHeaderName(header); err != nil {
		return err
	}
	if len(secrets) == 0 {
		return &ConfigError{Field: "secret", Problem: "is missing: give at least one"}
	}
	for i, s := range secrets {
		if s.IsZero() {
			return &ConfigError{Field: ordinal(i), Problem: "is empty"}
		}
	}
	got, err := singleValue(h, header)
	if err != nil {
		return err
	}
	given, match := NewSecret(got), false
	for _, s := range secrets {
		if s.Equal(given) {
			match = true // no early return, so that the duration does not show the position of a match
		}
	}
	if !match {
		return ErrToken
	}
	return nil
}
