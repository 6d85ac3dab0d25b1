package e2e

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
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// credentialPages serves the settings page for receivers of any kind, with Authorization and client
// certificates, and one webhook.
func credentialPages(t *testing.T) (base, id string) {
	t.Helper()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, webhook.Standard(), &webhook.Options{AllowClearKeys: true})
	check(t, err)
	page, err := settings.New(hooks, &settings.Options{Triggers: []string{"order.paid"}, ClientCertificates: true,
		Scope: func(*http.Request) (string, error) { return "acme", nil }})
	check(t, err)
	manager, err := hooks.Manager()
	check(t, err)
	w, err := manager.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Shop", URL: "https://hooks.example.com/T1", Active: true, Events: []string{"order.paid"}})
	check(t, err)
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	return server.URL, w.ID
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Rule: a person can set up Authorization and get a client certificate on the pages alone, also
// with the keyboard alone, and these pages are accessible.
func TestCredentials(t *testing.T) {
	b := newBrowser(t)
	var id string
	b.base, id = credentialPages(t)
	hook := "/webhooks/" + id
	b.authorization(hook)
	b.certificate(hook)
	b.loses(hook)
	b.quiet()
}

// loses replaces the secret at once and deletes the webhook. A page asks before each.
func (b *browser) loses(hook string) {
	b.t.Helper()
	b.open(hook + "/edit")
	b.choose("field-coalesce_wait", "601")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("form.form").noValidate = true`))
	b.press("Save")
	b.sees("Please check the form", "The wait must be between 0 and 10m0s")
	b.shows("wait-mistake")
	b.open(hook)
	b.press("New secret, end the others now")
	b.sees("Replace the secret of “Shop” at once?", "cannot be undone")
	b.shows("confirm")
	b.press("Cancel")
	b.press("New secret, end the others now")
	b.press("New secret, end the others now")
	b.sees("Copy this secret")
	b.open(hook)
	b.press("Delete: Shop")
	b.sees("Delete “Shop”?")
	b.press("Delete")
	b.sees("“Shop” was deleted", "No webhooks yet")
}

// authorization fills in the fields of OAuth 2.0, leaves one out, and saves.
func (b *browser) authorization(hook string) {
	b.t.Helper()
	b.open(hook + "/edit")
	b.sees("Authorization", "Client certificate")
	b.choose("auth-scheme", "oauth2")
	b.fill("field-auth.client_id", "shop")
	b.fill("field-auth.secret", "canary-secret")
	b.fill("field-auth.scopes", "orders.read orders.write")
	b.fill("tls-certificate", "no certificate")
	b.press("Save")
	b.sees("Please check the form", "Certificate and private key must both be there", "Enter the URL of the token endpoint")
	b.lacks("canary")
	b.until("what was typed", `document.getElementById("field-auth.client_id").value === "shop" && document.getElementById("tls-certificate").value === "no certificate"`)
	b.shows("credentials-mistakes")
	b.fill("field-auth.token_url", "https://login.example.com/token")
	b.fill("field-auth.secret", "canary-secret")
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("tls-certificate").value = ""`))
	b.press("Save")
	b.sees("“Shop” was saved")
	b.open(hook + "/edit")
	b.sees("Credentials are stored", "https://login.example.com")
	b.lacks("canary")
	b.shows("credentials")
}

// choose sets a field with a list.
func (b *browser) choose(id, value string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById(` + quote(id) + `).value = ` + quote(value)))
}

// certificate makes a request by keyboard, enters a certificate of another key, and then the right one.
func (b *browser) certificate(hook string) {
	b.t.Helper()
	b.open(hook)
	b.sees("There is none of its own")
	b.shows("certificate-none")
	b.tabTo("Make a certificate request")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("Client certificate of “Shop”", "BEGIN CERTIFICATE REQUEST", "Download the request")
	b.shows("certificate-request")
	csr := b.request(hook)
	b.fill("field-tls", signed(b.t, csr, nil, 365))
	b.press("Save")
	b.sees("Please check the form", "belong together")
	if focused := b.focused(); len(focused) == 0 || focused[:len("Please check the form")] != "Please check the form" {
		b.t.Errorf("after a mistake the focus is on %q", focused)
	}
	b.shows("certificate-mistake")
	b.fill("field-tls", signed(b.t, csr, csr.PublicKey, 12))
	b.tabTo("Save")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("“Shop” has a new client certificate", "CN=authority", "It ends soon", "in 12 days", "Make a certificate request")
	b.lacks("PRIVATE KEY")
	b.shows("certificate")
	b.open(hook + "/edit")
	b.sees("A private key is stored", "CN=authority")
	b.lacks("PRIVATE KEY")
	b.shows("credentials-certificate")
}

// tabTo goes to a button by the Tab key alone, and checks that its focus is visible.
func (b *browser) tabTo(name string) {
	b.t.Helper()
	for range 60 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if b.focused() == name {
			break
		}
	}
	if !run(b, chromedp.Evaluate[bool](`document.activeElement.matches("button:focus-visible") && document.activeElement.innerText.trim() === `+quote(name))) {
		b.t.Errorf("%q cannot be reached with the keyboard, or shows no focus", name)
	}
}

// request is the certificate request that the page offers for download.
func (b *browser) request(hook string) *x509.CertificateRequest {
	b.t.Helper()
	link := run(b, chromedp.Evaluate[string](`document.querySelector("a[download]").href`))
	if want := b.base + hook + "/certificate/request"; link != want {
		b.t.Errorf("the download is %s, want %s", link, want)
	}
	text := run(b, chromedp.Evaluate[string](`fetch(document.querySelector("a[download]").href).then(r => r.text())`, chromedp.EvalAwaitPromise))
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		b.fatal("no request in PEM: %q", text)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	check(b.t, err)
	return csr
}

// signed is a certificate of a receiver's authority for a public key, or for a new key where key is
// nil.
func signed(t *testing.T, csr *x509.CertificateRequest, key any, days int) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	if key == nil {
		key = private.Public()
	}
	ca := &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: csr.Subject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, days)}, ca, key, private)
	check(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
