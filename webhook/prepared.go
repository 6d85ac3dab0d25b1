package webhook

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook/internal/clientcert"
	"github.com/postrider/postrider/webhook/sign"
)

// preparedCache keeps values that are derived from a webhook's configuration, because deriving them
// costs more than using them. An entry lasts while it is used and the configuration stays the same.
// It is the package's only cache of that kind.
type preparedCache struct {
	mu      sync.Mutex
	entries map[webhookKey]*preparedWebhook
	swept   time.Time
}

type webhookKey struct{ scope, id string }

// preparedWebhook is the entry for one state of a webhook.
type preparedWebhook struct {
	given   Webhook   // a copy, so that the batch of the original can be freed
	live    Webhook   // given without the secrets that have ended; shares its memory
	until   time.Time // when the next secret ends; zero for never
	headers []header  // of the webhook, checked
	refused error     // of a header or a client certificate that may not be sent
	// identity is nil where requests go by the transport of all webhooks.
	identity *clientcert.Identity
	used     time.Time
	signer   atomic.Pointer[keptSigner]
	target   atomic.Pointer[target] // the latest one, where the URL has no variables
	sample   atomic.Pointer[string] // the URL of a sample delivery, judged
}

// keptSigner is a Signer and the time from which it must be made again, zero for never.
type keptSigner struct {
	sign.Signer
	until time.Time
}

type header struct{ name, value string }

const (
	maxPrepared   = 4096 // a full cache is emptied
	preparedFor   = 10 * time.Minute
	preparedSweep = time.Minute
)

// get returns the entry for w. It compares all fields, because Version and UpdatedAt alone do not
// identify a state: a host may keep webhooks in a table of its own.
func (p *preparedCache) get(now time.Time, w *Webhook) *preparedWebhook {
	key := webhookKey{w.Scope, w.ID}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	if got := p.entries[key]; got != nil && got.valid(now) && got.given.same(w) {
		got.used = now
		return got
	}
	if p.entries == nil || len(p.entries) >= maxPrepared {
		p.entries = make(map[webhookKey]*preparedWebhook)
	}
	fresh := &preparedWebhook{given: w.Clone(), used: now}
	fresh.live = fresh.given
	fresh.live.Secrets, fresh.until = liveSecrets(fresh.given.Secrets, now)
	for name, value := range w.Headers {
		if err := checkHeader(name, value); err != nil {
			fresh.refused = err
		}
		fresh.headers = append(fresh.headers, header{http.CanonicalHeaderKey(name), value})
	}
	if !w.TLS.usesCommonTransport() {
		var err error
		if fresh.identity, err = w.TLS.parse(); err != nil {
			fresh.refused = err
		}
	}
	p.entries[key] = fresh
	return fresh
}

// valid reports whether no secret has ended since the entry was made.
func (p *preparedWebhook) valid(now time.Time) bool { return p.until.IsZero() || now.Before(p.until) }

// sweep removes entries that were not used for a while, with their secrets.
func (p *preparedCache) sweep(now time.Time) {
	if since := now.Sub(p.swept); 0 <= since && since < preparedSweep {
		return
	}
	p.swept = now
	maps.DeleteFunc(p.entries, func(_ webhookKey, prep *preparedWebhook) bool {
		return now.Sub(prep.used).Abs() >= preparedFor
	})
}

// same reports whether two webhooks are equal in every field.
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

// sameSecret need not take constant time: both secrets are the host's own.
func sameSecret(a, b Secret) bool {
	return a.Reveal() == b.Reveal() && a.ID() == b.ID() &&
		a.CreatedAt().Equal(b.CreatedAt()) && a.ExpiresAt().Equal(b.ExpiresAt())
}

// signerOf returns the Signer of requests, nil for none.
func (p *preparedWebhook) signerOf(profile *Profile, now time.Time) (sign.Signer, error) {
	if profile.Prepare.Sign == nil {
		return nil, nil
	}
	if known := p.signer.Load(); known != nil && (known.until.IsZero() || now.Before(known.until)) {
		return known.Signer, nil
	}
	signer, err := profile.Prepare.Sign(p.live.Clone())
	if err != nil {
		return nil, err
	}
	made := &keptSigner{Signer: signer}
	if ends, ok := signer.(interface{ Until() time.Time }); ok {
		made.until = ends.Until()
	}
	p.signer.Store(made)
	return signer, nil
}
