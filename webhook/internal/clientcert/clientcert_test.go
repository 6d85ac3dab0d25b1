package clientcert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/clientcert"
)

var end = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// sign returns a certificate in PEM for a request, signed by a new authority.
func sign(tb testing.TB, request []byte) string {
	tb.Helper()
	block, _ := pem.Decode(request)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: csr.Subject, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, c, &x509.Certificate{}, csr.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func newRequest(tb testing.TB) (key, request []byte) {
	tb.Helper()
	text, err := clientcert.NewRequest("whk_1")
	if err != nil {
		tb.Fatal(err)
	}
	if key, request = clientcert.SplitRequest(text); !bytes.Equal(append(bytes.Clone(key), request...), []byte(text)) {
		tb.Fatal("the key and the request are not the whole text")
	}
	return key, request
}

// Rule: a certificate for a request belongs to the key of the request and to no other.
func TestRequest(t *testing.T) {
	t.Parallel()
	key, request := newRequest(t)
	chain := sign(t, request)
	id, err := clientcert.Parse(chain, string(key), "")
	if err != nil {
		t.Fatal(err)
	}
	if leaf := id.Certificate.Leaf; leaf.Subject.CommonName != "whk_1" || !id.Until.Equal(end) || id.RootCAs != nil {
		t.Errorf("%v until %v, authorities %v", leaf.Subject, id.Until, id.RootCAs)
	}
	other, _ := newRequest(t)
	if _, err := clientcert.Parse(chain, string(other), ""); !errors.Is(err, clientcert.ErrPair) {
		t.Errorf("the key of another request: %v", err)
	}
	if key, request := clientcert.SplitRequest("text"); key != nil || request != nil {
		t.Errorf("a text without PEM has %q and %q", key, request)
	}
}

// FuzzParse: every text has an Identity that is complete, or an Error.
func FuzzParse(f *testing.F) {
	key, request := newRequest(f)
	chain := sign(f, request)
	f.Add(chain, string(key), chain)
	f.Add(chain+chain, string(key), "")
	f.Add(chain+"text", string(request), "text")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, chain, key, roots string) {
		id, err := clientcert.Parse(chain, key, roots)
		var refused *clientcert.Error
		switch {
		case errors.As(err, &refused):
			if id != nil || refused.Rule == "" || refused.Message == "" {
				t.Errorf("%v beside %+v", id, refused)
			}
		case err != nil:
			t.Errorf("an error of another type: %v", err)
		case (id.Certificate != nil) != (chain != "") || (id.RootCAs != nil) != (roots != ""):
			t.Errorf("Parse(%q, %q, %q) = %+v", chain, key, roots, id)
		case id.Certificate != nil && id.Certificate.Leaf == nil:
			t.Error("a certificate without its leaf")
		}
	})
}
