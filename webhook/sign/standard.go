package sign

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
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

const (
	standardPrefix = "whsec_" // optional where a key is read
	standardV1     = "v1,"    // HMAC-SHA256
	standardMinKey = 24       // bytes, as Standard Webhooks 1.0.0 demands
	standardMaxKey = 64
	standardNewKey = 32
)

// GenerateSecret returns a new secret for [Standard]: 32 random bytes in base64
// behind "whsec_". It fails only when crypto/rand.Reader does.
func GenerateSecret() (Secret, error) {
	var key [standardNewKey]byte
	if _, err := io.ReadFull(rand.Reader, key[:]); err != nil {
		return Secret{}, err
	}
	return NewSecret(standardPrefix + base64.StdEncoding.EncodeToString(key[:])), nil
}

// Standard returns a Signer for symmetric signatures (v1) of Standard Webhooks
// 1.0.0. It sets three header fields: webhook-id, webhook-timestamp and
// webhook-signature, the last one an HMAC-SHA256 over "id.timestamp.body".
//
// The secrets are given newest first. Usually that is one; during a rotation it
// is the new one and the old one, and the request carries a signature for each.
// A secret is 24 to 64 bytes in padded standard base64, with or without
// "whsec_" in front.
//
// Standard returns a [*ConfigError] when there is no secret or one cannot be
// read. Sign returns one when m.ID is empty, holds a dot (it would blur where
// the identifier ends) or anything but printable ASCII without spaces, and when
// m.Time lies before 1970, as the zero Time does.
func Standard(secrets ...Secret) (Signer, error) {
	keys, err := standardKeys(secrets)
	if err != nil {
		return nil, err
	}
	// A closure, so that a printed Signer does not show its keys.
	return Func(func(r *http.Request, m Message) error {
		unix := m.Time.Unix()
		if !standardID(m.ID) {
			return &ConfigError{Field: "message ID", Problem: "must be printable ASCII without spaces and dots, and not empty"}
		}
		if unix < 0 {
			return &ConfigError{Field: "message time", Problem: "is not set, or lies before 1970"}
		}
		timestamp := strconv.FormatInt(unix, 10)
		signatures := make([]byte, 0, len(keys)*(len(standardV1)+base64.StdEncoding.EncodedLen(sha256.Size)+1))
		for i, k := range keys {
			if i > 0 {
				signatures = append(signatures, ' ')
			}
			sum := k.sum(m.ID, timestamp, m.Body)
			signatures = append(signatures, standardV1...)
			signatures = base64.StdEncoding.AppendEncode(signatures, sum[:])
		}
		setHeader(r, IDHeader, m.ID)
		setHeader(r, TimestampHeader, timestamp)
		setHeader(r, SignatureHeader, string(signatures))
		return nil
	}), nil
}

// standardKey computes signatures with one key. The keyed state of an HMAC is
// the same for every message, so finished ones are kept for the next.
type standardKey struct{ idle sync.Pool }

type keyedState struct {
	mac  hash.Hash
	head []byte
	sum  [sha256.Size]byte
}

func newStandardKey(key []byte) *standardKey {
	k := new(standardKey)
	k.idle.New = func() any { return &keyedState{mac: hmac.New(sha256.New, key)} }
	return k
}

func (k *standardKey) sum(id, timestamp string, body []byte) [sha256.Size]byte {
	s := k.idle.Get().(*keyedState)
	defer k.idle.Put(s)
	s.head = append(s.head[:0], id...)
	s.head = append(s.head, '.')
	s.head = append(s.head, timestamp...)
	s.head = append(s.head, '.')
	s.mac.Reset()
	s.mac.Write(s.head)
	s.mac.Write(body)
	s.mac.Sum(s.sum[:0])
	return s.sum
}

func standardKeys(secrets []Secret) ([]*standardKey, error) {
	if len(secrets) == 0 {
		return nil, &ConfigError{Field: "secret", Problem: "is missing: give at least one"}
	}
	keys := make([]*standardKey, len(secrets))
	for i, s := range secrets {
		key, problem := parseStandardKey(s.Reveal())
		if problem != "" {
			return nil, &ConfigError{Field: ordinal(i), Problem: problem}
		}
		keys[i] = newStandardKey(key)
	}
	return keys, nil
}

// parseStandardKey returns the key bytes, or why there are none.
func parseStandardKey(text string) (key []byte, problem string) {
	text = strings.TrimPrefix(text, standardPrefix)
	if text == "" {
		return nil, "is empty"
	}
	// The decoder skips line breaks; two spellings of one secret would not be
	// equal although they sign alike.
	if strings.ContainsAny(text, "\r\n") {
		return nil, "holds a line break"
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, "is not padded standard base64"
	}
	if len(key) < standardMinKey || len(key) > standardMaxKey {
		return nil, "must be 24 to 64 bytes before base64"
	}
	return key, ""
}

// standardID reports whether id can be signed and carried in a header.
func standardID(id string) bool {
	if id == "" || len(id) > maxHeaderValue {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '.' {
			return false
		}
	}
	return true
}

// ordinal names a secret by its place; its text must not be shown.
func ordinal(i int) string { return "secret " + strconv.Itoa(i+1) }
