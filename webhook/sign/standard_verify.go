package sign

import (
	"cmp"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a timestamp may lie from the receiver's clock, in
// either direction. It is what the reference libraries of Standard Webhooks use.
const DefaultTolerance = 5 * time.Minute

// VerifyStandard checks a request that [Standard] signed, or any other sender
// that follows Standard Webhooks 1.0.0. Body holds the bytes as they came, now
// the receiver's time. The timestamp may differ from now by up to tolerance,
// exactly that included, earlier or later; 0 means [DefaultTolerance].
//
// One v1 signature that fits one of the secrets is enough, so both sides can
// rotate at their own pace. Signatures of other versions are ignored.
//
// It returns nil, or an error that matches ErrMissingHeader, ErrMalformedHeader,
// ErrTooOld, ErrTooNew or ErrSignature, or a [*ConfigError] for secrets that
// cannot be read or a negative tolerance. A valid request can be sent again by
// whoever saw it within the tolerance: drop a webhook-id that you have had.
func VerifyStandard(h http.Header, body []byte, now time.Time, tolerance time.Duration, secrets ...Secret) error {
	keys, err := standardKeys(secrets)
	if err != nil {
		return err
	}
	if tolerance < 0 {
		return &ConfigError{Field: "tolerance", Problem: "is negative"}
	}
	id, err := one(h, IDHeader)
	if err != nil {
		return fmt.Errorf("%w: webhook-id", err)
	}
	if !standardID(id) { // a dot would let one signature fit two splits
		return fmt.Errorf("%w: webhook-id", ErrMalformedHeader)
	}
	timestamp, err := one(h, TimestampHeader)
	if err != nil {
		return fmt.Errorf("%w: webhook-timestamp", err)
	}
	if err := checkTimestamp(timestamp, now, cmp.Or(tolerance, DefaultTolerance)); err != nil {
		return err
	}
	given, err := standardSignatures(h)
	if err != nil {
		return err
	}
	match := false
	for _, k := range keys {
		want := k.sum(id, timestamp, body)
		for _, sum := range given {
			if hmac.Equal(want[:], sum) {
				match = true
			}
		}
	}
	if !match {
		return ErrSignature
	}
	return nil
}

func checkTimestamp(text string, now time.Time, tolerance time.Duration) error {
	unix, err := strconv.ParseInt(text, 10, 64)
	if err != nil || unix < 0 || strconv.FormatInt(unix, 10) != text {
		return fmt.Errorf("%w: webhook-timestamp", ErrMalformedHeader)
	}
	// Seconds are compared as numbers first: time.Unix wraps around for what is
	// too far ahead.
	if unix > now.Add(tolerance).Unix() {
		return ErrTooNew
	}
	if time.Unix(unix, 0).Before(now.Add(-tolerance)) {
		return ErrTooOld
	}
	return nil
}

// standardSignatures returns the decoded v1 signatures. One that does not
// decode counts as one that does not fit.
func standardSignatures(h http.Header) ([][]byte, error) {
	fields := strings.Fields(strings.Join(h.Values(SignatureHeader), " "))
	if len(fields) == 0 {
		return nil, fmt.Errorf("%w: webhook-signature", ErrMissingHeader)
	}
	var sums [][]byte
	for _, f := range fields {
		text, ok := strings.CutPrefix(f, standardV1)
		if !ok {
			continue
		}
		if sum, err := base64.StdEncoding.DecodeString(text); err == nil {
			sums = append(sums, sum)
		}
	}
	return sums, nil
}
