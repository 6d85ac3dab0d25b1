package settings_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: every certificate form works once. A request for a certificate is made once and stays the
// same on every download. Its certificate is entered, shown with its end, and warned of 30 days
// before; the page shows nothing else of its key.
func TestCertificateWay(t *testing.T) {
	t.Parallel()
	p, ca := newIdentityPage(t, nil), newSigner(t)
	first := p.page(p.at(""))
	for _, want := range []string{"There is none of its own", "Make a certificate request", p.at("/certificate/request")[1:] + `"`} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is missing in:\n%s", want, first)
		}
	}
	once := url.Values{"once": {token(t, answer{body: first})}}
	for range 2 {
		if rec := p.do(http.MethodPost, p.at("/certificate/request"), once); rec.Code != http.StatusSeeOther {
			t.Fatalf("status %d\n%s", rec.Code, rec.Body)
		}
	}
	csr := p.ask()
	if again := p.ask(); string(again.Raw) != string(csr.Raw) || p.stored().Version != p.w.Version+1 {
		t.Errorf("another request, or version %d after %d: it is made once", p.stored().Version, p.w.Version)
	}
	got := p.do(http.MethodGet, p.at("/certificate/request"), nil).Header()
	if got.Get("Content-Type") != "application/x-pem-file" || got.Get("Content-Disposition") != "attachment; filename="+p.w.ID+".csr" {
		t.Errorf("the request comes with %v", got)
	}
	if text := p.page(p.at("/certificate")); !strings.Contains(text, "BEGIN CERTIFICATE REQUEST") || strings.Contains(text, "Make a certificate request") {
		t.Errorf("the page of the request:\n%s", text)
	}
	for days, soon := range map[int]bool{29: true, 31: false, 0: true} {
		chain, digest := ca.sign(t, p.ask(), time.Now().AddDate(0, 0, days))
		if days == 0 { // the authority's own certificate ends first
			chain, digest = ca.sign(t, p.ask(), time.Now().AddDate(1, 0, 0))
			between, _ := ca.sign(t, p.ask(), time.Now().AddDate(0, 0, 7))
			chain += between
		}
		if rec := p.do(http.MethodPost, p.at("/certificate"), entered(chain)); rec.Code != http.StatusSeeOther {
			t.Fatalf("%d days: status %d\n%s", days, rec.Code, rec.Body)
		}
		if w := p.stored(); w.TLS.Certificate != strings.TrimSpace(chain) || w.TLS.Key.IsZero() || !w.TLS.Pending.IsZero() {
			t.Errorf("%d days: stored %v", days, w.TLS.Pending)
		}
		text := p.page(p.at(""))
		for _, want := range []string{"CN=" + p.w.ID, "CN=authority", digest, "Make a certificate request", "Enter the certificate"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d days: %q is missing in:\n%s", days, want, text)
			}
		}
		if strings.Contains(text, `class="soon"`) != soon || strings.Contains(text, "It ends soon") != soon {
			t.Errorf("%d days: the warning, want %t", days, soon)
		}
		if n := len(text) + serve(p.h, "/assets/settings.css").Body.Len() + serve(p.h, "/assets/settings.js").Body.Len(); n > 60_000 {
			t.Errorf("%d bytes with stylesheet and script, want at most 60,000", n)
		} else {
			t.Logf("%d bytes with stylesheet and script", n)
		}
	}
}

// Rule: the reason for a refused certificate stands beside its field. The text comes back, unless
// it is too long or holds a private key. Nothing changes.
func TestCertificateRefused(t *testing.T) {
	t.Parallel()
	p, ca := newIdentityPage(t, nil), newSigner(t)
	csr := p.ask()
	good, _ := ca.sign(t, csr, time.Now().AddDate(1, 0, 0))
	old, _ := ca.sign(t, csr, time.Now().Add(-time.Hour))
	foreign, key := selfSigned(t, "other")
	secret := strings.Split(key, "\n")[2]
	before := p.stored()
	for name, tt := range map[string]struct {
		chain, want string
		back        bool
	}{
		"nothing":       {"", "Enter the certificate.", true},
		"no PEM":        {"certificate", "1 to 5 certificates in PEM", true},
		"another key's": {foreign, "belong together", true},
		"ended":         {old, "has expired", true},
		"six":           {strings.Repeat(good, 6), "1 to 5 certificates in PEM", true},
		"more than 64 KiB, of what encoding triples": {strings.Repeat("+", 64<<10+1), "64 KiB at most", false},
		"with a private key":                         {good + key, "1 to 5 certificates in PEM", false},
	} {
		rec := p.do(http.MethodPost, p.at("/certificate"), entered(tt.chain))
		p.wants(rec, http.StatusUnprocessableEntity, tt.want, `id="error-tls"`, `href="#field-tls"`, `aria-invalid="true"`, "BEGIN CERTIFICATE REQUEST")
		back := strings.NewReplacer("+", "&#43;").Replace(strings.TrimSpace(tt.chain))
		if text := rec.Body.String(); strings.Contains(text, ">\n"+back+"</textarea>") != tt.back || strings.Contains(text, secret) {
			t.Errorf("%s: what comes back, want %t:\n%s", name, tt.back, text)
		}
		if diff := cmp.Diff(before, p.stored()); diff != "" {
			t.Errorf("%s: changed although refused:\n%s", name, diff)
		}
	}
	if rec := p.do(http.MethodPost, p.at("/certificate"), entered(good)); rec.Code != http.StatusSeeOther {
		t.Errorf("status %d after it was corrected", rec.Code)
	}
}

