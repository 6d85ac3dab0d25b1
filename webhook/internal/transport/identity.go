package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

// Identity is the client certificate and the trusted authorities of a Transport. The zero value means
// those of Options.
type Identity struct {
	// Certificate is sent to every server that asks for one, even if the server names other
	// authorities; nil means that of Options.ClientCertificate.
	Certificate *tls.Certificate
	// RootCAs replace Options.RootCAs for targets; nil keeps them. A proxy is always verified
	// with Options.RootCAs.
	RootCAs *x509.CertPool
}

// ID identifies an Identity: a digest of all its parts.
type ID [sha256.Size]byte

// maxIdleOfIdentity bounds the connections that one identity keeps.
const maxIdleOfIdentity = 4

// As returns a Transport that differs from t only in its identity. It shares the resolver and the
// dialer, so a connection to a proxy uses neither certificate nor authorities of an identity.
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

// Identities keeps a Transport for each identity in use. On a shared connection the server would
// take the requests of two identities for those of the first. Identities is safe for concurrent use.
type Identities struct {
	of   *Transport
	most int

	mu    sync.Mutex
	known map[ID]*Use
}

// Use is the Transport of an identity, shared by all its users.
type Use struct {
	*Transport
	of    *Identities
	inUse int
	used  time.Time
	gone  bool // dropped from Identities; ends with its last use
}

// MaxIdentities bounds the kept Transports of identities.
const MaxIdentities = 256

// NewIdentities returns the identities of a Transport.
func NewIdentities(of *Transport) *Identities {
	return &Identities{of: of, most: MaxIdentities, known: make(map[ID]*Use)}
}

// Take returns the Transport of an identity. The caller must call Give.
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

// CloseIdleConnections closes the idle connections of all identities at once, and the others after
// their answers.
func (s *Identities) CloseIdleConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.known {
		t.CloseIdleConnections()
	}
}

// makeRoom drops the least recently used identity, identities without requests first.
func (s *Identities) makeRoom() {
	if len(s.known) < s.most {
		return
	}
	var oldest ID
	var was *Use
	for id, t := range s.known {
		if was == nil || t.dropBefore(was) {
			oldest, was = id, t
		}
	}
	delete(s.known, oldest)
	if was.gone = true; was.inUse == 0 {
		was.CloseIdleConnections()
	}
}

// dropBefore reports whether t is dropped before another Use.
func (t *Use) dropBefore(than *Use) bool {
	if idle := t.inUse == 0; idle != (than.inUse == 0) {
		return idle
	}
	return t.used.Before(than.used)
}

// Give ends a use. The last use of a dropped identity closes its connections.
func (t *Use) Give() {
	t.of.mu.Lock()
	t.inUse--
	last := t.gone && t.inUse == 0
	t.of.mu.Unlock()
	if last {
		t.CloseIdleConnections()
	}
}

// errConfig means that the sender's certificate is not available.
var errConfig = &Error{Kind: Config}

// certificate calls ask for the sender's certificate at each handshake in which a server asks for one.
// An error or a panic of ask ends the handshake, so that no request is sent without the certificate.
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
