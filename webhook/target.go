package webhook

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/postrider/postrider/allowlist"
)

// target is where a request goes.
type target struct {
	asked   string // the URL that was judged
	url     url.URL
	secrets func() []string // see secretsOf; worked out when there is an answer to clean
	answer  atomic.Pointer[shortAnswer]
}

// targetOf judges the URL of a delivery and takes it apart. The verdict on a text is always
// the same, so it is given once for as long as the webhook and the text stay.
func (p *preparation) targetOf(profile *Profile, w *Webhook, d *Delivery) (*target, error) {
	raw, err := profile.rawTarget(w, d)
	if err != nil {
		return nil, &errRequest{code: CodeURLRejected, err: err}
	}
	filled := strings.Contains(w.URL, "{")
	if known := p.target.Load(); !filled && known != nil && known.asked == raw {
		return known, nil
	}
	text, err := p.judge(profile, raw, filled)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &errRequest{code: CodeURLRejected, err: errors.New("webhook: accepted URL does not parse")}
	}
	t := &target{asked: raw, url: *u}
	t.secrets = sync.OnceValue(func() []string { return secretsOf(&p.given, &t.url) })
	if !filled {
		p.target.Store(t)
	}
	return t, nil
}

// judge returns the URL of a request as it is sent. Where variables were filled in it is
// judged twice: as a template, by the full rule, and filled in, where what values may
// hold percent-encoded is exempt. Whatever a delivery holds, it never chooses the host.
func (p *preparation) judge(profile *Profile, raw string, filled bool) (string, error) {
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
	if final[:behindAuthority(final)] != template[:behindAuthority(template)] {
		return "", &errRequest{code: CodeURLRejected, err: errors.New("webhook: the delivery changed the host")}
	}
	return final, nil
}

// template is what checkTemplate says of the webhook.
func (p *preparation) template(profile *Profile) (string, error) {
	if known := p.sample.Load(); known != nil {
		return *known, nil
	}
	text, err := profile.checkTemplate(&p.of)
	if err == nil {
		p.sample.Store(&text)
	}
	return text, err
}

// checkTemplate judges a webhook's URL with every variable replaced by "x".
func (p *Profile) checkTemplate(w *Webhook) (string, error) {
	sample := Delivery{EventID: "x", WebhookID: w.ID, Scope: w.Scope, Vars: map[string]string{}}
	for _, name := range Variables(w.URL) {
		sample.Vars[name] = "x"
	}
	raw, err := p.rawTarget(w, &sample)
	if err != nil {
		return "", &errRequest{code: CodeURLRejected, err: err}
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
		return "", &errRequest{code: code, err: err}
	}
	return canonical, nil
}