// Rule: another site, a reader, another tenant and a GET request neither make a certificate request
// nor set a certificate.
func TestCertificateGuarded(t *testing.T) {
	t.Parallel()
	p, ca := newIdentityPage(t, nil), newSigner(t)
	chain, _ := ca.sign(t, p.ask(), time.Now().AddDate(1, 0, 0))
	fresh := newIdentityPage(t, nil)
	type rule struct {
		p            *identityPage
		method, path string
		header       []string
		want         int
	}
	rules := map[string]rule{
		"a look makes no request": {fresh, http.MethodGet, "/certificate/request", nil, 404},
		"a reader's look":         {p, http.MethodGet, "/certificate", []string{"X-Reader", "yes"}, 403},
		"a reader's download":     {p, http.MethodGet, "/certificate/request", []string{"X-Reader", "yes"}, 403},
		"another tenant's look":   {p, http.MethodGet, "/certificate/request", []string{"X-Tenant", "other"}, 404},
		"another method":          {p, http.MethodDelete, "/certificate", nil, 405},
	}
	for name, header := range map[string][]string{"another site": {"Sec-Fetch-Site", "cross-site"}, "another origin": {"Origin", "https://evil.example"},
		"a reader": {"X-Reader", "yes"}, "nobody": {"X-Tenant", "nobody"}} {
		rules[name+" asks"] = rule{fresh, http.MethodPost, "/certificate/request", header, 403}
		rules[name+" enters"] = rule{p, http.MethodPost, "/certificate", header, 403}
	}
	rules["another tenant asks"] = rule{fresh, http.MethodPost, "/certificate/request", []string{"X-Tenant", "other"}, 404}
	rules["another tenant enters"] = rule{p, http.MethodPost, "/certificate", []string{"X-Tenant", "other"}, 404}
	before := [2]webhook.Webhook{p.stored(), fresh.stored()}
	for name, r := range rules {
		if rec := r.p.do(r.method, r.p.at(r.path), entered(chain), r.header...); rec.Code != r.want {
			t.Errorf("%s: status %d, want %d\n%s", name, rec.Code, r.want, rec.Body)
		}
		if diff := cmp.Diff(before, [2]webhook.Webhook{p.stored(), fresh.stored()}); diff != "" {
			t.Errorf("%s: something has changed:\n%s", name, diff)
		}
	}
	looked := p.do(http.MethodGet, p.at(""), nil, "X-Reader", "yes").Body.String()
	if strings.Contains(looked, "/certificate") || strings.Contains(looked, `method="post"`) {
		t.Error("a reader is offered to change the certificate")
	}
	if rec := p.do(http.MethodPost, p.at("/certificate"), entered(chain)); rec.Code != http.StatusSeeOther {
		t.Errorf("status %d for the owner", rec.Code)
	}
	if looked := p.do(http.MethodGet, p.at(""), nil, "X-Reader", "yes").Body.String(); !strings.Contains(looked, "CN=authority") || strings.Contains(looked, `method="post"`) {
		t.Error("a reader sees no certificate, or is offered to change it")
	}
}

// Rule: without the option, and where private keys cannot be stored or used, the page does not
// exist.
func TestCertificateNeeds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Options, *webhook.Options, *webhook.Store){
		"no option":     func(o *settings.Options, _ *webhook.Options, _ *webhook.Store) { o.ClientCertificates = false },
		"no encryption": func(_ *settings.Options, _ *webhook.Options, s *webhook.Store) { *s = (*s).(sealed).Store },
		"a transport of the host's": func(_ *settings.Options, o *webhook.Options, _ *webhook.Store) {
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("not called") })
		},
	} {
		p := newIdentityPage(t, change)
		if text := p.page(p.at("")); strings.Contains(text, `id="certificate"`) || strings.Contains(text, "/certificate") {
			t.Errorf("%s: the page speaks of certificates:\n%s", name, text)
		}
		for _, path := range []string{"/certificate", "/certificate/request"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if rec := p.do(method, p.at(path), nil); rec.Code != http.StatusNotFound {
					t.Errorf("%s: %s %s: status %d, want 404", name, method, path, rec.Code)
				}
			}
		}
		if p.stored().Version != p.w.Version {
			t.Errorf("%s: something has changed", name)
		}
	}
	clear := newIdentityPage(t, func(_ *settings.Options, o *webhook.Options, s *webhook.Store) {
		*s, o.AllowClearKeys = (*s).(sealed).Store, true
	})
	clear.ask()
}

