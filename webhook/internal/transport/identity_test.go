package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"testing"
	"time"
)

// Rule: a session is never resumed, so it cannot carry the certificate of another identity, and the
// transport of an identity has the settings of the common one.
func TestIdentityKeepsTheRest(t *testing.T) {
	t.Parallel()
	common := New(Options{MaxIdle: 64, MaxIdlePerHost: 16, MaxAge: time.Minute, HTTP2: true})
	by := common.As(Identity{Certificate: &tls.Certificate{}})
	made := by.kept.make()
	if c := made.TLSClientConfig; c.ClientSessionCache != nil || c.InsecureSkipVerify || c.MinVersion != tls.VersionTLS12 || len(c.Certificates) > 0 {
		t.Errorf("%+v", c)
	}
	if made.MaxIdleConns != 4 || made.MaxIdleConnsPerHost != 4 || made.IdleConnTimeout > 90*time.Second || !made.DisableCompression || made.Proxy != nil ||
		!made.Protocols.HTTP2() {
		t.Errorf("%+v", made)
	}
	if by.names != common.names {
		t.Error("the identity has another resolver")
	}
	for _, of := range []*Transport{common, New(Options{})} {
		if c := of.kept.make().TLSClientConfig; c.ClientSessionCache != nil || c.GetClientCertificate != nil {
			t.Errorf("the common one: %+v", c)
		}
	}
	if !by.fresh.DisableKeepAlives || by.fresh.TLSClientConfig.GetClientCertificate == nil {
		t.Error("a repeated request would lack the certificate")
	}
}

// Rule: 256 identities are kept. The least recently used one is dropped first, one with a request
// only if all have requests. Its connections are closed after its last request.
func TestIdentitiesAreBounded(t *testing.T) {
	t.Parallel()
	s := NewIdentities(New(Options{}))
	if s.most != 256 {
		t.Errorf("%d are kept", s.most)
	}
	s.most = 3
	id := func(name string) ID { return ID(sha256.Sum256([]byte(name))) }
	take := func(name string) *Use { return s.Take(id(name), Identity{}) }
	busy := take("busy")
	for _, name := range []string{"a", "b", "c", "d", "b"} {
		take(name).Give()
		if len(s.known) > 3 {
			t.Fatalf("%d are kept", len(s.known))
		}
	}
	if take("busy") != busy {
		t.Error("an identity with a request was dropped")
	}
	busy.Give()
	b := s.known[id("b")]
	take("e").Give() // drops d: b was used later
	if b == nil || s.known[id("b")] != b {
		t.Error("the latest identity was dropped")
	}
	held := []*Use{take("b"), take("e")}
	busy.kept.acquire().release()
	last := take("f") // all are in use: the oldest is dropped nevertheless
	if len(s.known) != 3 || !busy.gone {
		t.Errorf("%d are kept", len(s.known))
	}
	if busy.kept.current == nil {
		t.Error("the connections of an identity in use were closed")
	}
	busy.Give()
	if busy.kept.current != nil {
		t.Error("the connections of a dropped identity are left open")
	}
	for _, u := range append(held, last) {
		u.kept.acquire().release()
		u.Give()
	}
	s.CloseIdleConnections()
	for _, u := range s.known {
		if u.kept.current != nil {
			t.Error("the connections of a kept identity are left open")
		}
	}
}

// Rule: without a func no certificate is asked for, and an error of the func ends the handshake.
func TestOwnCertificateOfNobody(t *testing.T) {
	t.Parallel()
	if certificate(nil) != nil {
		t.Error("a nil func is called")
	}
	none := certificate(func(context.Context) (*tls.Certificate, error) { return nil, nil })
	if c, err := none(&tls.CertificateRequestInfo{}); err != nil || c == nil || len(c.Certificate) > 0 {
		t.Errorf("%v, %v", c, err)
	}
}
