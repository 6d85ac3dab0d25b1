package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority issues certificates, valid ones and ones that a client must refuse. A certificate of a
// second Authority is from an unknown authority, one for another name belongs to another host.
type Authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority for the time of the test.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	now := time.Now()
	a := &Authority{tb: tb, key: newKey(tb)}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "hostile authority"},
		NotBefore:             now.AddDate(-1, 0, 0),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	a.cert = parse(tb, create(tb, template, template, a.key, a.key))
	return a
}

// Pool holds the authority's own certificate, for tls.Config.RootCAs.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Issue returns a certificate that is valid today for host names and IP
// addresses.
func (a *Authority) Issue(hosts ...string) tls.Certificate {
	a.tb.Helper()
	return a.issue(-time.Hour, time.Hour, hosts)
}

// Expired returns a certificate that was valid until an hour ago.
func (a *Authority) Expired(hosts ...string) tls.Certificate {
	a.tb.Helper()
	return a.issue(-24*time.Hour, -time.Hour, hosts)
}

// NotYetValid returns a certificate that becomes valid in an hour.
func (a *Authority) NotYetValid(hosts ...string) tls.Certificate {
	a.tb.Helper()
	return a.issue(time.Hour, 24*time.Hour, hosts)
}

// SelfSigned returns a self-signed certificate.
func SelfSigned(tb testing.TB, hosts ...string) tls.Certificate {
	tb.Helper()
	key, template := newKey(tb), leaf(-time.Hour, time.Hour, hosts)
	return tls.Certificate{Certificate: [][]byte{create(tb, template, template, key, key)}, PrivateKey: key}
}

func (a *Authority) issue(from, until time.Duration, hosts []string) tls.Certificate {
	key := newKey(a.tb)
	return tls.Certificate{Certificate: [][]byte{create(a.tb, leaf(from, until, hosts), a.cert, key, a.key)}, PrivateKey: key}
}

func leaf(from, until time.Duration, hosts []string) *x509.Certificate {
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "hostile"},
		NotBefore:    now.Add(from),
		NotAfter:     now.Add(until),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return c
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("hostile: %v", err)
	}
	return key
}

func create(tb testing.TB, c, issuer *x509.Certificate, key, issuerKey *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), issuerKey)
	if err != nil {
		tb.Fatalf("hostile: %v", err)
	}
	return der
}

func parse(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatalf("hostile: %v", err)
	}
	return c
}