// Rule: a form takes three fields of the Manager's greatest length in any encoding of a browser. A
// longer form, and every other form above its bound, is refused as a whole.
func TestPEMFormBound(t *testing.T) {
	t.Parallel()
	p := newIdentityPage(t, nil)
	edit := func(bytes int) url.Values {
		f := url.Values{"version": {"1"}, "name": {"Shop"}, "trigger": {"order.paid"}}
		for _, name := range []string{"tls.certificate", "tls.key", "tls.root_cas"} {
			f.Set(name, strings.Repeat("+", bytes))
		}
		return f
	}
	p.wants(p.do(http.MethodPost, p.at("/edit"), edit(64<<10)), http.StatusUnprocessableEntity, `href="#field-tls"`)
	p.wants(p.do(http.MethodPost, p.at("/edit"), edit(80<<10)), http.StatusRequestEntityTooLarge)
	p.wants(p.do(http.MethodPost, p.at("/certificate"), edit(80<<10)), http.StatusRequestEntityTooLarge)
	p.wants(p.do(http.MethodPost, p.at("/certificate/request"), edit(20<<10)), http.StatusRequestEntityTooLarge)
	without := newIdentityPage(t, func(o *settings.Options, _ *webhook.Options, _ *webhook.Store) { o.ClientCertificates = false })
	without.wants(without.do(http.MethodPost, without.at("/edit"), edit(20<<10)), http.StatusRequestEntityTooLarge)
}

// Rule: a certificate that comes back with other line endings counts as the stored one, so that an
// expired certificate does not keep other fields from being edited.
func TestCertificateKept(t *testing.T) {
	t.Parallel()
	p, ca := newIdentityPage(t, nil), newSigner(t)
	chain, _ := ca.sign(t, p.ask(), time.Now().AddDate(1, 0, 0))
	_, err := p.m.SetCertificate(t.Context(), "acme", p.w.ID, []byte(chain))
	check(t, err)
	w := p.stored()
	old, _ := ca.sign(t, p.csr(w.TLS.Key), time.Now().Add(-time.Hour))
	w.TLS.Certificate = old
	check(t, p.store.Update(t.Context(), w))
	f := entered(old)
	for name, value := range map[string]string{"version": fmt.Sprint(p.stored().Version), "name": "Other", "trigger": "order.paid"} {
		f.Set(name, value)
	}
	if rec := p.do(http.MethodPost, p.at("/edit"), f); rec.Code != http.StatusSeeOther {
		t.Fatalf("status %d\n%s", rec.Code, rec.Body)
	}
	if now := p.stored(); now.Name != "Other" || now.TLS.Certificate != old {
		t.Errorf("stored %q, and the certificate that was there: %t", now.Name, now.TLS.Certificate == old)
	}
}

// csr is a request for the key of a stored certificate.
func (p *identityPage) csr(key webhook.Secret) *x509.CertificateRequest {
	p.t.Helper()
	block, _ := pem.Decode([]byte(key.Reveal()))
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(p.t, err)
	return &x509.CertificateRequest{Subject: pkix.Name{CommonName: "old"}, PublicKey: private.(*ecdsa.PrivateKey).Public()}
}

// Rule: after the end of a session the input comes back without a private key.
func TestCertificateSignIn(t *testing.T) {
	t.Parallel()
	p := newIdentityPage(t, func(o *settings.Options, _ *webhook.Options, _ *webhook.Store) {
		o.SignIn = func(*http.Request) string { return "/sign-in" }
	})
	chain, key := selfSigned(t, "shop")
	for text, back := range map[string]bool{chain: true, chain + key: false} {
		rec := p.do(http.MethodPost, p.at("/certificate"), entered(text), "X-Tenant", "nobody")
		p.wants(rec, http.StatusForbidden, "Please sign in")
		if strings.Contains(rec.Body.String(), "BEGIN CERTIFICATE") != back || strings.Contains(rec.Body.String(), strings.Split(key, "\n")[2]) {
			t.Errorf("what comes back, want %t:\n%s", back, rec.Body)
		}
	}
}
