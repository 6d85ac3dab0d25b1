package webhook

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/webhook/internal/redact"
)

// target is the URL of a request, with the secrets that its answer must not show.
type target struct {
	raw     string // the URL that was judged
	url     url.URL
	secrets func() redact.Secrets // of the webhook and its URL; computed when an answer is cleaned
	answer  atomic.Pointer[shortAnswer]
}

// targetOf checks and parses the URL of a delivery. The result for one text is always the same, so
// it is kept while the webhook and the text stay the same.
func (p *preparedWebhook) targetOf(profile *Profile, w *Webhook, d *Delivery) (*target, error) {
	raw, err := profile.rawTarget(w, d)
	if err != nil {
		return nil, &requestError{code: CodeURLRejected, err: err}
	}
	filled := strings.Contains(w.URL, "{")
	if known := p.target.Load(); !filled && known != nil && known.raw == raw {
		return known, nil
	}
	text, err := p.judge(profile, raw, filled)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &requestError{code: CodeURLRejected, err: errors.New("webhook: accepted URL does not parse")}
	}
	t := &target{raw: raw, url: *u}
	t.secrets = sync.OnceValue(func() redact.Secrets { return redact.NewSecrets(p.given.credentials(), &t.url) })
	if !filled {
		p.target.Store(t)
	}
	return t, nil
}

// judge returns the URL of a request in canonical form. A URL with variables is checked twice: the
// template by the full rule, and the filled-in URL with an exemption for percent-encoded values. A
// delivery never chooses the host.
func (p *preparedWebhook) judge(profile *Profile, raw string, filled bool) (string, error) {
	if profile.Prepare.Target == nil {
		return checkTarget(profile.Allow.CheckURL(raw))
	}
	check := profile.Allow.CheckURL
	if filled {
		check = profile.Allow.CheckExpanded
	}
	template, err := p.template(profile)
	if err != nil {
		return "", err
	}
	final, err := checkTarget(check(raw))
	if err != nil {
		return "", err
	}
	if redact.Origin(final) != redact.Origin(template) {
		return "", &requestError{code: CodeURLRejected, err: errors.New("webhook: the delivery changed the host")}
	}
	return final, nil
}

// template is the result of checkTemplate, which is kept.
func (p *preparedWebhook) template(profile *Profile) (string, error) {
	if known := p.sample.Load(); known != nil {
		return *known, nil
	}
	text, err := profile.checkTemplate(&p.live)
	if err == nil {
		p.sample.Store(&text)
	}
	return text, err
}

// checkTemplate checks the URL of a sample delivery, in which every variable is "x".
func (p *Profile) checkTemplate(w *Webhook) (string, error) {
	sample := sampleDelivery(w)
	raw, err := p.rawTarget(w, &sample)
	if err != nil {
		return "", &requestError{code: CodeURLRejected, err: err}
	}
	return checkTarget(p.Allow.CheckURL(raw))
}

func (p *Profile) rawTarget(w *Webhook, d *Delivery) (string, error) {
	if p.Prepare.Target == nil {
		return w.URL, nil
	}
	return p.Prepare.Target(*w, *d)
}

func checkTarget(canonical string, err error) (string, error) {
	if err != nil {
		code := CodeURLRejected
		if errors.Is(err, allowlist.ErrBlocked) {
			code = CodeBlockedAddress // the host is written as an address
		}
		return "", &requestError{code: code, err: err}
	}
	return canonical, nil
}
