package sign

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"sync"
)

// HMACFormat is the form of a header field with the HMAC-SHA256 of a body. GitHub's form is
//
//	sign.HMACFormat{Header: "X-Hub-Signature-256", Prefix: "sha256="}
type HMACFormat struct {
	// Header is the field's name.
	Header string
	// Prefix is the text before the signature, at most 100 printable bytes of ASCII; often empty.
	Prefix string
	// Encoding is hexadecimal or base64.
	Encoding HMACEncoding
}

// HMACEncoding is the encoding of a signature's bytes.
type HMACEncoding int

const (
	// HMACHex is lower-case hexadecimal.
	HMACHex HMACEncoding = iota
	// HMACBase64 is padded standard base64.
	HMACBase64
)

// HMACAs is [HMAC] with another header field, prefix or encoding, for receivers that were made for
// another sender. As with HMAC, the key is the text of the secret, the signature covers only
// the body, and a rotation changes the secret at once.
//
// Sign fails with a [*ConfigError], always, for a format that no header can carry, and for the
// secrets that HMAC refuses.
func HMACAs(f HMACFormat, s Secret) Signer {
	if err := f.check(); err != nil {
		return Func(func(*http.Request, Message) error { return err })
	}
	return hmacSigner(f, s)
}

// VerifyHMACAs checks a request that [HMACAs], or another sender of the format, signed. The secrets
// are the currently valid ones, several during a rotation, in any order.
//
// It returns nil for a match, ErrMissingHeader when the field is absent or empty,
// ErrMalformedHeader when it is present more than once or is not the prefix and a signature in the
// canonical spelling of the encoding, ErrSignature when no secret fits, and a [*ConfigError] for an
// invalid format and in the cases of [VerifyHMAC].
func VerifyHMACAs(f HMACFormat, h http.Header, body []byte, secrets ...Secret) error {
	if err := f.check(); err != nil {
		return err
	}
	if len(secrets) == 0 {
		return errNoSecret()
	}
	macs, err := newMACs(secrets)
	if err != nil {
		return err
	}
	value, err := singleValue(h, f.Header)
	if err != nil {
		return err
	}
	text, ok := strings.CutPrefix(value, f.Prefix)
	given, decoded := f.decode(text)
	switch {
	case !ok || !decoded:
		return ErrMalformedHeader
	case !anyFits(macs, body, given):
		return ErrSignature
	}
	return nil
}

const maxPrefix = 100 // bytes

func (f HMACFormat) check() error {
	if err := checkHeaderName(f.Header); err != nil {
		return err
	}
	switch {
	case f.Prefix == "":
	case len(f.Prefix) > maxPrefix:
		return &ConfigError{Field: "prefix", Problem: "is longer than 100 bytes"}
	default:
		if err := checkHeaderValue("prefix", strings.TrimRight(f.Prefix, " ")); err != nil {
			return err
		}
	}
	if f.Encoding != HMACHex && f.Encoding != HMACBase64 {
		return &ConfigError{Field: "encoding", Problem: "must be HMACHex or HMACBase64"}
	}
	return nil
}

func (f HMACFormat) encode(sum []byte) string {
	if f.Encoding == HMACBase64 {
		return f.Prefix + base64.StdEncoding.EncodeToString(sum)
	}
	return f.Prefix + hex.EncodeToString(sum)
}

func (f HMACFormat) decode(text string) (sum []byte, ok bool) {
	if f.Encoding == HMACBase64 {
		return decodeBase64(base64.StdEncoding, text)
	}
	return decodeHex(text)
}

// decodeHex decodes lower-case digits, the canonical spelling.
func decodeHex(text string) (data []byte, ok bool) {
	data, err := hex.DecodeString(text)
	return data, err == nil && hex.EncodeToString(data) == text
}

func hmacSigner(f HMACFormat, s Secret) Signer {
	if s.IsZero() {
		return Func(func(*http.Request, Message) error {
			return &ConfigError{Field: "secret", Problem: "is empty"}
		})
	}
	key := &hmacKey{format: f, secret: s}
	return Func(func(r *http.Request, m Message) error {
		value, err := key.header(m.Body)
		if err == nil {
			setHeader(r, f.Header, value)
		}
		return err
	})
}

// hmacKey computes header values with one secret. The keyed state of an HMAC is the same for
// every message, so a pool keeps HMACs for reuse.
type hmacKey struct {
	format HMACFormat
	secret Secret
	idle   sync.Pool
}

func (k *hmacKey) header(body []byte) (string, error) {
	mac, _ := k.idle.Get().(hash.Hash)
	if mac == nil {
		var err error
		if mac, err = newMAC("secret", []byte(k.secret.Reveal())); err != nil {
			return "", err
		}
	}
	defer k.idle.Put(mac)
	mac.Reset()
	mac.Write(body)
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return k.format.encode(sum[:]), nil
}
