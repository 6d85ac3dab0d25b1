// Package clientcert reads client certificates, their keys and the authorities that verify servers,
// all in PEM, and makes keys with requests for certificates. It does not know webhooks.
package clientcert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"iter"
	"slices"
	"strings"
	"time"
)

const (
	maxChain = 5
	maxRoots = 20
	maxPEM   = 64 << 10 // bytes
	minRSA   = 2048     // bits
	maxRSA   = 8192     // bits: a longer key makes each handshake expensive
)

// Identity is a client certificate with its key, and the authorities that verify servers.
type Identity struct {
	// Certificate has its Leaf; nil for none.
	Certificate *tls.Certificate
	// RootCAs are nil for none.
	RootCAs *x509.CertPool
	// Until is the earliest end in the chain of Certificate, zero for none.
	Until time.Time
	// Digest differs between Identities of different texts.
	Digest [sha256.Size]byte
}

// Error is a fault of a certificate, a key or an authority. It holds no part of them.
type Error struct {
	Rule    string // a short stable word
	Message string // a sentence for people
}

// Error names the rule.
func (e *Error) Error() string { return "webhook: client certificate: " + e.Rule }

// ErrPair is the [Error] for a certificate and a key that do not belong together.
var ErrPair error = &Error{"pair", "Certificate and private key must both be there, in PEM, and belong together."}

// Parse parses a chain of certificates, the leaf first, its private key and a list of authorities. It
// checks everything but times. The chain and the key, or the authorities, may be empty. The error is
// an [*Error].
func Parse(chain, key, roots string) (*Identity, error) {
	id := &Identity{}
	h := sha256.New()
	for _, part := range []string{chain, key, roots} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	h.Sum(id.Digest[:0])
	if err := id.parsePair(chain, key); err != nil {
		return nil, err
	}
	if err := id.parseRoots(roots); err != nil {
		return nil, err
	}
	return id, nil
}

func (id *Identity) parsePair(chain, key string) error {
	switch {
	case chain == "" && key == "":
		return nil
	case encrypted(key):
		return &Error{"encrypted", "The private key is encrypted. Enter it without a pass phrase."}
	case chain == "" || key == "" || len(key) > maxPEM:
		return ErrPair
	}
	certs := certificates(chain, maxChain)
	if certs == nil {
		return &Error{"chain", "The certificate must be 1 to 5 certificates in PEM, its own first, 64 KiB at most."}
	}
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		return ErrPair
	}
	for i, c := range certs {
		if weak(c, i == 0) {
			return &Error{"weak", "The certificate is too weak: RSA keys need 2,048 to 8,192 bits, signatures more than SHA-1."}
		}
	}
	leaf := certs[0]
	uses := leaf.ExtKeyUsage
	if len(uses)+len(leaf.UnknownExtKeyUsage) > 0 && !slices.Contains(uses, x509.ExtKeyUsageClientAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		return &Error{"usage", "The certificate is not for clients: its extended key usage must hold clientAuth, or there must be none."}
	}
	pair.Leaf = leaf
	id.Certificate = &pair
	id.Until = slices.MinFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }).NotAfter
	return nil
}

func (id *Identity) parseRoots(roots string) error {
	if roots == "" {
		return nil
	}
	certs := certificates(roots, maxRoots)
	if certs == nil || slices.ContainsFunc(certs, func(c *x509.Certificate) bool { return !c.BasicConstraintsValid || !c.IsCA }) {
		return &Error{"roots", "The certificates of the authorities must be 1 to 20 certificates of authorities in PEM, 64 KiB at most."}
	}
	id.RootCAs = x509.NewCertPool()
	for _, c := range certs {
		id.RootCAs.AddCert(c)
	}
	return nil
}

// certificates parses a text of 1 to most certificates in PEM. It returns nil for any other text.
func certificates(text string, most int) (certs []*x509.Certificate) {
	if len(text) > maxPEM {
		return nil
	}
	for rest := bytes.TrimSpace([]byte(text)); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" || len(certs) == most {
			return nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		certs = append(certs, c)
	}
	return certs
}

// blocks yields the blocks of a text in PEM, and skips what stands between them.
func blocks(text string) iter.Seq[*pem.Block] {
	return func(yield func(*pem.Block) bool) {
		block, rest := pem.Decode([]byte(text))
		for block != nil && yield(block) {
			block, rest = pem.Decode(rest)
		}
	}
}

// encrypted reports whether a key in PEM needs a pass phrase.
func encrypted(key string) bool {
	for block := range blocks(key) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
	}
	return false
}

// weak reports whether the key or the signature of a certificate is too weak. The signature of a
// self-signed authority proves nothing, so it is not checked.
func weak(c *x509.Certificate, leaf bool) bool {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < minRSA || n > maxRSA {
			return true
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return true
		}
	case ed25519.PublicKey:
	default:
		return true
	}
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return leaf || string(c.RawSubject) != string(c.RawIssuer)
	}
	return false
}
