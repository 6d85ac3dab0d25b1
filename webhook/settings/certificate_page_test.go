package settings_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// sealed is a Store that claims to encrypt.
type sealed struct{ *memstore.Store }

func (sealed) Seals() bool { return true }

// identityPage is the page of a webhook that may have a client certificate.
type identityPage struct {
	t     *testing.T
	store *memstore.Store
	h     http.Handler
	m     *webhook.Manager
	w     webhook.Webhook
}

// newIdentityPage makes one over a Store that encrypts, unless change says otherwise.
func newIdentityPage(t *testing.T, change func(*settings.Options, *webhook.Options, *webhook.Store)) *identityPage {
	t.Helper()
	p := &identityPage{t: t}
	var err error
	p.store, err = memstore.New(nil)
	check(t, err)
	var store webhook.Store = sealed{p.store}
	engine := &webhook.Options{}
	o := &settings.Options{Triggers: []string{"order.paid"}, ClientCertificates: true,
		ReadOnly: func(r *http.Request) bool { return r.Header.Get("X-Reader") != "" },
		Scope: func(r *http.Request) (string, error) {
			switch tenant := r.Header.Get("X-Tenant"); tenant {
			case "":
				return "acme", nil
			case "nobody":
				return "", errors.New("not signed in")
			default:
				return tenant, nil
			}
		}}
	if change != nil {
		change(o, engine, &store)
	}
	hooks, err := webhook.New(store, webhook.Standard(), engine)
	check(t, err)
	p.h, err = settings.New(hooks, o)
	check(t, err)
	p.m, err = hooks.Manager()
	check(t, err)
	p.w, err = p.m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Shop", URL: standardURL, Active: true, Events: []string{"order.paid"}})
	check(t, err)
	return p
}

func (p *identityPage) stored() webhook.Webhook {
	p.t.Helper()
	w, err := p.m.Webhook(p.t.Context(), "acme", p.w.ID)
	check(p.t, err)
	return w
}

// at returns a path below the webhook's page.
func (p *identityPage) at(path string) string { return "/webhooks/" + p.w.ID + path }

// do requests a page and checks that the answer holds no private key.
func (p *identityPage) do(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	keys := p.secrets()
	rec := httptest.NewRecorder()
	p.h.ServeHTTP(rec, r)
	text := rec.Body.String() + fmt.Sprint(rec.Header())
	for _, canary := range append(append(keys, p.secrets()...), "PRIVATE KEY", "canary") {
		if strings.Contains(text, canary) {
			p.t.Errorf("%s %s: the answer holds %q", method, path, canary)
		}
	}
	if rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("Content-Security-Policy") == "" {
		p.t.Errorf("%s %s: headers %v", method, path, rec.Header())
	}
	return rec
}

// secrets returns the parts of the stored webhook's keys that identify them: the lines after the
// first, which all keys of a kind share.
func (p *identityPage) secrets() (out []string) {
	p.t.Helper()
	w := p.stored()
	for _, text := range []string{w.TLS.Key.Reveal(), w.TLS.Pending.Reveal()} {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			continue
		}
		out = append(out, strings.Split(string(pem.EncodeToMemory(block)), "\n")[2])
	}
	return out
}

func (p *identityPage) page(path string) string {
	p.t.Helper()
	rec := p.do(http.MethodGet, path, nil)
	text := rec.Body.String()
	if rec.Code != http.StatusOK {
		p.t.Fatalf("%s: status %d\n%s", path, rec.Code, text)
	}
	if forms, once := strings.Count(text, `method="post"`), strings.Count(text, `name="once"`); forms != once {
		p.t.Errorf("%s: %d of %d forms work once", path, once, forms)
	}
	return text
}

// wants checks the status of an answer and looks for texts in it.
func (p *identityPage) wants(rec *httptest.ResponseRecorder, status int, texts ...string) {
	p.t.Helper()
	answer{status: rec.Code, body: rec.Body.String()}.wants(p.t, status, texts...)
}

// ask makes a certificate request and returns it.
func (p *identityPage) ask() *x509.CertificateRequest {
	p.t.Helper()
	rec := p.do(http.MethodPost, p.at("/certificate/request"), nil)
	if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || to != "../../../webhooks/"+p.w.ID+"/certificate" {
		p.t.Fatalf("status %d to %q\n%s", rec.Code, to, rec.Body)
	}
	block, _ := pem.Decode(p.do(http.MethodGet, p.at("/certificate/request"), nil).Body.Bytes())
	if block == nil {
		p.t.Fatal("no request in PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	check(p.t, err)
	check(p.t, csr.CheckSignature())
	return csr
}

// signer is the authority of a receiver.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	s := &signer{&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-24 * time.Hour),
		NotAfter: time.Now().AddDate(9, 0, 0), BasicConstraintsValid: true, IsCA: true}, key}
	der, err := x509.CreateCertificate(rand.Reader, s.cert, s.cert, key.Public(), key)
	check(t, err)
	s.cert, err = x509.ParseCertificate(der)
	check(t, err)
	return s
}

// sign makes the certificate of a request, and returns its digest too.
func (s *signer) sign(t *testing.T, csr *x509.CertificateRequest, until time.Time) (chain, digest string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: csr.Subject,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until}, s.cert, csr.PublicKey, s.key)
	check(t, err)
	sum := sha256.Sum256(der)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), hex.EncodeToString(sum[:])
}

func entered(chain string) url.Values {
	return url.Values{"tls.certificate": {strings.ReplaceAll(chain, "\n", "\r\n")}} // line endings as browsers send them
}
