package webhook

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/postrider/postrider/webhook/sign"
)

// prepared keeps what is worked out of a webhook's configuration until the webhook
// changes, because making it costs more than using it.
type prepared struct {
	mu sync.Mutex
	m  map[webhookKey]*preparation
}

type webhookKey struct{ scope, id string }

// preparation is of one version of a webhook.
type preparation struct {
	of      Webhook  // a copy, because w belongs to a batch that shall not stay in memory
	headers []header // its own, judged
	refused error    // of a header that may not be sent
	signer  atomic.Pointer[sign.Signer]
	target  atomic.Pointer[target] // the latest one, where the URL has no variables
}

type header struct{ name, value string }

// target is where a request goes.
type target struct {
	asked   string // the URL that was judged
	url     url.URL
	secrets func() []string // see secretsOf; worked out when there is an answer to clean
	answer  atomic.Pointer[shortAnswer]
}

// maxPrepared bounds what is kept; beyond it everything is prepared anew.
const maxPrepared = 4096

// of returns the preparation of w as it is now.
func (p *prepared) of(w *Webhook) *preparation {
	key := webhookKey{w.Scope, w.ID}
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := p.m[key]; got != nil && got.of.Version == w.Version && got.of.UpdatedAt.Equal(w.UpdatedAt) {
		return got
	}
	if p.m == nil || len(p.m) >= maxPrepared {
		p.m = make(map[webhookKey]*preparation)
	}
	fresh := &preparation{of: w.Clone()}
	for name, value := range w.Headers {
		if err := checkHeader(name, value); err != nil {
			fresh.refused = err
		}
		fresh.headers = append(fresh.headers, header{http.CanonicalHeaderKey(name), value})
	}
	p.m[key] = fresh
	return fresh
}

// signerOf returns what signs requests, nil for none.
func (p *preparation) signerOf(profile *Profile) (sign.Signer, error) {
	if profile.Sign == nil {
		return nil, nil
	}
	if known := p.signer.Load(); known != nil {
		return *known, nil
	}
	signer, err := profile.Sign(p.of.Clone())
	if err != nil {
		return nil, err
	}
	p.signer.Store(&signer)
	return signer, nil
}

// targetOf judges the URL of a delivery and takes it apart. The verdict on a text is always
// the same, so it is given once for as long as the webhook and the text stay.
func (p *preparation) targetOf(profile *Profile, w *Webhook, d *Delivery) (*target, error) {
	raw, err := profile.rawTarget(w, d)
	if err != nil {
		return nil, &errRequest{CodeURLRejected, err}
	}
	filled := strings.Contains(w.URL, "{")
	if known := p.target.Load(); !filled && known != nil && known.asked == raw {
		return known, nil
	}
	text, err := profile.judge(w, raw, filled)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &errRequest{CodeURLRejected, errors.New("webhook: accepted URL does not parse")}
	}
	t := &target{asked: raw, url: *u}
	t.secrets = sync.OnceValue(func() []string { return secretsOf(&p.of, &t.url) })
	if !filled {
		p.target.Store(t)
	}
	return t, nil
}
