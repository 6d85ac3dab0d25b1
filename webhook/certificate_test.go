package webhook_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

func request509(t *testing.T, csr []byte) *x509.CertificateRequest {
	t.Helper()
	block, rest := pem.Decode(csr)
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		t.Fatalf("%s", csr)
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func signed(t *testing.T, ca *authority, csr []byte, name string, change ...func(*x509.Certificate)) []byte {
	t.Helper()
	return []byte(ca.sign(request509(t, csr).PublicKey, name, change...))
}

// Rule: the key of a certificate request stays in the Store, and a repeated call returns the same
// request. A certificate for it takes its place, and so does another one for the same key. A
// certificate that does not fit changes nothing.
func TestClientCertRequest(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	h := keyless(t)
	w, err := h.hooks.Add(ctx, plainHook(withTLS(webhook.ClientTLS{RootCAs: ca.pem()})))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	all := make([][]byte, 8)
	for i := range all {
		wg.Go(func() {
			var err error
			if all[i], err = h.hooks.CertificateRequest(ctx, scope, w.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	csr := all[0]
	for _, other := range all {
		if !bytes.Equal(csr, other) {
			t.Fatal("two requests for one webhook differ")
		}
	}
	if r := request509(t, csr); r.Subject.CommonName != w.ID || r.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("%v, %v", r.Subject, r.PublicKeyAlgorithm)
	}
	pendingState := h.webhook(w.ID)
	if got := pendingState.TLS.PendingRequest(); !bytes.Equal(got, csr) {
		t.Errorf("PendingRequest is %q", got)
	}
	foreign := ca.client("x").Certificate
	for name, c := range map[string]struct{ chain, want string }{
		"for another key": {foreign, "tls pair"},
		"nothing":         {"", "tls chain"},
		"no PEM":          {"canary", "tls chain"},
		"for servers":     {string(signed(t, ca, csr, "x", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), "tls usage"},
		"ended":           {string(signed(t, ca, csr, "x", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })), "tls expired"},
	} {
		if _, err := h.hooks.SetCertificate(ctx, scope, w.ID, []byte(c.chain)); complaint(err) != c.want {
			t.Errorf("%s: %s, want %s", name, complaint(err), c.want)
		}
		if diff := cmp.Diff(pendingState, h.webhook(w.ID)); diff != "" {
			t.Errorf("%s: changed although refused:\n%s", name, diff)
		}
	}
	first, err := h.hooks.SetCertificate(ctx, scope, w.ID, signed(t, ca, csr, "first"))
	if err != nil || !first.TLS.Pending.IsZero() || first.TLS.Key.IsZero() || first.TLS.RootCAs != ca.pem() {
		t.Fatalf("%+v, %v", first, err)
	}
	if got := first.TLS.PendingRequest(); got != nil {
		t.Errorf("PendingRequest after it: %q", got)
	}
	health, err := h.hooks.Health(ctx, scope, w.ID)
	if left := time.Until(health.CertificateUntil); err != nil || left < 50*time.Minute || left > time.Hour {
		t.Errorf("CertificateUntil in %v, %v", left, err)
	}
	second, err := h.hooks.SetCertificate(ctx, scope, w.ID, signed(t, ca, csr, "second"))
	if err != nil || !second.TLS.Key.Equal(first.TLS.Key) || second.TLS.Certificate == first.TLS.Certificate {
		t.Errorf("the same key again: %v", err)
	}
	next, err := h.hooks.CertificateRequest(ctx, scope, w.ID)
	if err != nil || bytes.Equal(next, csr) {
		t.Errorf("the request after it: %v", err)
	}
	third, err := h.hooks.SetCertificate(ctx, scope, w.ID, signed(t, ca, csr, "third")) // of the present key, while one is pending
	if err != nil || third.TLS.Pending.IsZero() || !third.TLS.Key.Equal(first.TLS.Key) {
		t.Errorf("a renewal while a new key is pending: %v", err)
	}
	fourth, err := h.hooks.SetCertificate(ctx, scope, w.ID, signed(t, ca, next, "fourth"))
	if err != nil || !fourth.TLS.Pending.IsZero() || fourth.TLS.Key.Equal(first.TLS.Key) {
		t.Errorf("a new key: %v", err)
	}
	if _, err := h.hooks.CertificateRequest(ctx, "other", w.ID); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("another scope: %v", err)
	}
	if _, err := h.hooks.SetCertificate(ctx, "other", w.ID, []byte(foreign)); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("another scope: %v", err)
	}
}

// Rule: 30, 14 and 3 days before the end of a certificate, and after it, one of the hosts that
// share a Store notifies the owner once.
func TestClientCertExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		start := time.Now()
		c := newAuthority(t).client("a", func(c *x509.Certificate) { c.NotAfter = start.Add(40 * day) })
		store := newStore(t)
		var told []string
		hosts := make([]*host, 2)
		for i := range hosts {
			hosts[i] = newHost(t, store, webhook.Standard(), &webhook.Options{Observer: &webhook.Observer{
				Attention: func(_ context.Context, w webhook.Webhook, code webhook.Code, a *webhook.Attempt) {
					told = append(told, fmt.Sprintf("%s %s after %v", w.ID, code, time.Since(start)/day*day))
					if a != nil {
						t.Error("it came with an attempt")
					}
				}}})
		}
		w := plainHook(withTLS(c))
		w.ID = "whk"
		for range 50 {
			for _, h := range hosts {
				webhook.CertificateEnds(ctx, h.Dispatcher, w)
			}
			time.Sleep(day)
		}
		want := []string{}
		for _, days := range []int{10, 26, 37, 40} {
			want = append(want, fmt.Sprintf("whk certificate after %v", time.Duration(days)*day))
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}
