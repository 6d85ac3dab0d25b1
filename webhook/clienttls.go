package webhook

import (
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/clientcert"
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

// parse parses a ClientTLS and checks everything but its times.
func (c *ClientTLS) parse() (*clientcert.Identity, error) {
	return clientcert.Parse(c.Certificate, c.Key.Reveal(), c.RootCAs)
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
	var refused *clientcert.Error
	if errors.As(err, &refused) {
		add("tls", refused.Rule, refused.Message)
	}
}

// newCertificate refuses a new certificate that has expired. A stored certificate that has expired
// since is still sent, so it does not block other edits of the webhook.
func (m *Manager) newCertificate(was, next *ClientTLS) []FieldError {
	if next.Certificate == "" || next.Certificate == was.Certificate {
		return nil
	}
	if id, err := next.parse(); err == nil && !m.d.now().Before(id.Until) {
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
		return id.Until
	}
	return time.Time{}
}
