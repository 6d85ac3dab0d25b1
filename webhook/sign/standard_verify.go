package sign

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is the permitted difference between a timestamp and the receiver's
// clock, in either direction. The reference libraries of Standard Webhooks use the same.
const DefaultTolerance = 5 * time.Minute

// VerifyStandard checks a request that [Standard], or any other sender that follows
// Standard Webhooks 1.0.0, signed. Body holds the unchanged bytes of the body, now
// the receiver's time. The timestamp may be up to tolerance earlier or later than now,
// the limit included; 0 means [DefaultTolerance].
//
// A secret is a key of the receiver: a shared key (prefix "whsec_" or none) for v1, a
// public key ("whpk_") for v1a. A private key ("whsk_") is used for its public half.
// Keys of both kinds may be mixed. One signature that fits one key is enough, so both
// sides can rotate independently. Signatures of other versions, and those behind the
// 16th of known versions, are ignored.
//
// It returns nil, or an error that matches ErrMissingHeader, ErrMalformedHeader,
// ErrTooOld, ErrTooNew or ErrSignature, or a [*ConfigError] for secrets that
// cannot be parsed or a negative tolerance. An observer of a valid request
// can send it again within the tolerance: drop a webhook-id that was received before.
func VerifyStandard(h http.Header, body []byte, now time.Time, tolerance time.Duration, secrets ...Secret) error {
	return verifyStandard(standardOwn, h, body, now, tolerance, secrets)
}

// VerifyStandardAs is [VerifyStandard] for the header fields of [StandardAs] that begin with the
// prefix. The other fields are ignored.
func VerifyStandardAs(prefix string, h http.Header, body []byte, now time.Time, tolerance time.Duration, secrets ...Secret) error {
	names, err := standardPrefixed(prefix)
	if err != nil {
		return err
	}
	return verifyStandard(names, h, body, now, tolerance, secrets)
}

func verifyStandard(names standardNames, h http.Header, body []byte, now time.Time, tolerance time.Duration, secrets []Secret) error {
	keys, err := standardVerifiers(secrets)
	if err != nil {
		return err
	}
	if tolerance < 0 {
		return &ConfigError{Field: "tolerance", Problem: "is negative"}
	}
	id, err := singleValue(h, names.id)
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.ToLower(names.id))
	}
	if !standardID(id) { // a dot would let one signature fit two splits
		return fmt.Errorf("%w: %s", ErrMalformedHeader, strings.ToLower(names.id))
	}
	timestamp, err := singleValue(h, names.timestamp)
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.ToLower(names.timestamp))
	}
	if err := checkTimestamp(strings.ToLower(names.timestamp), timestamp, now, cmp.Or(tolerance, DefaultTolerance)); err != nil {
		return err
	}
	given, err := standardSignatures(h, names.signature)
	if err != nil {
		return err
	}
	match := false
	for _, k := range keys {
		if k.fits(given, id, timestamp, body) {
			match = true
		}
	}
	if !match {
		return ErrSignature
	}
	return nil
}

// standardVerifier checks signatures with one key.
type standardVerifier interface {
	// fits reports whether one of the signatures is of the key's version, by its
	// tag, and made with the key.
	fits(given []standardSignature, id, timestamp string, body []byte) bool
}

func standardVerifiers(secrets []Secret) ([]standardVerifier, error) {
	if len(secrets) == 0 {
		return nil, errNoSecret()
	}
	keys := make([]standardVerifier, len(secrets))
	for i, s := range secrets {
		var problem string
		if keys[i], problem = newStandardVerifier(s.Reveal()); problem != "" {
			return nil, &ConfigError{Field: ordinal(i), Problem: problem}
		}
	}
	return keys, nil
}

func newStandardVerifier(text string) (k standardVerifier, problem string) {
	if strings.HasPrefix(text, v1aPublic) || strings.HasPrefix(text, v1aPrivate) {
		return newV1aVerifier(text)
	}
	key, problem := parseV1Key(text)
	if problem != "" {
		return nil, problem
	}
	return newV1Key(key), ""
}

func checkTimestamp(name, text string, now time.Time, tolerance time.Duration) error {
	unix, err := strconv.ParseInt(text, 10, 64)
	if err != nil || unix < 0 || strconv.FormatInt(unix, 10) != text {
		return fmt.Errorf("%w: %s", ErrMalformedHeader, name)
	}
	// Seconds are compared as numbers first, because time.Unix overflows for very
	// large ones.
	if unix > now.Add(tolerance).Unix() {
		return ErrTooNew
	}
	if time.Unix(unix, 0).Before(now.Add(-tolerance)) {
		return ErrTooOld
	}
	return nil
}

// standardSignature is one entry of the header field.
type standardSignature struct {
	tag       string
	signature []byte
}

// maxSignatures bounds the checked entries: no sender signs with more keys at once, and
// each entry costs a computation over the body.
const maxSignatures = 16

// standardSignatures returns the signatures of known versions. A signature that is not in
// the canonical spelling, padded and without stray bits, counts as one that does not fit.
func standardSignatures(h http.Header, name string) ([]standardSignature, error) {
	fields := strings.Fields(strings.Join(h.Values(name), " "))
	if len(fields) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrMissingHeader, strings.ToLower(name))
	}
	var given []standardSignature
	for _, f := range fields {
		tag, text, ok := strings.Cut(f, ",")
		if tag += ","; !ok || tag != v1Tag && tag != v1aTag {
			continue
		}
		if signature, ok := decodeBase64(base64.StdEncoding, text); ok && len(given) < maxSignatures {
			given = append(given, standardSignature{tag, signature})
		}
	}
	return given, nil
}
