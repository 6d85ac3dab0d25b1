package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// clearKeys lets a Store in memory keep private keys.
var clearKeys = webhook.Options{AllowClearKeys: true}

// keyless is a host with Postrider's own transport, which Stores in memory may give keys.
func keyless(t *testing.T) *host {
	t.Helper()
	store := newStore(t)
	d, err := webhook.New(store, webhook.Standard(), &clearKeys)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Dispatcher: d, t: t, store: store, stop: func() {}, log: &lockedBuffer{}}
	if h.hooks, err = d.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

func withTLS(c webhook.ClientTLS) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.TLS = c }
}

func pemFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/clienttls/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Rule: each refused certificate, key or authority has its rule, and a refusal changes nothing.
func TestClientCertFieldErrors(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good, other := ca.client("a"), ca.client("b")
	of := func(change func(*x509.Certificate)) webhook.ClientTLS { return ca.client("a", change) }
	uses := func(us ...x509.ExtKeyUsage) webhook.ClientTLS {
		return of(func(c *x509.Certificate) { c.ExtKeyUsage = us })
	}
	pair := func(cert, key string) webhook.ClientTLS {
		return webhook.ClientTLS{Certificate: cert, Key: webhook.NewSecret(key)}
	}
	roots := func(s string) webhook.ClientTLS { return webhook.ClientTLS{RootCAs: s} }
	for name, c := range map[string]struct {
		tls  webhook.ClientTLS
		want string
	}{
		"a certificate":             {good, "<nil>"},
		"with its authority":        {pair(good.Certificate+ca.pem(), good.Key.Reveal()), "<nil>"},
		"authorities alone":         {roots(ca.pem()), "<nil>"},
		"key of another":            {pair(good.Certificate, other.Key.Reveal()), "tls pair"},
		"no key":                    {pair(good.Certificate, ""), "tls pair"},
		"no certificate":            {pair("", good.Key.Reveal()), "tls pair"},
		"not its own first":         {pair(ca.pem()+good.Certificate, good.Key.Reveal()), "tls pair"},
		"a key that is none":        {pair(good.Certificate, "canary"), "tls pair"},
		"a mask as the key":         {pair(good.Certificate, "[redacted]"), "tls pair"},
		"an encrypted key":          {pair(good.Certificate, pemFile(t, "encrypted.key")), "tls encrypted"},
		"an old encrypted key":      {pair(good.Certificate, pemFile(t, "encrypted-old.key")), "tls encrypted"},
		"ended":                     {of(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "tls expired"},
		"not begun":                 {of(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), "<nil>"},
		"for servers":               {uses(x509.ExtKeyUsageServerAuth), "tls usage"},
		"for both":                  {uses(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth), "<nil>"},
		"for anything":              {uses(x509.ExtKeyUsageAny), "<nil>"},
		"for nothing in particular": {uses(), "<nil>"},
		"SHA-1":                     {pair(pemFile(t, "sha1.pem"), pemFile(t, "sha1.key")), "tls weak"},
		"RSA of 1,024 bits":         {pair(pemFile(t, "rsa1024.pem"), pemFile(t, "rsa1024.key")), "tls weak"},
		"a weak one in the chain":   {pair(good.Certificate+pemFile(t, "rsa1024.pem"), good.Key.Reveal()), "tls weak"},
		"5 certificates":            {pair(good.Certificate+strings.Repeat(ca.pem(), 4), good.Key.Reveal()), "<nil>"},
		"6 certificates":            {pair(good.Certificate+strings.Repeat(ca.pem(), 5), good.Key.Reveal()), "tls chain"},
		"more than 64 KiB":          {pair(good.Certificate+strings.Repeat("\n", 64<<10), good.Key.Reveal()), "tls chain"},
		"no PEM":                    {pair("canary", good.Key.Reveal()), "tls chain"},
		"text behind":               {pair(good.Certificate+"canary", good.Key.Reveal()), "tls chain"},
		"a key in the chain":        {pair(good.Certificate+good.Key.Reveal(), good.Key.Reveal()), "tls chain"},
		"authorities, no CA":        {roots(good.Certificate), "tls roots"},
		"20 authorities":            {roots(strings.Repeat(ca.pem(), 20)), "<nil>"},
		"21 authorities":            {roots(strings.Repeat(ca.pem(), 21)), "tls roots"},
		"authorities, no PEM":       {roots("canary"), "tls roots"},
		"authorities of 64 KiB":     {roots(ca.pem() + strings.Repeat(" ", 64<<10)), "tls roots"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := keyless(t)
			w, err := h.hooks.Add(ctx, plainHook(withTLS(c.tls)))
			if complaint(err) != c.want || err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
				t.Errorf("Add: %s, want %s (%v)", complaint(err), c.want, err)
			}
			was, addErr := h.hooks.Add(ctx, plainHook())
			if addErr != nil {
				t.Fatal(addErr)
			}
			in := was.Clone()
			in.Secrets, in.TLS = nil, c.tls
			if _, err := h.hooks.Edit(ctx, in); complaint(err) != c.want {
				t.Errorf("Edit: %s, want %s", complaint(err), c.want)
			}
			if err != nil {
				if ws, _ := h.hooks.List(ctx, scope); len(ws) != 1 || cmp.Diff(was, ws[0]) != "" {
					t.Error("something was stored all the same")
				}
			} else if got := h.webhook(w.ID); !got.TLS.Equal(c.tls) {
				t.Error("it was stored otherwise")
			}
		})
	}
}

