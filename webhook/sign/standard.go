package sign

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/httpfield"
)

// Header fields of Standard Webhooks 1.0.0.
const (
	// IDHeader carries Message.ID.
	IDHeader = "Webhook-Id"
	// TimestampHeader carries Message.Time in whole seconds since 1970, UTC.
	TimestampHeader = "Webhook-Timestamp"
	// SignatureHeader carries one signature per secret, separated by one space.
	SignatureHeader = "Webhook-Signature"
)

// Standard returns a Signer after Standard Webhooks 1.0.0. It sets three header
// fields: webhook-id, webhook-timestamp and webhook-signature, the last one a
// signature over "id.timestamp.body". The text of a secret determines the kind:
//
//   - "whsec_", or nothing, and 24 to 64 bytes in padded standard base64: a shared
//     key, which makes a symmetric signature, v1, an HMAC-SHA256;
//   - "whsk_" and an ed25519 private key in the same base64: an asymmetric
//     signature, v1a. The specification leaves open which form of the key; both
//     the seed of 32 bytes (RFC 8032 section 5.1.5) and seed and public key in 64
//     bytes are taken.
//
// The secrets are given newest first. Usually there is one; during a rotation, or
// for receivers of both kinds, there are several, and the request has a signature for
// each. ed25519 reads the message twice, so v1a makes a temporary copy of the body.
//
// Standard returns a [*ConfigError] when there is no secret or one cannot be
// parsed. Sign returns one when m.ID is empty, holds a dot (the end of the identifier
// would be ambiguous) or anything but printable ASCII without spaces, and when
// m.Time is before 1970, as the zero Time is.
func Standard(secrets ...Secret) (Signer, error) {
	return standardAs([]standardNames{standardOwn}, secrets)
}

// StandardAs signs as [Standard] does and sends everything twice: in the header fields of
// Standard Webhooks and in three with another prefix, such as "svix" for svix-id, svix-timestamp
// and svix-signature. Both sets of fields have the same values. So a sender that replaces
// another with such headers can keep the receivers and let them change later.
//
// The prefix is 1 to 64 letters, digits and hyphens. Errors are those of Standard, and a
// [*ConfigError] for the prefix.
func StandardAs(prefix string, secrets ...Secret) (Signer, error) {
	names, err := standardPrefixed(prefix)
	if err != nil {
		return nil, err
	}
	return standardAs([]standardNames{standardOwn, names}, secrets)
}

// standardNames are three header fields, in canonical form.
type standardNames struct{ id, timestamp, signature string }

var standardOwn = standardNames{IDHeader, TimestampHeader, SignatureHeader}

func standardPrefixed(prefix string) (standardNames, error) {
	if len(prefix) > 64 || strings.Trim(prefix, "-") != prefix || prefix == "" ||
		strings.ContainsFunc(prefix, func(c rune) bool { return c > '~' || !ascii.IsAlnum(byte(c)) && c != '-' }) {
		return standardNames{}, &ConfigError{Field: "header prefix", Problem: "must be 1 to 64 letters, digits and hyphens, without a hyphen at either end"}
	}
	name := func(end string) string { return http.CanonicalHeaderKey(prefix + "-" + end) }
	return standardNames{name("id"), name("timestamp"), name("signature")}, nil
}

func standardAs(fields []standardNames, secrets []Secret) (Signer, error) {
	keys, size, err := standardSigners(secrets)
	if err != nil {
		return nil, err
	}
	// A closure, so that a printed Signer does not show its keys.
	return Func(func(r *http.Request, m Message) error {
		if !standardID(m.ID) {
			return &ConfigError{Field: "message ID", Problem: "must be printable ASCII without spaces and dots, and not empty"}
		}
		timestamp, err := unixSeconds(m)
		if err != nil {
			return err
		}
		signatures := make([]byte, 0, size)
		for i, k := range keys {
			if i > 0 {
				signatures = append(signatures, ' ')
			}
			signatures = k.append(signatures, m.ID, timestamp, m.Body)
		}
		value := string(signatures)
		for _, f := range fields {
			setHeader(r, f.id, m.ID)
			setHeader(r, f.timestamp, timestamp)
			setHeader(r, f.signature, value)
		}
		return nil
	}), nil
}

// unixSeconds returns the message's time for a header field.
func unixSeconds(m Message) (string, error) {
	unix := m.Time.Unix()
	if unix < 0 {
		return "", &ConfigError{Field: "message time", Problem: "is not set, or lies before 1970"}
	}
	return strconv.FormatInt(unix, 10), nil
}

// standardSigner signs with one key.
type standardSigner interface {
	// append adds the version and a signature in base64 to dst.
	append(dst []byte, id, timestamp string, body []byte) []byte
	// len returns the number of bytes that append adds.
	len() int
}

// standardSigners returns the keys and the length of all signatures together.
func standardSigners(secrets []Secret) (keys []standardSigner, size int, err error) {
	if len(secrets) == 0 {
		return nil, 0, errNoSecret()
	}
	keys = make([]standardSigner, len(secrets))
	for i, s := range secrets {
		var problem string
		if keys[i], problem = newStandardSigner(s.Reveal()); problem != "" {
			return nil, 0, &ConfigError{Field: ordinal(i), Problem: problem}
		}
		size += keys[i].len() + 1
	}
	return keys, size, nil
}

func newStandardSigner(text string) (k standardSigner, problem string) {
	switch {
	case strings.HasPrefix(text, v1aPrivate):
		key, problem := parseV1aPrivate(text)
		return v1aSigner(key), problem
	case strings.HasPrefix(text, v1aPublic):
		return nil, "is a public key: signing takes the private one, which begins with whsk_"
	}
	key, problem := parseV1Key(text)
	if problem != "" {
		return nil, problem
	}
	return newV1Key(key), ""
}

func errNoSecret() error {
	return &ConfigError{Field: "secret", Problem: "is missing: give at least one"}
}

// standardID reports whether id can be signed and carried in a header.
func standardID(id string) bool {
	return id != "" && len(id) <= httpfield.MaxValue && ascii.IsVisible(id) && !strings.Contains(id, ".")
}

// ordinal names a secret by its position, because its text must not be shown.
func ordinal(i int) string { return "secret " + strconv.Itoa(i+1) }
