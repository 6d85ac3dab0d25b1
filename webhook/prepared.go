package webhook

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// prepared keeps what is worked out of a webhook's configuration for as long as it is used and
// the configuration stays the same, because making it costs more than using it. It is the
// package's only memory of that kind.
type prepared struct {
	mu    sync.Mutex
	m     map[webhookKey]*preparation
	swept time.Time
}

type webhookKey struct{ scope, id string }

// preparation is of one state of a webhook.
type preparation struct {
	given   Webhook   // a copy, because w belongs to a batch that shall not stay in memory
	of      Webhook   // given without the secrets that have ended; shares its memory
	until   time.Time // when the next secret ends; zero for never
	headers []header  // its own, judged
	refused error     // of a header or a client certificate that may not be sent
	// identity is nil where requests go by the transport of all webhooks.
	identity *identity
	used     time.Time
	signer   atomic.Pointer[signing]
	target   atomic.Pointer[target] // the latest one, where the URL has no variables
	sample   atomic.Pointer[string] // the URL of a sample delivery, judged
}

// signing is a Signer and when it must be made anew, zero for never.
type signing struct {
	sign.Signer
	until time.Time
}

type header struct{ name, value string }

const (
	maxPrepared   = 4096 // beyond it everything is prepared anew
	preparedFor   = 10 * time.Minute
	preparedSweep = time.Minute
)

// at returns the preparation of w as it is given. Version and UpdatedAt alone do not tell one
// state from another: a host may keep webhooks in a table of its own.
func (p *prepared) at(now time.Time, w *Webhook) *preparation {
	key := webhookKey{w.Scope, w.ID}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	if got := p.m[key]; got != nil && got.counts(now) && got.given.same(w) {
		got.used = now
		return got
	}
	if p.m == nil || len(p.m) >= maxPrepared {
		p.m = make(map[webhookKey]*preparation)
	}
	fresh := &preparation{given: w.Clone(), used: now}
	fresh.of = fresh.given
	fresh.of.Secrets, fresh.until = liveSecrets(fresh.given.Secrets, now)
	for name, value := range w.Headers {
		if err := checkHeader(name, value); err != nil {
			fresh.refused = err
		}
		fresh.headers = append(fresh.headers, header{http.CanonicalHeaderKey(name), value})
	}
	if !w.TLS.common() {
		var err error
		if fresh.identity, err = w.TLS.parse(); err != nil {
			fresh.refused = err
		}
	}
	p.m[key] = fresh
	return fresh
}

// counts tells whether no secret has ended since the preparation was made.
func (p *preparation) counts(now time.Time) bool { return p.until.IsZero() || now.Before(p.until) }

// sweep drops what has not been used for a while, secrets included.
func (p *prepared) sweep(now time.Time) {
	if since := now.Sub(p.swept); 0 <= since && since < preparedSweep {
		return
	}
	p.swept = now
	maps.DeleteFunc(p.m, func(_ webhookKey, prep *preparation) bool {
		return now.Sub(prep.used).Abs() >= preparedFor
	})
}

// same tells whether two webhooks are equal in every field.
func (w *Webhook) same(other *Webhook) bool {
	return w.ID == other.ID && w.Scope == other.Scope && w.Group == other.Group && w.Name == other.Name &&
		w.URL == other.URL && slices.EqualFunc(w.Secrets, other.Secrets, sameSecret) &&
		slices.Equal(w.Events, other.Events) && w.Filter == other.Filter && w.Notes == other.Notes &&
		maps.Equal(w.Headers, other.Headers) && w.Auth.Equal(other.Auth) && w.TLS.Equal(other.TLS) && w.Timeout == other.Timeout && w.Active == other.Active &&
		w.Order == other.Order && w.Coalesce == other.Coalesce && w.CoalesceWait == other.CoalesceWait &&
		w.ExcludeBody == other.ExcludeBody && w.ExpiresAt.Equal(other.ExpiresAt) && w.CreatedAt.Equal(other.CreatedAt) &&
		w.UpdatedAt.Equal(other.UpdatedAt) && w.DisabledReason == other.DisabledReason &&
		w.DisabledAt.Equal(other.DisabledAt) &&
		maps.Equal(w.Attributes, other.Attributes) && w.Version == other.Version
}

// sameSecret need not take the same time for all secrets: both are the host's own.
func sameSecret(a, b Secret) bool {
	return a.Reveal() == b.Reveal() && a.ID() == b.ID() &&
		a.CreatedAt().Equal(b.CreatedAt()) && a.ExpiresAt().Equal(b.ExpiresAt())
}

// signerOf returns what signs requests, nil for none.
func (p *preparation) signerOf(profile *Profile, now time.Time) (sign.Signer, error) {
	if profile.Prepare.Sign == nil {
		return nil, nil
	}
	if known := p.signer.Load(); known != nil && (known.until.IsZero() || now.Before(known.until)) {
		return known.Signer, nil
	}
	signer, err := profile.Prepare.Sign(p.of.Clone())
	if err != nil {
		return nil, err
	}
	made := &signing{Signer: signer}
	if ends, ok := signer.(interface{ Until() time.Time }); ok {
		made.until = ends.Until()
	}
	p.signer.Store(made)
	return signer, nil
}
