package sign

import (
	"encoding/hex"
	"net/http"
	"strings"
)

// HubSignatureHeader is the header field of W3C WebSub in which Jira sends the
// signature of a callback: the name of the method, an equals sign and the
// signature in hexadecimal digits.
const HubSignatureHeader = "X-Hub-Signature"

const hubSHA256 = "sha256"

// HMAC returns a Signer that sets X-Hub-Signature to "sha256=" and the
// HMAC-SHA256 of the body in lower-case hexadecimal, as Jira Cloud signs the
// callbacks of administrators' webhooks. The key is the text of the secret. An
// empty body is signed like any other.
//
// The signature covers only the body, so it is the same at every attempt and does not
// expire: a receiver recognises repeats by an identifier. A request has one such field,
// so during a rotation it is signed with the new secret only.
//
// Sign fails with a [*ConfigError], always, when the secret is empty, and when it has
// less than 14 bytes while the process enforces FIPS 140 (GODEBUG=fips140=only).
func HMAC(s Secret) Signer {
	return hmacSigner(HMACFormat{Header: HubSignatureHeader, Prefix: hubSHA256 + "="}, s)
}

// VerifyHMAC checks a request that [HMAC] signed. Body holds the unchanged bytes of the
// request's body. The secrets are the currently valid ones, several during a rotation, in
// any order. The only accepted method is sha256.
//
// It returns nil for a match, ErrMissingHeader when the field is absent or
// empty, ErrMalformedHeader when it is present more than once or is not a method with
// lower-case hexadecimal digits, ErrSignature when another method was used or no
// secret fits, and a [*ConfigError] when no secret is given, or one is empty or, as
// with HMAC, too short for FIPS 140.
func VerifyHMAC(h http.Header, body []byte, secrets ...Secret) error {
	if len(secrets) == 0 {
		return &ConfigError{Field: "secret", Problem: "is missing: give at least one"}
	}
	macs, err := newMACs(secrets)
	if err != nil {
		return err
	}
	value, err := singleValue(h, HubSignatureHeader)
	if err != nil {
		return err
	}
	method, digits, ok := strings.Cut(value, "=")
	given, err := hex.DecodeString(digits)
	if !ok || err != nil || method == "" || hex.EncodeToString(given) != digits {
		return ErrMalformedHeader
	}
	if method != hubSHA256 || !anyFits(macs, body, given) {
		return ErrSignature
	}
	return nil
}
