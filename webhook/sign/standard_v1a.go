package sign

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"
)

const (
	v1aPrivate = "whsk_"
	v1aPublic  = "whpk_"
	v1aTag     = "v1a," // ed25519
)

// GenerateKey returns a new key pair for asymmetric signatures: the private key
// for [Standard], 32 bytes in base64 behind "whsk_", and the public key that
// receivers give to [VerifyStandard], behind "whpk_". It fails only when
// crypto/rand.Reader does.
func GenerateKey() (private Secret, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Secret{}, "", err
	}
	return NewSecret(v1aPrivate + base64.StdEncoding.EncodeToString(key.Seed())), encodePublic(pub), nil
}

// PublicKey returns the public half of a private key, "whpk_" and 32 bytes in
// base64. A sender publishes it for its receivers. PublicKey returns a [*ConfigError]
// for a secret that is not a private key of [Standard].
func PublicKey(private Secret) (string, error) {
	key, problem := parseV1aPrivate(private.Reveal())
	if problem != "" {
		return "", &ConfigError{Field: "private key", Problem: problem}
	}
	return encodePublic(key.Public().(ed25519.PublicKey)), nil
}

func encodePublic(key ed25519.PublicKey) string {
	return v1aPublic + base64.StdEncoding.EncodeToString(key)
}

// parseV1aPrivate returns the key, or a problem with the text.
func parseV1aPrivate(text string) (key ed25519.PrivateKey, problem string) {
	text, ok := strings.CutPrefix(text, v1aPrivate)
	if !ok {
		return nil, "must begin with whsk_"
	}
	raw, problem := decodeKey(text)
	if problem != "" {
		return nil, problem
	}
	switch len(raw) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(raw), ""
	case ed25519.PrivateKeySize:
		key = ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
		// From two signatures, one of them with a public half that does not belong to
		// the seed, a reader can compute the private key.
		if !key.Equal(ed25519.PrivateKey(raw)) {
			return nil, "holds a public key that does not belong to the private one"
		}
		return key, ""
	}
	return nil, "must be 32 bytes, or 64 with the public key, before base64"
}

// v1aSigner signs with one private key.
type v1aSigner ed25519.PrivateKey

func (k v1aSigner) append(dst []byte, id, timestamp string, body []byte) []byte {
	signature := ed25519.Sign(ed25519.PrivateKey(k), v1aMessage(id, timestamp, body))
	return base64.StdEncoding.AppendEncode(append(dst, v1aTag...), signature)
}

func (v1aSigner) len() int { return len(v1aTag) + base64.StdEncoding.EncodedLen(ed25519.SignatureSize) }

// v1aVerifier holds one public key.
type v1aVerifier ed25519.PublicKey

// newV1aVerifier parses a public key, or a private key to use its public half.
func newV1aVerifier(text string) (k v1aVerifier, problem string) {
	if !strings.HasPrefix(text, v1aPublic) {
		key, problem := parseV1aPrivate(text)
		if problem != "" {
			return nil, problem
		}
		return v1aVerifier(key.Public().(ed25519.PublicKey)), ""
	}
	key, problem := parseV1aPublic(text)
	return v1aVerifier(key), problem
}

func (k v1aVerifier) fits(given []standardSignature, id, timestamp string, body []byte) bool {
	var message []byte
	for _, g := range given {
		if g.tag != v1aTag {
			continue
		}
		if message == nil {
			message = v1aMessage(id, timestamp, body)
		}
		if ed25519.Verify(ed25519.PublicKey(k), message, g.signature) {
			return true
		}
	}
	return false
}

func v1aMessage(id, timestamp string, body []byte) []byte {
	m := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	return append(appendSignedHead(m, id, timestamp), body...)
}
