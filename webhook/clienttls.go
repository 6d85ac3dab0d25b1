package webhook

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/transport"
)

// ClientTLS is the client certificate of a webhook's requests, and the authorities that they trust.
// The zero value shows Options.ClientCertificate if it is set, and trusts Options.RootCAs.
// Certificates of servers are always verified, with their host name, and the guard checks addresses
// whichever authority signed for them.
type ClientTLS struct {
	// Certificate is the client's certificate in PEM, the leaf first: up to 5 certificates and 64
	// KiB. It is shown to a server that asks for one. It is shown after its end too, because the
	// receiver decides; Observer.Attention is called 30, 14 and 3 days before.
	Certificate string `json:"certificate,omitempty"`
	// Key is the private key of Certificate in PEM, not encrypted: RSA of 2,048 to 8,192 bits,
	// ECDSA or Ed25519. A Store keeps it like Secrets. Only a [Sealer] gets it, unless
	// Options.AllowClearKeys is set.
	Key Secret `json:"key,omitzero"`
	// RootCAs are the authorities, in PEM, that verify the server in place of Options.RootCAs:
	// up to 20 and 64 KiB.
	RootCAs string `json:"root_cas,omitempty"`
	// Pending holds the key of [Manager.CertificateRequest] and the request, in PEM, until
	// [Manager.SetCertificate] brings a certificate for it. A Store keeps it like Key.
	Pending Secret `json:"pending,omitzero"`
}

const (
	maxChain     = 5
	maxRoots     = 20
	maxPEM       = 64 << 10 // bytes
	minRSA       = 2048     // bits
	maxRSA       = 8192     // bits: a longer key makes each handshake expensive
	blockCert    = "CERTIFICATE"
	blockKey     = "PRIVATE KEY"
	blockRequest = "CERTIFICATE REQUEST"
)

// IsZero reports whether a webhook has no ClientTLS at all.
func (c ClientTLS) IsZero() bool { return c.usesCommonTransport() && c.Pending.IsZero() }

// Equal reports whether two are the same.
func (c ClientTLS) Equal(d ClientTLS) bool {
	return c.Certificate == d.Certificate && sameSecret(c.Key, d.Key) && c.RootCAs == d.RootCAs && sameSecret(c.Pending, d.Pending)
}

// sameIdentity is Equal without Pending.
func (c ClientTLS) sameIdentity(d ClientTLS) bool {
	c.Pending, d.Pending = Secret{}, Secret{}
	return c.Equal(d)
}

// usesCommonTransport reports whether requests use the transport that webhooks share.
func (c *ClientTLS) usesCommonTransport() bool {
	return c.Certificate == "" && c.Key.IsZero() && c.RootCAs == ""
}

// identity is a parsed ClientTLS, for the transport.
type identity struct {
	transport.Identity
	id     transport.ID
	leaf   *x509.Certificate // nil without a certificate
	until  time.Time         // the earliest end in the chain
	digest [sha256.Size]byte // of the leaf
}

// tlsError is a fault of a ClientTLS. Its texts hold no part of a certificate or key.
type tlsError struct{ rule, message string }

func (e *tlsError) Error() string { return "webhook: client certificate: " + e.rule }

func refuseTLS(rule, message string) error { return &tlsError{rule, message} }

// parse parses a ClientTLS and checks everything but its times.
func (c *ClientTLS) parse() (*identity, error) {
	out := &identity{}
	h := sha256.New()
	for _, part := range []string{c.Certificate, c.Key.Reveal(), c.RootCAs} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	h.Sum(out.id[:0])
	if err := c.parsePair(out); err != nil {
		return nil, err
	}
	if c.RootCAs == "" {
		return out, nil
	}
	roots, err := certificates(c.RootCAs, maxRoots)
	if err != nil || slices.ContainsFunc(roots, func(r *x509.Certificate) bool { return !r.BasicConstraintsValid || !r.IsCA }) {
		return nil, refuseTLS("roots", "The certificates of the authorities must be 1 to 20 certificates of authorities in PEM, 64 KiB at most.")
	}
	out.RootCAs = x509.NewCertPool()
	for _, r := range roots {
		out.RootCAs.AddCert(r)
	}
	return out, nil
}

var errPair = refuseTLS("pair", "Certificate and private key must both be there, in PEM, and belong together.")

