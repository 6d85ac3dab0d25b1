package hostile

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// Client returns a certificate for a client of that name, valid for an hour. change may modify it
// before it is signed.
func (a *Authority) Client(name string, change ...func(*x509.Certificate)) tls.Certificate {
	a.tb.Helper()
	key := newKey(a.tb)
	return tls.Certificate{Certificate: [][]byte{a.ClientFor(key.Public(), name, change...)}, PrivateKey: key}
}

// ClientFor is Client for a public key, so that the caller keeps the private key. It returns the
// certificate in DER.
func (a *Authority) ClientFor(public any, name string, change ...func(*x509.Certificate)) []byte {
	a.tb.Helper()
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, public, a.key)
	if err != nil {
		a.tb.Fatalf("hostile: %v", err)
	}
	return der
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() string { return encodePEM("CERTIFICATE", a.cert.Raw) }

// PEM is a certificate with its chain, and its key.
func PEM(c tls.Certificate) (chain, key string, err error) {
	for _, der := range c.Certificate {
		chain += encodePEM("CERTIFICATE", der)
	}
	if c.PrivateKey == nil {
		return chain, "", nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	return chain, encodePEM("PRIVATE KEY", der), err
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
