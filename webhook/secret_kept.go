package webhook

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/redact"
	"github.com/postrider/postrider/webhook/sign"
)

// keptValues are the values that an edit leaves empty and takes over from the stored webhook.
type keptValues struct {
	stored  Webhook
	secrets bool
	headers []string // names as they are spelled in the edit
	auth    keptAuth
	key     bool // of the client certificate
}

// keepEmpty fills the empty values of next, because forms get neither URL nor credentials back.
func keepEmpty(stored Webhook, next *Webhook) keptValues {
	k := keptValues{stored: stored}
	if next.URL == "" {
		next.URL = stored.URL
	}
	if len(next.Secrets) == 0 && len(stored.Secrets) > 0 {
		next.Secrets, k.secrets = stored.Secrets, true
	}
	for name, value := range next.Headers {
		for storedName, had := range stored.Headers {
			if value == "" && had != "" && strings.EqualFold(name, storedName) {
				next.Headers[name] = had
				k.headers = append(k.headers, name)
			}
		}
	}
	slices.Sort(k.headers)
	k.auth = keepAuth(&stored.Auth, &next.Auth)
	k.key = keepTLS(&stored.TLS, &next.TLS)
	return k
}

// mustReenter reports each stored credential that the edit would send to another receiver.
// Otherwise a person who may edit a webhook without seeing its credentials could have them sent to
// a server of their own. next has its canonical URL.
func (k *keptValues) mustReenter(p *Profile, next *Webhook) (out []FieldError) {
	if !k.secrets && len(k.headers) == 0 && k.auth == (keptAuth{}) && !k.key {
		return nil
	}
	moved := !sameReceiver(p, &k.stored, next)
	if k.secrets && p.sendsSecret(next) && (moved || !p.sendsSecret(&k.stored)) {
		why := "the webhook goes to another URL."
		if !moved {
			why = "it has only signed requests until now, and would be sent."
		}
		out = append(out, FieldError{"secret", "again", "Enter the secret again: " + why})
	}
	if moved && len(k.headers) > 0 {
		out = append(out, FieldError{"headers", "again",
			fmt.Sprintf("Enter the value of %s again: the webhook goes to another URL.", strings.Join(k.headers, ", "))})
	}
	if moved && k.key {
		out = append(out, FieldError{"tls", "again", "Enter the private key again: the webhook goes to another URL."})
	}
	return append(out, k.auth.mustReenter(p, moved, &k.stored.Auth, &next.Auth)...)
}

// sameReceiver reports whether requests of both webhooks go to the same URL. Any difference of the
// canonical text counts: one host can serve many owners under different paths.
func sameReceiver(p *Profile, was, next *Webhook) bool {
	if was.URL != next.URL {
		canonical, err := p.Allow.CheckURL(was.URL) // may have been stored by other means
		if err != nil || canonical != next.URL {
			return false
		}
	}
	if p.Prepare.Target == nil {
		return true
	}
	from, fromErr := p.sampleTarget(was)
	to, toErr := p.sampleTarget(next)
	switch {
	case fromErr != nil || toErr != nil:
		return maps.Equal(was.Attributes, next.Attributes)
	case holdsSecret(from, was.Secrets) || holdsSecret(to, next.Secrets):
		from, to = redact.Origin(from), redact.Origin(to)
	}
	return from == to
}

// sampleTarget is the URL of a request in which each variable has the value "x".
func (p *Profile) sampleTarget(w *Webhook) (raw string, err error) {
	defer contain("Profile.Prepare.Target", &err)
	sample := sampleDelivery(w)
	return p.rawTarget(w, &sample)
}

func sampleDelivery(w *Webhook) Delivery {
	d := Delivery{ID: "x", EventID: "x", WebhookID: w.ID, Scope: w.Scope, Vars: map[string]string{}}
	for _, name := range Variables(w.URL) {
		d.Vars[name] = "x"
	}
	return d
}

// sendsSecret reports whether a request holds the secret itself. Without Form.SecretSent it builds
// a sample request and searches it, because a host may replace hooks and not set SecretSent. A
// request that cannot be built counts as one that holds the secret.
func (p *Profile) sendsSecret(w *Webhook) bool {
	if p.Form.SecretSent {
		return true
	}
	r, err := p.sampleRequest(w)
	if err != nil || holdsSecret(r.URL.String(), w.Secrets) {
		return true
	}
	for _, values := range r.Header {
		if slices.ContainsFunc(values, func(v string) bool { return holdsSecret(v, w.Secrets) }) {
			return true
		}
	}
	return false
}

// sampleRequest is a request with everything that the Profile's hooks add.
func (p *Profile) sampleRequest(w *Webhook) (r *http.Request, err error) {
	defer contain("Profile", &err)
	target, err := p.sampleTarget(w)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	r = &http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Header: make(http.Header), Body: http.NoBody}
	if p.Prepare.Header != nil {
		p.Prepare.Header(w.Clone(), sampleDelivery(w), r.Header)
	}
	if p.Prepare.Sign == nil {
		return r, nil
	}
	signer, err := p.Prepare.Sign(w.Clone())
	if err != nil || signer == nil {
		return r, err
	}
	return r, signer.Sign(r, sign.Message{ID: "x", Attempt: 1, Time: time.Unix(1_700_000_000, 0)})
}

// holdsSecret searches a text for a secret: plain, URL-encoded and in Basic authentication.
func holdsSecret(text string, secrets []Secret) bool {
	return slices.ContainsFunc(secrets, func(s Secret) bool {
		plain := s.Reveal()
		return plain != "" && (strings.Contains(text, plain) || strings.Contains(text, url.QueryEscape(plain)) ||
			strings.Contains(text, url.PathEscape(plain)) || holdsInBasic(text, plain))
	})
}

// holdsInBasic searches the value of an Authorization header.
func holdsInBasic(value, plain string) bool {
	r := http.Request{Header: http.Header{"Authorization": {value}}}
	user, password, ok := r.BasicAuth()
	return ok && strings.Contains(user+":"+password, plain)
}
