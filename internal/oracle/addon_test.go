package oracle

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// message is a line that addon.js writes.
type message struct {
	Port      int
	Event     string
	Body      json.RawMessage
	ClientKey string
	Query     map[string]string
	Version   string
	Path      string
	Status    int
}

// addOn is an add-on with atlassian-connect-express, in its own process.
type addOn struct {
	port  int
	lines chan message
	pool  *x509.CertPool
}

func startAddOn(t *testing.T, secret string) *addOn {
	t.Helper()
	needsNode(t)
	dir := t.TempDir()
	key, cert := certificate(t)
	tenant, err := json.Marshal(map[string]string{"clientKey": clientKey, "sharedSecret": secret, "baseUrl": "https://acme.example.net"})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"key.pem": key, "cert.pem": cert, "tenant.json": tenant, "atlassian-connect.json": []byte(addOnDescriptor)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &addOn{lines: make(chan message, 100), pool: x509.NewCertPool()}
	a.pool.AppendCertsFromPEM(cert)
	cmd := exec.Command("node", "addon.js", dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var m message
			if json.Unmarshal(lines.Bytes(), &m) == nil { // the library writes other lines too
				a.lines <- m
			}
		}
	}()
	t.Cleanup(func() {
		stdin.Close() // ends the process
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("addon.js: %v", err)
		}
	})
	a.port = a.next(t).Port
	return a
}

func (a *addOn) next(t *testing.T) message {
	t.Helper()
	select {
	case m := <-a.lines:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("the add-on says nothing")
		return message{}
	}
}

// certificate returns a key and a self-signed certificate for addOnHost.
func certificate(t *testing.T) (key, cert []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "oracle"}, DNSNames: []string{addOnHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
