package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook/internal/clientcert"
)

// CertificateRequest makes a new private key (ECDSA, P-256) for a webhook, which never leaves the
// Store, and returns a request for a certificate (PKCS #10, in PEM, with the webhook's ID as common
// name) that the authority of the receiver signs. Until [Manager.SetCertificate] stores the
// certificate, further calls return the same request, and deliveries do not change. Errors:
// [*ValidationError] with the field "tls" and the rule "unsealed" if the Store does not encrypt,
// [ErrNotFound], [ErrSealed].
func (m *Manager) CertificateRequest(ctx context.Context, scope, id string) (csr []byte, err error) {
	w, err := m.Webhook(ctx, scope, id)
	if err == nil && w.TLS.Pending.IsZero() {
		var pending string
		if pending, err = clientcert.NewRequest(id); err != nil {
			return nil, err
		}
		w, err = m.change(ctx, scope, id, 0, m.validateAll, func(w *Webhook) {
			if w.TLS.Pending.IsZero() { // unless a concurrent call has made one
				w.TLS.Pending = NewSecret(pending)
			}
		})
	}
	if err != nil {
		return nil, err
	}
	if csr = w.TLS.PendingRequest(); csr == nil {
		return nil, fmt.Errorf("webhook: certificate request of %s: %w", id, errNoRequest)
	}
	return csr, nil
}

var errNoRequest = errors.New("what is stored is no key with a request, it was changed behind the Manager's back")

// SetCertificate stores the certificate for the key of the pending request, or another certificate
// for the present key. The chain is in PEM, the leaf first. The next request shows it; requests in
// flight keep the one before. Errors: [*ValidationError] with the field "tls", [ErrNotFound],
// [ErrSealed].
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
		if key, _ := clientcert.SplitRequest(was.Pending.Reveal()); key != nil {
			with := ClientTLS{Certificate: w.TLS.Certificate, Key: NewSecret(string(key))}
			if _, err := with.parse(); !errors.Is(err, clientcert.ErrPair) {
				w.TLS.Key, w.TLS.Pending = with.Key, Secret{}
			}
		}
	})
}

// KeepsKeys reports whether webhooks can have client certificates here: the Store is a [Sealer] that
// encrypts, or Options.AllowClearKeys is set, and Options.Transport is nil.
func (m *Manager) KeepsKeys() bool { return m.d.o.Transport == nil && m.d.keepsKeys() }

// PendingRequest is the request of [Manager.CertificateRequest] that has no certificate yet, in
// PEM; nil if there is none. It holds nothing secret.
func (c ClientTLS) PendingRequest() []byte {
	_, csr := clientcert.SplitRequest(c.Pending.Reveal())
	return csr
}

// certificateWarnings remembers the warnings of this process about the ends of certificates.
type certificateWarnings struct {
	mu   sync.Mutex
	sent map[string]bool
}

const (
	maxCertificateWarnings = 10_000
	// certificateMarkKept is how long after the end of a certificate the mark of a warning lasts.
	certificateMarkKept = 366 * 24 * time.Hour
)

// firstTime records a key and reports whether it is new.
func (e *certificateWarnings) firstTime(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sent[key] {
		return false
	}
	if e.sent == nil || len(e.sent) >= maxCertificateWarnings {
		e.sent = make(map[string]bool)
	}
	e.sent[key] = true
	return true
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

// warnCertificate warns the owner of a webhook that its client certificate ends: once 30, 14 and 3
// days before, and once after. With Marks only one of the hosts that share the Store does so.
func (d *Dispatcher) warnCertificate(ctx context.Context, w *Webhook) {
	if w.TLS.Certificate == "" {
		return
	}
	now := d.now()
	id := d.sender.prepared.get(now, w).identity
	if id == nil {
		return
	}
	near := certificateStage(id.Until, now)
	if near == "" {
		return
	}
	leaf := sha256.Sum256(id.Certificate.Leaf.Raw)
	key := strings.Join([]string{"certificate", w.ID, hex.EncodeToString(leaf[:8]), near}, "/")
	if !d.certWarnings.firstTime(w.Scope+"\x00"+key) || !d.firstMark(ctx, w.Scope, key, now, id.Until) {
		return
	}
	d.log.WarnContext(ctx, "webhook: a client certificate ends soon, or has ended", "webhook", w.ID, "scope", w.Scope, "until", id.Until)
	d.notifyAttention(ctx, *w, CodeCertificate, nil)
}

// firstMark reports whether this host is the first to set a mark. A Store that does not answer
// counts as yes.
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
	err := isolated("Store.Mark", func() (err error) {
		first, err = d.marks.Mark(ctx, scope, key, now, until.Add(certificateMarkKept))
		return err
	})
	return first || err != nil
}
