package webhook

import (
	"net/url"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// prepared keeps what is worked out of a webhook's configuration until the webhook
// changes, because making it costs more than using it.
type prepared struct {
	mu sync.Mutex
	m  map[string]*preparation
}

// preparation is of one version of a webhook. Its fields are guarded by prepared.mu.
type preparation struct {
	version int64
	updated time.Time
	signed  bool // signer is set, if only to nil
	signer  sign.Signer
	target  string   // the URL that secrets belong to
	secrets []string // see secretsOf
}

// maxPrepared bounds what is kept; beyond it everything is prepared anew.
const maxPrepared = 4096

// of returns the preparation of w as it is now. The caller holds mu.
func (p *prepared) of(w *Webhook) *preparation {
	key := w.Scope + "\x00" + w.ID
	if got := p.m[key]; got != nil && got.version == w.Version && got.updated.Equal(w.UpdatedAt) {
		return got
	}
	if p.m == nil || len(p.m) >= maxPrepared {
		p.m = make(map[string]*preparation)
	}
	fresh := &preparation{version: w.Version, updated: w.UpdatedAt}
	p.m[key] = fresh
	return fresh
}

// signer returns what signs requests to w, nil for none.
func (p *prepared) signer(profile *Profile, w *Webhook) (sign.Signer, error) {
	if profile.Sign == nil {
		return nil, nil
	}
	p.mu.Lock()
	got := p.of(w)
	signer, ok := got.signer, got.signed
	p.mu.Unlock()
	if ok {
		return signer, nil
	}
	signer, err := profile.Sign(*w)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	got.signer, got.signed = signer, true
	return signer, nil
}

// secrets returns what must not be shown of w and of a request to u. The result is shared.
func (p *prepared) secrets(w *Webhook, u *url.URL) []string {
	target := u.String()
	p.mu.Lock()
	got := p.of(w)
	secrets, ok := got.secrets, got.target == target
	p.mu.Unlock()
	if ok {
		return secrets
	}
	secrets = secretsOf(w, u)
	p.mu.Lock()
	defer p.mu.Unlock()
	got.target, got.secrets = target, secrets
	return secrets
}
