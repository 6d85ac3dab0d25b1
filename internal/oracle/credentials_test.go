package oracle

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
)

// credentialHost is the name of the receivers of this file.
const credentialHost = "hooks.example.com"

// needs skips a test where a program is missing; with CI set it must be there.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}

// debianPython is the Python of Debian's packages.
func debianPython(t *testing.T, module string) string {
	t.Helper()
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("python3 has no module %s: install python3-%s", module, module)
		}
		t.Skipf("python3 has no module %s", module)
	}
	return python
}

// started runs a program until the test ends, and then ends it by its process ID with a signal,
// because a killed master leaves its workers behind.
func started(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
	})
}

// pki is an authority and a server's certificate in files.
type pki struct {
	dir  string
	pool *x509.CertPool
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{dir: t.TempDir(), pool: x509.NewCertPool()}
	p.key = p.newKey(t, "ca.key")
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true}
	p.cert = template
	der := p.create(t, "ca.pem", template, &p.key.PublicKey)
	var err error
	if p.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	p.pool.AddCert(p.cert)
	key := p.newKey(t, "server.key")
	p.create(t, "server.pem", &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{credentialHost}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, &key.PublicKey)
	return p
}

func (p *pki) file(name string) string { return filepath.Join(p.dir, name) }

func (p *pki) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(p.file(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *pki) newKey(t *testing.T, name string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return key
}

func (p *pki) create(t *testing.T, name string, template *x509.Certificate, public *ecdsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, p.cert, public, p.key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return der
}

// senderTo is a dispatcher whose connections all go to one address of this machine.
func (p *pki) senderTo(t *testing.T, network, address string) *webhook.Manager {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, webhook.Standard(), &webhook.Options{RootCAs: p.pool, AllowClearKeys: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func addHook(t *testing.T, m *webhook.Manager, change func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	secret, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	w := webhook.Webhook{Scope: "acme", Name: "one", URL: "https://" + credentialHost + "/hook", Secrets: []webhook.Secret{secret}, Events: []string{"*"}, Active: true}
	change(&w)
	if w, err = m.Add(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return w
}

func tried(t *testing.T, m *webhook.Manager, w webhook.Webhook) webhook.Attempt {
	t.Helper()
	a, err := m.Test(t.Context(), w.Scope, w.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
