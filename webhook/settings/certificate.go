package settings

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// certificateView is the certificate of a webhook.
type certificateView struct {
	Subject, Issuer, Fingerprint string
	Until                        *moment // the earliest end in the chain
	Soon                         bool    // the end is within 30 days, or past
}

const certificateSoon = 30 * 24 * time.Hour

// certificate describes the first certificate of a chain; nil where the chain is empty.
func (c clock) certificate(chain string) *certificateView {
	var leaf *x509.Certificate
	var until time.Time
	for rest := []byte(chain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		one, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil
		case leaf == nil:
			leaf, until = one, one.NotAfter
		case one.NotAfter.Before(until):
			until = one.NotAfter
		}
	}
	if leaf == nil {
		return nil
	}
	sum := sha256.Sum256(leaf.Raw)
	return &certificateView{leaf.Subject.String(), leaf.Issuer.String(), hex.EncodeToString(sum[:]), c.at(until),
		until.Sub(c.now) <= certificateSoon}
}

// identityView is the client certificate of a webhook and the request for another one. It holds
// nothing of a private key.
type identityView struct {
	ID, Name    string
	Certificate *certificateView // nil where there is none
	Request     string           // PEM of the request that waits for its certificate
	HasKey      bool             // the stored certificate has its key
	PEM         string           // as it was entered
	Error       string           // beside PEM
}

// Takes reports whether there is a key for which a certificate can be entered.
func (i *identityView) Takes() bool { return i.Request != "" || i.HasKey || i.Error != "" }

// identity returns the view of w; nil where the page has no client certificates.
func (v *visit) identity(w *webhook.Webhook) *identityView {
	if !v.certs {
		return nil
	}
	return &identityView{ID: w.ID, Name: w.Name, Certificate: v.clock().certificate(w.TLS.Certificate),
		Request: string(w.TLS.PendingRequest()), HasKey: !w.TLS.Key.IsZero()}
}

// holder reads the webhook of a request about its certificate.
func (v *visit) holder() (webhook.Webhook, error) {
	switch {
	case !v.certs:
		return webhook.Webhook{}, problem{http.StatusNotFound, v.t.NoPage}
	case v.readOnly:
		return webhook.Webhook{}, problem{http.StatusForbidden, v.t.ReadOnlyRefused}
	}
	return v.m.Webhook(v.ctx, v.scope, v.id)
}

// certificateForm shows the certificate, the request for another one, and the field for its answer.
func (v *visit) certificateForm() error {
	w, err := v.holder()
	if err != nil {
		return err
	}
	return v.showIdentity(http.StatusOK, v.identity(&w))
}

func (v *visit) showIdentity(status int, i *identityView) error {
	return v.render(status, "certificate", page{Title: v.t.CertificateOf(i.Name), Body: i, Wrong: status != http.StatusOK})
}

// requestCertificate makes a certificate request, or finds the one that waits.
func (v *visit) requestCertificate() error {
	w, err := v.holder()
	if err == nil {
		_, err = v.m.CertificateRequest(v.ctx, v.scope, w.ID)
	}
	if err != nil {
		return err
	}
	return v.see("webhooks/" + w.ID + "/certificate")
}

// downloadRequest sends the certificate request that waits. It makes none.
func (v *visit) downloadRequest() error {
	w, err := v.holder()
	if err != nil {
		return err
	}
	csr := w.TLS.PendingRequest()
	if csr == nil {
		return problem{http.StatusNotFound, v.t.NoPage}
	}
	v.w.Header().Set("Content-Type", "application/x-pem-file")
	v.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": w.ID + ".csr"}))
	_, _ = v.w.Write(csr) // the browser left
	return nil
}

// setCertificate stores the certificate that was entered.
func (v *visit) setCertificate() error {
	w, err := v.holder()
	if err != nil {
		return err
	}
	chain := v.pem("tls.certificate", w.TLS.Certificate)
	_, err = v.m.SetCertificate(v.ctx, v.scope, w.ID, []byte(chain))
	var invalid *webhook.ValidationError
	if errors.As(err, &invalid) {
		at := slices.IndexFunc(invalid.Fields, func(f webhook.FieldError) bool { return f.Field == "tls" })
		if at < 0 {
			return err // the stored certificate breaks rules that have changed
		}
		i := v.identity(&w)
		i.PEM, i.Error = shownPEM(chain), v.t.Field(invalid.Fields[at])
		return v.showIdentity(http.StatusUnprocessableEntity, i)
	}
	if err != nil {
		return err
	}
	v.leaveNotice(notice{Kind: noticeCertificate, Name: w.Name})
	return v.see("webhooks/" + w.ID)
}

// maxPEM is the Manager's bound of a field in PEM, in bytes.
const maxPEM = 64 << 10

// pem reads a field in PEM. A browser changes line endings, so a text that differs from stored in
// these alone is returned as stored.
func (v *visit) pem(name, stored string) string {
	lines := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	entered := lines(v.r.PostForm.Get(name))
	if entered != "" && entered == lines(stored) {
		return stored
	}
	return entered
}

// shownPEM returns the text of a certificate field for the form: "" where it holds a private key or
// is of no use for another try.
func shownPEM(text string) string {
	if len(text) > maxPEM || strings.Contains(text, "PRIVATE KEY") {
		return ""
	}
	return text
}

func (t *Texts) certificateWords() {
	t.TLSTitle = "Client certificate"
	t.TLSHint = "For receivers that ask for a certificate, or have one of an authority of their own. All in PEM."
	t.FieldCertificate, t.FieldKey, t.FieldRootCAs = "Certificate, its own first", "Private key", "Authorities of the receiver"
	t.KeepKey = "A private key is stored. Leave this empty to keep it; another URL needs it again."
	t.CertificateSubject, t.CertificateIssuer, t.CertificateEnd = "For", "Issued by", "Ends"
	t.CertificateNone = "There is none of its own. Receivers that ask for a certificate may need one."
	t.CertificateSoon = "It ends soon, or has ended. Make a request for the next one in time."
	t.CertificateRequest, t.CertificateMake, t.CertificateDownload = "Certificate request", "Make a certificate request", "Download the request"
	t.CertificateMakeHint = "This makes a new private key, which never leaves the place where webhooks are stored, and a request to sign. Until you enter the certificate, everything stays as it is."
	t.CertificateRequestHint = "Have the receiver’s authority sign this request, then enter the certificate below. Its private key is stored here and is not shown."
	t.CertificateEnter = "Enter the certificate"
	t.CertificateEnterHint = "In PEM, its own first, then those that signed it. The next request that is sent shows it."
	t.CertificateOf = func(name string) string { return fmt.Sprintf("Client certificate of “%s”", name) }
	t.CertificateSet = func(name string) string { return fmt.Sprintf("“%s” has a new client certificate.", name) }
}
