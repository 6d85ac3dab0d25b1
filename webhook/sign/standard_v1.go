package sign

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"strings"
	"sync"
)

const (
	v1Prefix = "whsec_" // optional in a key
	v1Tag    = "v1,"    // HMAC-SHA256
	v1MinKey = 24       // bytes, as Standard Webhooks 1.0.0 demands
	v1MaxKey = 64
	v1NewKey = 32
)

// GenerateSecret returns a new secret for [Standard]: 32 random bytes in base64
// behind "whsec_". It fails only when crypto/rand.Reader does.
func GenerateSecret() (Secret, error) {
	var key [v1NewKey]byte
	if _, err := io.ReadFull(rand.Reader, key[:]); err != nil {
		return Secret{}, err
	}
	return NewSecret(v1Prefix + base64.StdEncoding.EncodeToString(key[:])), nil
}

// parseV1Key returns the key bytes, or a problem with the text.
func parseV1Key(text string) (key []byte, problem string) {
	key, problem = decodeKey(strings.TrimPrefix(text, v1Prefix))
	if problem == "" && (len(key) < v1MinKey || len(key) > v1MaxKey) {
		return nil, "must be 24 to 64 bytes before base64"
	}
	return key, problem
}

// decodeKey decodes base64 in its canonical spelling.
func decodeKey(text string) (key []byte, problem string) {
	if text == "" {
		return nil, "is empty"
	}
	key, ok := decodeBase64(base64.StdEncoding, text)
	if !ok {
		return nil, "is not padded standard base64 without line breaks"
	}
	return key, ""
}

// v1Key computes signatures with one shared key. The keyed state of an HMAC is
// the same for every message, so a pool keeps HMACs for reuse.
type v1Key struct{ idle sync.Pool }

type keyedState struct {
	mac  hash.Hash
	head []byte
	sum  [sha256.Size]byte
}

func newV1Key(key []byte) *v1Key {
	k := new(v1Key)
	k.idle.New = func() any { return &keyedState{mac: hmac.New(sha256.New, key)} }
	return k
}

func (k *v1Key) sum(id, timestamp string, body []byte) [sha256.Size]byte {
	s := k.idle.Get().(*keyedState)
	defer k.idle.Put(s)
	s.head = appendSignedHead(s.head[:0], id, timestamp)
	s.mac.Reset()
	s.mac.Write(s.head)
	s.mac.Write(body)
	s.mac.Sum(s.sum[:0])
	return s.sum
}

func (k *v1Key) append(dst []byte, id, timestamp string, body []byte) []byte {
	sum := k.sum(id, timestamp, body)
	return base64.StdEncoding.AppendEncode(append(dst, v1Tag...), sum[:])
}

func (*v1Key) len() int { return len(v1Tag) + base64.StdEncoding.EncodedLen(sha256.Size) }

func (k *v1Key) fits(given []standardSignature, id, timestamp string, body []byte) bool {
	want, match := k.sum(id, timestamp, body), false
	for _, g := range given {
		if g.tag == v1Tag && hmac.Equal(want[:], g.signature) {
			match = true
		}
	}
	return match
}

// appendSignedHead appends the signed text in front of the body.
func appendSignedHead(dst []byte, id, timestamp string) []byte {
	dst = append(dst, id...)
	dst = append(dst, '.')
	dst = append(dst, timestamp...)
	return append(dst, '.')
}
