package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

// Identity is who a Transport says it is, and whom it trusts. The zero value is nobody in particular,
// who trusts Options.RootCAs.
type Identity struct {
	// Certificate is shown to every server that asks for one, whatever authorities the server
	// names; nil shows that of Options.ClientCertificate.
	Certificate *tls.Certificate
	// RootCAs replace Options.RootCAs for targets; nil keeps them. A proxy is always verified
	// with Options.RootCAs.
	RootCAs *x509.CertPool
}

// ID tells identities apart: a digest of everything that makes one.
type ID [sha256.Size]byte

// maxIdleOfIdentity bounds the connections that one identity keeps.
const maxIdleOfIdentity = 4

// As returns a Transport that differs from t in its identity alone. It shares the resolver and the
// dialer, so a proxy sees neither certificate nor authorities of an identity.
func (t *Transport) As(id Identity) *Transport {
	o := t.o
	o.MaxIdle, o.MaxIdlePerHost = min(o.MaxIdle, maxIdleOfIdentity), min(o.MaxIdlePerHost, maxIdleOfIdentity)
	if id.RootCAs != nil {
		o.RootCAs = id.RootCAs
	}
	if id.Certificate != nil {
		o.ClientCertificate = func(context.Context) (*tls.Certificate, error) { return id.Certificate, nil }
	}
	return build(o, t.names, t.connect)
}

// Identities keeps a Transport for each identity that is in use. Without it two identities would
// share connections, on which a server knows the one that opened them. It is safe for
// concurrent use.
type Identities struct {
	of   *Transport
	most int

	mu    sync.Mutex
	known map[ID]*Use
}

// Use is the Transport of an identity, shared by all who have taken it.
type Use struct {
	*Transport
	of    *Identities
	inUse int
	used  time.Time
	gone  bool // it is known no more and ends with its last use
}

// MaxIdentities is how many Transports of identities are kept.
const MaxIdentities = 256

// NewIdentities returns the identities of a Transport.
func NewIdentities(of *Transport) *Identities {
	return &Identities{of: of, most: MaxIdentities, known: make(map[ID]*Use)}
}

// Take returns the Transport of an identity. It must be given back.
func (s *Identities) Take(id ID, who Identity) *Use {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.known[id]
	if t == nil {
		s.makeRoom()
		t = &Use{Transport: s.of.As(who), of: s}
		s.known[id] = t
	}
	t.inUse++
	t.used = time.Now()
	return t
}

// makeRoom gives up the identity that was not used for the longest time, one without requests
// first.
func (s *Identities) makeRoom() {
	if len(s.known) < s.most {
		return
	}
	var oldest ID
	var was *Use
	for id, t := range s.known {
		if was == nil || t.sooner(was) {
			oldest, was = id, t
		}
	}
	delete(s.known, oldest)
	if was.gone = true; was.inUse == 0 {
		was.CloseIdleConnections()
	}
}

// sooner tells which of two is given up first.
func (t *Use) sooner(than *Use) bool {
	if idle := t.inUse == 0; idle != (than.inUse == 0) {
		return idle
	}
	return t.used.Before(than.used)
}

// Give ends a use. The last one of an identity that was given up closes its connections.
func (t *Use) Give() {
	t.of.mu.Lock()
	t.inUse--
	last := t.gone && t.inUse == 0
	t.of.mu.Unlock()
	if last {
		t.CloseIdleConnections()
	}
}

// errConfig is of a certificate that cannot be had.
var errConfig = &Error{Kind: Config}

// certificate asks for the sender's own certificate, at each handshake in which a server asks for one.
// A failure, or a panic of the host's func, ends the handshake: nothing is sent without.
func certificate(ask func(context.Context) (*tls.Certificate, error)) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if ask == nil {
		return nil
	}
	return func(info *tls.CertificateRequestInfo) (c *tls.Certificate, err error) {
		defer func() {
			if recover() != nil {
				c, err = nil, errConfig
			}
		}()
		c, err = ask(info.Context())
		switch {
		case err != nil:
			return nil, errConfig
		case c == nil:
			return &tls.Certificate{}, nil
		}
		return c, nil
	}
}