func (c *ClientTLS) parsePair(out *identity) error {
	key := c.Key.Reveal()
	switch {
	case c.Certificate == "" && key == "":
		return nil
	case encrypted(key):
		return refuseTLS("encrypted", "The private key is encrypted. Enter it without a pass phrase.")
	case c.Certificate == "" || key == "" || len(key) > maxPEM:
		return errPair
	}
	chain, err := certificates(c.Certificate, maxChain)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(key))
	if err != nil {
		return errPair
	}
	pair.Leaf = chain[0]
	out.Certificate, out.leaf, out.digest, out.until = &pair, chain[0], sha256.Sum256(chain[0].Raw), chain[0].NotAfter
	for i, c := range chain {
		if weak(c, i == 0) {
			return refuseTLS("weak", "The certificate is too weak: RSA keys need 2,048 to 8,192 bits, signatures more than SHA-1.")
		}
		out.until = slices.MinFunc([]time.Time{out.until, c.NotAfter}, time.Time.Compare)
	}
	uses := chain[0].ExtKeyUsage
	if len(uses)+len(chain[0].UnknownExtKeyUsage) > 0 && !slices.Contains(uses, x509.ExtKeyUsageClientAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		return refuseTLS("usage", "The certificate is not for clients: its extended key usage must hold clientAuth, or there must be none.")
	}
	return nil
}

// certificates parses PEM text that holds certificates only.
func certificates(text string, most int) (out []*x509.Certificate, err error) {
	bad := refuseTLS("chain", "The certificate must be 1 to 5 certificates in PEM, its own first, 64 KiB at most.")
	rest := []byte(strings.TrimSpace(text))
	if len(text) > maxPEM {
		return nil, bad
	}
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != blockCert || len(out) == most {
			return nil, bad
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, bad
		}
		out = append(out, c)
		rest = []byte(strings.TrimSpace(string(rest)))
	}
	if len(out) == 0 {
		return nil, bad
	}
	return out, nil
}

// encrypted reports whether a key in PEM needs a pass phrase.
func encrypted(key string) bool {
	for rest := []byte(key); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
	}
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

// validateTLS checks a webhook's ClientTLS.
func (m *Manager) validateTLS(w *Webhook, add func(field, rule, message string)) {
	c := &w.TLS
	switch {
	case c.IsZero():
		return
	case m.d.o.Transport != nil:
		add("tls", "unsupported", "Client certificates and authorities of one's own need Postrider's own transport.")
		return
	case (!c.Key.IsZero() || !c.Pending.IsZero()) && !m.d.keepsKeys():
		add("tls", "unsealed", "Private keys can only be kept in a Store that encrypts them.")
		return
	}
	_, err := c.parse()
	var refused *tlsError
	if errors.As(err, &refused) {
		add("tls", refused.rule, refused.message)
	}
}

// newCertificate refuses a new certificate that has expired. A stored certificate that has expired
// since is still sent, so it does not block other edits of the webhook.
func (m *Manager) newCertificate(was, next *ClientTLS) []FieldError {
	if next.Certificate == "" || next.Certificate == was.Certificate {
		return nil
	}
	if id, err := next.parse(); err == nil && !m.d.now().Before(id.until) {
		return []FieldError{{"tls", "expired", "The certificate, or one that signed it, has expired."}}
	}
	return nil
}

// keepsKeys reports whether the Store may keep private keys. One that panics may not.
func (d *Dispatcher) keepsKeys() (keeps bool) {
	s, ok := d.store.(Sealer)
	if !ok || d.o.AllowClearKeys {
		return d.o.AllowClearKeys
	}
	_ = protect("Seals", func() error { keeps = s.Seals(); return nil })
	return keeps
}

// keepTLS takes over the stored values that an edit leaves empty: the key beside a certificate, and
// Pending.
func keepTLS(stored, next *ClientTLS) (kept bool) {
	if next.Pending.IsZero() {
		next.Pending = stored.Pending
	}
	if next.Certificate == "" || !next.Key.IsZero() || stored.Key.IsZero() {
		return false
	}
	next.Key = stored.Key
	return true
}

// CertificateUntil is the end of the client certificate of a webhook, the earliest of its chain;
// zero if there is none that can be parsed.
func (c ClientTLS) CertificateUntil() time.Time {
	if id, err := c.parse(); err == nil {
		return id.until
	}
	return time.Time{}
}

// certificateStages are the warnings about the end of a certificate, the latest first.
var certificateStages = []struct {
	days int
	name string
}{{0, "ended"}, {3, "3"}, {14, "14"}, {30, "30"}}

// certificateStage is the name of the warning that is due, "" if the end is far.
func certificateStage(until, now time.Time) string {
	left := until.Sub(now)
	for _, s := range certificateStages {
		if left <= time.Duration(s.days)*24*time.Hour {
			return s.name
		}
	}
	return ""
}
