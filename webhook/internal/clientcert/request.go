package clientcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
)

const (
	keyBlock     = "PRIVATE KEY"
	requestBlock = "CERTIFICATE REQUEST"
)

// NewRequest makes a private key (ECDSA, P-256) and a request for its certificate (PKCS #10) with a
// common name. It returns both in one text in PEM, which [SplitRequest] reads.
func NewRequest(commonName string) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("webhook: make a private key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("webhook: encode a private key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}}, key)
	if err != nil {
		return "", fmt.Errorf("webhook: make a certificate request: %w", err)
	}
	return string(encode(keyBlock, der)) + string(encode(requestBlock, csr)), nil
}

func encode(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

// SplitRequest returns the key and the request of a text of [NewRequest], each in PEM, and nil for
// one that is missing.
func SplitRequest(text string) (key, request []byte) {
	for block := range blocks(text) {
		switch block.Type {
		case keyBlock:
			key = pem.EncodeToMemory(block)
		case requestBlock:
			request = pem.EncodeToMemory(block)
		}
	}
	return key, request
}