// Rule: only a Store that encrypts gets a private key, unless the operator allows others.
func TestClientCertNeedsASealer(t *testing.T) {
	t.Parallel()
	c := newAuthority(t).client("a")
	for name, tt := range map[string]struct {
		store webhook.Store
		opts  webhook.Options
		want  string
	}{
		"a Store that says nothing": {newStore(t), webhook.Options{}, "tls unsealed"},
		"one that says no":          {sealer{newStore(t), false}, webhook.Options{}, "tls unsealed"},
		"one that says yes":         {sealer{newStore(t), true}, webhook.Options{}, "<nil>"},
		"an operator who allows it": {newStore(t), clearKeys, "<nil>"},
	} {
		d, err := webhook.New(tt.store, webhook.Standard(), &tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Manager()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Add(ctx, plainHook(withTLS(c))); complaint(err) != tt.want {
			t.Errorf("%s: Add: %s, want %s", name, complaint(err), tt.want)
		}
		w, err := m.Add(ctx, plainHook(withTLS(webhook.ClientTLS{RootCAs: newAuthority(t).pem()})))
		if err != nil {
			t.Errorf("%s: authorities alone: %v", name, err)
		}
		if _, err := m.CertificateRequest(ctx, scope, w.ID); complaint(err) != tt.want {
			t.Errorf("%s: CertificateRequest: %s, want %s", name, complaint(err), tt.want)
		}
		if got := m.KeepsKeys(); got != (tt.want == "<nil>") {
			t.Errorf("%s: KeepsKeys is %t", name, got)
		}
	}
}

type sealer struct {
	*memstore.Store
	seals bool
}

func (s sealer) Seals() bool { return s.seals }

// Rule: a transport of the host can show no certificate. A certificate is refused there, and a
// webhook that has one all the same gets no request without it.
func TestClientCertNeedsTheOwnTransport(t *testing.T) {
	t.Parallel()
	c := newAuthority(t).client("a")
	h := newHost(t, newStore(t), webhook.Standard(), &clearKeys)
	if _, err := h.hooks.Add(ctx, plainHook(withTLS(c))); complaint(err) != "tls unsupported" {
		t.Errorf("Add: %s", complaint(err))
	}
	w := plainHook(withTLS(c))
	w.ID = "whk"
	if a := webhook.Send(ctx, h.Dispatcher, w, sample(w)); a.Code != webhook.CodeConfig || len(h.to.seen()) > 0 {
		t.Errorf("%+v after %d requests", a, len(h.to.seen()))
	}
	ask := func(context.Context) (*tls.Certificate, error) { return nil, nil }
	if _, err := webhook.New(newStore(t), webhook.Standard(), &webhook.Options{Transport: &receiver{}, ClientCertificate: ask}); err == nil {
		t.Error("a transport of the host beside ClientCertificate was accepted")
	}
}

// Rule: an edit keeps the key beside a certificate, and requires it again with another URL.
func TestClientCertEditAsksAgain(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	h := keyless(t)
	c := ca.client("a")
	was, err := h.hooks.Add(ctx, plainHook(withTLS(c)))
	if err != nil {
		t.Fatal(err)
	}
	const other = "https://elsewhere.example.net/in"
	certificate := webhook.ClientTLS{Certificate: c.Certificate}
	for _, tt := range []struct {
		name, url string
		tls       webhook.ClientTLS
		want      string
	}{
		{"the same URL", publicURL, certificate, "<nil>"},
		{"another URL", other, certificate, "tls again"},
		{"another URL, another certificate", other, webhook.ClientTLS{Certificate: ca.client("b").Certificate}, "tls pair"},
		{"another URL, entered again", other, c, "<nil>"},
		{"and back, without", publicURL, webhook.ClientTLS{}, "<nil>"},
	} {
		in := webhook.Webhook{Scope: scope, ID: was.ID, Name: was.Name, Events: was.Events, URL: tt.url, TLS: tt.tls}
		if _, err := h.hooks.Edit(ctx, in); !strings.HasPrefix(complaint(err), tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, complaint(err), tt.want)
		}
	}
	if got := h.webhook(was.ID); !got.TLS.IsZero() {
		t.Error("what was removed is there")
	}
}

// Rule: a certificate that has ended blocks no other edit, and is still shown.
func TestClientCertEnded(t *testing.T) {
	t.Parallel()
	h := keyless(t)
	c := newAuthority(t).client("a", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	w := plainHook(withTLS(c))
	w.ID = "whk"
	if err := h.store.(webhook.Registry).Create(ctx, w, 0); err != nil {
		t.Fatal(err)
	}
	in := webhook.Webhook{Scope: scope, ID: w.ID, Name: "another", Events: w.Events, TLS: webhook.ClientTLS{Certificate: c.Certificate}}
	if got, err := h.hooks.Edit(ctx, in); err != nil || !got.TLS.Key.Equal(c.Key) {
		t.Errorf("%v", err)
	}
	if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret("NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")); err != nil {
		t.Error(err)
	}
}

// Rule: printers and encoders show no key.
func TestClientCertMasksItself(t *testing.T) {
	t.Parallel()
	c := webhook.ClientTLS{Certificate: "certificate", Key: webhook.NewSecret("canary"), Pending: webhook.NewSecret("canary")}
	for _, v := range []any{c, &c, plainHook(withTLS(c)), struct{ c webhook.ClientTLS }{c}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(b), fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v)} {
			if strings.Contains(text, "canary") {
				t.Error(text)
			}
		}
	}
}
