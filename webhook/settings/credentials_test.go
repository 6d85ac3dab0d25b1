package settings_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// credentialPage is a page of the Standard profile, with client certificates.
type credentialPage struct {
	t *testing.T
	h http.Handler
	m *webhook.Manager
	w webhook.Webhook
}

func newCredentialPage(t *testing.T, change func(*webhook.Webhook)) *credentialPage {
	t.Helper()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, webhook.Standard(), &webhook.Options{AllowClearKeys: true})
	check(t, err)
	p := &credentialPage{t: t}
	p.h, err = settings.New(hooks, &settings.Options{Triggers: []string{"order.paid"}, ClientCertificates: true,
		Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	p.m, err = hooks.Manager()
	check(t, err)
	w := webhook.Webhook{Scope: "acme", Name: "Shop", URL: "https://hooks.example.com/x", Active: true,
		Secrets: []webhook.Secret{webhook.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwY2FuYXJ5")}, Events: []string{"order.paid"}}
	change(&w)
	p.w, err = p.m.Add(t.Context(), w)
	check(t, err)
	return p
}

func (p *credentialPage) get() string {
	rec := httptest.NewRecorder()
	p.h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/webhooks/"+p.w.ID+"/edit", nil))
	return rec.Body.String()
}

// edit sends the form as it is shown, with the given pairs replaced.
func (p *credentialPage) edit(pairs ...string) (int, string) {
	now, err := p.m.Webhook(p.t.Context(), "acme", p.w.ID)
	check(p.t, err)
	f := url.Values{"version": {strconv.FormatInt(now.Version, 10)}, "name": {"Shop"}, "url": {""}, "secret": {""}, "trigger": {"order.paid"}, "active": {"on"}}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/webhooks/"+p.w.ID+"/edit", strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	p.h.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

func (p *credentialPage) stored() webhook.Webhook {
	w, err := p.m.Webhook(p.t.Context(), "acme", p.w.ID)
	check(p.t, err)
	return w
}

// Rule: the form offers the schemes that the Profile allows, keeps empty fields, and asks again
// with another URL. Of a credential it shows only that it is there, and the host of the token
// endpoint.
func TestAuthForm(t *testing.T) {
	t.Parallel()
	auth := webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret("canary-secret"), OAuth: webhook.OAuth{
		TokenURL: "https://login.example.com/canary", ClientID: "canary-client", Scopes: []string{"read", "write"}, Audience: "orders"}}
	p := newCredentialPage(t, func(w *webhook.Webhook) { w.Auth = auth })
	text := p.get()
	for _, want := range []string{`<option value="oauth2" selected>`, "https://login.example.com", `value="read write"`, `value="orders"`, "Credentials are stored", `<option value="">None`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "canary") {
		t.Error("the form shows a credential")
	}
	same := []string{"auth.scheme", "oauth2", "auth.scopes", "read", "auth.audience", "orders"}
	if status, body := p.edit(same...); status != http.StatusSeeOther {
		t.Fatalf("status %d\n%s", status, body)
	}
	want := auth
	want.OAuth.Scopes = []string{"read"}
	if got := p.stored().Auth; !got.Equal(want) {
		t.Errorf("stored %#v", got)
	}
	for name, c := range map[string]struct {
		form []string
		want []string
	}{
		"another URL":   {append(same, "url", "https://evil.example.net/x"), []string{`href="#field-auth.secret"`, "Enter the secret again", "Enter the client ID again"}},
		"token URL":     {append(same, "auth.token_url", "https://evil.example.net/x"), []string{"the token endpoint is another one", `href="#field-auth.secret"`}},
		"inside":        {append(same, "auth.token_url", "https://10.0.0.1/x", "auth.client_id", "c", "auth.secret", "canary"), []string{`href="#field-auth.token_url"`, "not allowed", `id="error-auth.token_url"`, `aria-describedby="hint-token error-auth.token_url" aria-invalid="true"`}},
		"another kind":  {[]string{"auth.scheme", "basic"}, []string{"Enter the user name.", "Enter the password.", `<option value="basic" selected>`}},
		"unknown kind":  {[]string{"auth.scheme", "digest"}, []string{"cannot be used here"}},
		"a wrong value": {[]string{"auth.scheme", "basic", "auth.username", "a:b", "auth.secret", "canary"}, []string{"without a colon", `name="auth.username" type="text" value="a:b"`}},
	} {
		before := p.stored()
		status, body := p.edit(c.form...)
		if status != http.StatusUnprocessableEntity || strings.Contains(body, "canary") {
			t.Errorf("%s: status %d, or a credential is shown", name, status)
		}
		for _, want := range c.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
		if diff := cmp.Diff(before, p.stored()); diff != "" {
			t.Errorf("%s: changed although refused:\n%s", name, diff)
		}
	}
	if status, _ := p.edit(); status != http.StatusSeeOther || !p.stored().Auth.Equal(want) {
		t.Error("a form without these fields changed them")
	}
	if status, _ := p.edit("auth.scheme", "basic", "auth.username", "user", "auth.secret", " pass "); status != http.StatusSeeOther ||
		!p.stored().Auth.Equal(webhook.Auth{Scheme: webhook.AuthBasic, Username: "user", Secret: webhook.NewSecret(" pass ")}) {
		t.Errorf("Basic: %#v", p.stored().Auth)
	}
	if status, _ := p.edit("auth.scheme", ""); status != http.StatusSeeOther || !p.stored().Auth.IsZero() {
		t.Errorf("none: %#v", p.stored().Auth)
	}
}

// Rule: the form shows the certificate and its end, never the key. It keeps the key, or asks for it
// again.
func TestClientCertForm(t *testing.T) {
	t.Parallel()
	chain, key := selfSigned(t, "shop.example.com")
	p := newCredentialPage(t, func(w *webhook.Webhook) {
		w.TLS = webhook.ClientTLS{Certificate: chain, Key: webhook.NewSecret(key), RootCAs: chain}
	})
	text := p.get()
	for _, want := range []string{"CN=shop.example.com", "SHA-256", `class="soon"`, "A private key is stored"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "PRIVATE KEY") {
		t.Error("the form shows the key")
	}
	same := []string{"tls.certificate", chain, "tls.key", "", "tls.root_cas", chain}
	if status, body := p.edit(same...); status != http.StatusSeeOther || p.stored().TLS.Key.Reveal() != key {
		t.Errorf("status %d\n%s", status, body)
	}
	if status, body := p.edit(append(same, "url", "https://evil.example.net/x")...); status != 422 || !strings.Contains(body, "Enter the private key again") || !strings.Contains(body, `href="#field-tls"`) {
		t.Errorf("status %d: another URL did not ask for the key", status)
	}
	if status, body := p.edit("tls.certificate", chain, "tls.key", "canary"); status != 422 || !strings.Contains(body, "belong together") || strings.Contains(body, "canary") {
		t.Errorf("status %d: a wrong key", status)
	}
	if status, body := p.edit("tls.certificate", chain+key, "tls.key", ""); status != 422 || strings.Contains(body, "PRIVATE KEY") || !strings.Contains(body, `aria-describedby="hint-tls error-tls"`) {
		t.Errorf("status %d: a private key among the certificates comes back, or its refusal is not told", status)
	}
	if status, _ := p.edit(); status != http.StatusSeeOther || p.stored().TLS.Key.Reveal() != key {
		t.Error("a form without these fields changed them")
	}
	if status, _ := p.edit("tls.certificate", "", "tls.key", "", "tls.root_cas", ""); status != http.StatusSeeOther || !p.stored().TLS.IsZero() {
		t.Error("it was not removed")
	}
}

// selfSigned returns a certificate that is authority and client in one, valid for a week, and its
// key.
func selfSigned(t *testing.T, name string) (chain, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(0, 0, 7), BasicConstraintsValid: true, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	check(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// Rule: without a scheme that the Profile allows, and without the option, the form has no such
// fields.
func TestFormWithoutCredentials(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if text := s.get("/add").text(); strings.Contains(text, "auth.") || strings.Contains(text, "tls.") {
		t.Error(text)
	}
}
