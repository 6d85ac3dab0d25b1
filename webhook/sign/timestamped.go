package sign

import (
	"cmp"
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Timestamped returns a Signer that sets one header field to the time and one signature for each
// secret, in the form of Stripe-Signature:
//
//	t=1700000000,v1=5257a869e7ec...,v1=6ffbb59b2300...
//
// A signature is the HMAC-SHA256 of "time.body" in lower-case hexadecimal, time in seconds since
// 1970. The key is the text of a secret, prefix included. The secrets are given newest first;
// during a rotation there are several. The field has no identifier: let Profile.Prepare.Header
// send one where receivers must drop repeats.
//
// Timestamped returns a [*ConfigError] for a header name that [Token] refuses, when no secret is
// given or one is empty, and when one is too short for FIPS 140 as with [HMAC]. Sign returns
// one when m.Time is before 1970, as the zero Time is.
func Timestamped(header string, secrets ...Secret) (Signer, error) {
	if err := checkHeaderName(header); err != nil {
		return nil, err
	}
	if len(secrets) == 0 {
		return nil, errNoSecret()
	}
	if _, err := newMACs(secrets); err != nil { // checks each secret
		return nil, err
	}
	return Func(func(r *http.Request, m Message) error {
		timestamp, err := unixSeconds(m)
		if err != nil {
			return err
		}
		macs, err := newMACs(secrets)
		if err != nil {
			return err
		}
		value := []byte("t=" + timestamp)
		for _, mac := range macs {
			mac.Write([]byte(timestamp + "."))
			mac.Write(m.Body)
			value = hex.AppendEncode(append(value, ",v1="...), mac.Sum(nil))
		}
		setHeader(r, header, string(value))
		return nil
	}), nil
}

// VerifyTimestamped checks a request that [Timestamped], or another sender of the scheme, signed.
// Body, now and tolerance are as with [VerifyStandard]. One signature that fits one of the secrets
// is enough. Elements with other names, and those behind the 16th v1, are ignored.
//
// It returns nil, or an error that matches ErrMissingHeader, ErrMalformedHeader (also for a
// field without exactly one time), ErrTooOld, ErrTooNew or ErrSignature, or a [*ConfigError] for the
// header name, secrets that Timestamped refuses, or a negative tolerance. An observer
// of a valid request can send it again within the tolerance.
func VerifyTimestamped(header string, h http.Header, body []byte, now time.Time, tolerance time.Duration, secrets ...Secret) error {
	if err := checkHeaderName(header); err != nil {
		return err
	}
	if len(secrets) == 0 {
		return errNoSecret()
	}
	if tolerance < 0 {
		return &ConfigError{Field: "tolerance", Problem: "is negative"}
	}
	macs, err := newMACs(secrets)
	if err != nil {
		return err
	}
	value, err := singleValue(h, header)
	if err != nil {
		return err
	}
	timestamp, given, ok := parseTimestamped(value)
	if !ok {
		return ErrMalformedHeader
	}
	if err := checkTimestamp("t", timestamp, now, cmp.Or(tolerance, DefaultTolerance)); err != nil {
		return err
	}
	match := false
	for _, mac := range macs { // no early return, so that the duration does not show the position of a match
		_, _ = fmt.Fprintf(mac, "%s.", timestamp)
		mac.Write(body)
		sum := mac.Sum(nil)
		for _, g := range given {
			if hmac.Equal(sum, g) {
				match = true
			}
		}
	}
	if !match {
		return ErrSignature
	}
	return nil
}

// parseTimestamped returns the time and the signatures of a field. A signature that is not in the
// canonical spelling counts as one that does not fit.
func parseTimestamped(value string) (timestamp string, given [][]byte, ok bool) {
	times := 0
	for element := range strings.SplitSeq(value, ",") {
		name, text, isPair := strings.Cut(strings.TrimSpace(element), "=")
		switch {
		case !isPair:
			return "", nil, false
		case name == "t":
			timestamp = text
			times++
		case name == "v1" && len(given) < maxSignatures:
			if signature, ok := decodeHex(text); ok {
				given = append(given, signature)
			}
		}
	}
	return timestamp, given, times == 1
}
