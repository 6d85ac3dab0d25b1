package webhook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// CertificateRequest makes a new private key (ECDSA, P-256) for a webhook, which never leaves the
// Store, and returns a request for a certificate (PKCS #10, in PEM, with the webhook's ID as common
// name) for the receiver's authority to sign. Until [Manager.SetCertificate] brings the
// certificate, another call returns the same request, and requests to the endpoint go on as
// before. Errors: [*ValidationError] with the field "tls" and the rule "unsealed" where the Store
// does not encrypt, [ErrNotFound].
func (m *Manager) CertificateRequest(ctx context.Context, scope, id string) (csr []byte, err error) {
	w, err := m.Webhook(ctx, scope, id)
	if err == nil && w.TLS.Pending.IsZero() {
		w, err = m.change(ctx, scope, id, 0, m.validateAll, func(w *Webhook) {
			if w.TLS.Pending.IsZero() { // another call may have been quicker
				w.TLS.Pending, err = newPending(id)
			}
		})
	}
	if err != nil {
		return nil, err
	}
	if _, csr = w.TLS.pending(); csr == nil {
		return nil, fmt.Errorf("webhook: certificate request of %s: %w", id, errNoRequest)
	}
	return csr, nil
}

var errNoRequest = errors.New("what is stored is no key with a request, it was changed behind the Manager's back")

// SetCertificate gives a webhook the certificate that belongs to the key of its request, or another one
// for the key that it has. The chain is in PEM, the leaf first. The next request shows it; those under
// way go on with the one before. Errors: [*ValidationError] with the field "tls", [ErrNotFound].
func (m *Manager) SetCertificate(ctx context.Context, scope, id string, chain []byte) (Webhook, error) {
	if len(chain) == 0 {
		return Webhook{}, &ValidationError{Fields: []FieldError{{"tls", "chain", "Enter the certificate."}}}
	}
	var was ClientTLS
	check := func(w *Webhook) error {
		return m.validate(w, func(w *Webhook) []FieldError { return m.newCertificate(&was, &w.TLS) })
	}
	return m.change(ctx, scope, id, 0, check, func(w *Webhook) {
		was = w.TLS
		w.TLS.Certificate = string(chain)
		if key, _ := was.pending(); key != nil {
			with := ClientTLS{Certificate: w.TLS.Certificate, Key: NewSecret(string(key))}
			if _, err := with.parse(); !errors.Is(err, errPair) {
				w.TLS.Key, w.TLS.Pending = with.Key, Secret{}
			}
		}
	})
}

// KeepsKeys reports whether webhooks can have client certificates here: the Store is a [Sealer] that
// encrypts, or Options.AllowClearKeys is set, and Options.Transport is nil.
func (m *Manager) KeepsKeys() bool { return m.d.o.Transport == nil && m.d.keepsKeys() }

// PendingRequest is the request that [Manager.CertificateRequest] made and that waits for its
// certificate, in PEM; nil where none waits. It holds nothing secret.
func (c ClientTLS) PendingRequest() []byte {
	_, csr := c.pending()
	return csr
}

// newPending makes a key and a request for a certificate.
func newPending(name string) (Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Secret{}, fmt.Errorf("webhook: make a private key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Secret{}, fmt.Errorf("webhook: encode a private key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return Secret{}, fmt.Errorf("webhook: make a certificate request: %w", err)
	}
	var b strings.Builder
	for _, block := range []pem.Block{{Type: blockKey, Bytes: der}, {Type: blockRequest, Bytes: csr}} {
		_ = pem.Encode(&b, &block) // a Builder takes everything
	}
	return NewSecret(b.String()), nil
}

// pending returns key and request of a certificate that is not there yet, in PEM.
func (c *ClientTLS) pending() (key, csr []byte) {
	for rest := []byte(c.Pending.Reveal()); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return key, csr
		}
		switch block.Type {
		case blockKey:
			key = pem.EncodeToMemory(block)
		case blockRequest:
			csr = pem.EncodeToMemory(block)
		}
	}
}

// ends remembers of which ends of certificates this process has told.
type ends struct {
	mu   sync.Mutex
	told map[string]bool
}

const (
	maxTold = 10_000
	// endKept is how long after a certificate's end a mark of it lasts.
	endKept = 366 * 24 * time.Hour
)

// first tells whether a key is new.
func (e *ends) first(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.told[key] {
		return false
	}
	if e.told == nil || len(e.told) >= maxTold {
		e.told = make(map[string]bool)
	}
	e.told[key] = true
	return true
}

// certificateEnds tells the owner of a webhook that its certificate ends soon: once 30, 14 and 3 days
// before, and once after, of all hosts that share the Store where it has Marks.
func (d *Dispatcher) certificateEnds(ctx context.Context, w *Webhook) {
	if w.TLS.Certificate == "" {
		return
	}
	now := d.now()
	id := d.sender.prepared.at(now, w).identity
	if id == nil {
		return
	}
	near := stage(id.until, now)
	if near == "" {
		return
	}
	key := strings.Join([]string{"certificate", w.ID, hex.EncodeToString(id.digest[:8]), near}, "/")
	if !d.ends.first(w.Scope+"\x00"+key) || !d.firstMark(ctx, w.Scope, key, now, id.until) {
		return
	}
	d.log.WarnContext(ctx, "webhook: a client certificate ends soon, or has ended", "webhook", w.ID, "scope", w.Scope, "until", id.until)
	d.tellAttention(ctx, *w, CodeCertificate, nil)
}

// firstMark tells whether no other host was first. One that cannot be asked counts as no.
func (d *Dispatcher) firstMark(ctx context.Context, scope, key string, now, until time.Time) bool {
	if d.marks == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.DispatchTimeout)
	defer cancel()
	if now.After(until) {
		until = now
	}
	first := true
	err := protect("Mark", func() (err error) {
		first, err = d.marks.Mark(ctx, scope, key, now, until.Add(endKept))
		return err
	})
	return first || err != nil
}
