package webhook

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// keeper keeps the health of webhooks: it pauses those that ask for it, opens and
// closes breakers, and switches off what has failed for too long. A webhook in
// good health has no entry, so a success that follows a success costs one look-up.
type keeper struct {
	d     *Dispatcher
	store HealthStore // nil: health lives and dies with the process
	mu    sync.Mutex
	known map[string]*healthEntry // by webhook ID
	fresh map[string]time.Time    // when webhooks were edited or deleted, as long as older attempts may come in

	read    time.Time // when the HealthStore was last asked for everything
	claimed bool      // something was claimed since
}

type healthEntry struct {
	Health
	stored   Health        // what the HealthStore has, as far as this process knows
	ramp     int           // requests in flight allowed until trust has grown again; 0: as many as usual
	told     map[Code]bool // Attention was raised for these
	warned   bool          // Attention was raised because of Profile.DisableAfter
	writing  bool          // somebody is writing to the HealthStore
	disabled bool          // this process has switched the webhook off
}

// result takes note of an attempt, and of when its delivery is tried again. What it
// returns does the rest, which may take a while: telling the Observer and writing to the
// Store.
func (k *keeper) result(ctx context.Context, w *Webhook, a *Attempt, retryAt time.Time) (afterwards func()) {
	if !remote(a) {
		return nothing
	}
	k.mu.Lock()
	if since, ok := k.fresh[w.ID]; ok && a.Start.Before(since) {
		k.mu.Unlock()
		return nothing // it says nothing about the webhook as it is now
	}
	e := k.known[w.ID]
	if e == nil {
		if a.OK() {
			k.mu.Unlock()
			return nothing
		}
		e = &healthEntry{Health: Health{WebhookID: w.ID, Scope: w.Scope}}
		e.stored = e.Health
		k.known[w.ID] = e
	}
	if a.OK() {
		k.succeeded(e, a.End())
		k.mu.Unlock()
		return func() { k.save(ctx, e) }
	}
	k.failed(e, a, retryAt)
	tell, disable := k.judge(e, a)
	k.mu.Unlock()

	return func() {
		if f := k.d.o.Observer.Attention; tell && f != nil {
			k.d.observe(ctx, "Attention", func() { f(ctx, *w, a.Code) })
		}
		if disable != "" {
			k.disable(ctx, *w, disable)
		}
		k.save(ctx, e)
	}
}

func nothing() {}

// succeeded closes the breaker and lets one more request be in flight, which doubles
// their number with every round: 1, 2, 4 ... A pause that the endpoint asked for lasts,
// because the success may be of a request that was under way before.
func (k *keeper) succeeded(e *healthEntry, now time.Time) {
	was := e.Health
	e.Health = Health{WebhookID: e.WebhookID, Scope: e.Scope}
	if was.PausedUntil.After(now) {
		e.PausedUntil = was.PausedUntil
	}
	e.told, e.warned = nil, false
	if e.ramp > 0 {
		e.ramp++
	}
	if e.ramp >= k.d.o.PerLane {
		e.ramp = 0
	}
	key := k.d.healthKey(e.WebhookID)
	k.d.limiter.Pause(key, time.Time{})
	k.d.limiter.Cap(key, e.ramp)
	k.hold(e)
	if e.ramp == 0 && e.Health.OK() {
		delete(k.known, e.WebhookID)
	}
	k.d.Wake()
}

func (k *keeper) failed(e *healthEntry, a *Attempt, retryAt time.Time) {
	end := a.End()
	e.Failures++
	if e.FailingSince.IsZero() {
		e.FailingSince = end
	}
	if asksForPatience(a) && k.d.profile.Retry.MaxAfter > 0 {
		until := end.Add(min(a.RetryAfter, k.d.profile.Retry.MaxAfter))
		if !retryAt.IsZero() && until.After(retryAt) {
			until = retryAt // the policy's window ends before: the pause must not hold the retry
		}
		if until.After(e.PausedUntil) {
			e.PausedUntil = until
		}
		k.hold(e)
		return
	}
	b := k.d.o.Breaker
	if b.Failures < 0 || e.Failures < b.Failures || e.OpenUntil.After(end) {
		return // what was under way when it opened does not open it again
	}
	wait := b.Open
	for range e.Opened {
		if wait *= 2; wait >= b.MaxOpen {
			wait = b.MaxOpen
			break
		}
	}
	e.Opened++
	e.OpenUntil = end.Add(wait)
	k.hold(e)
	k.d.log.Warn("webhook: breaker opened", "webhook", e.WebhookID, "scope", e.Scope,
		"failures", e.Failures, "code", string(a.Code), "wait", wait)
}

// hold makes the limiter keep to what e says.
func (k *keeper) hold(e *healthEntry) {
	key := k.d.healthKey(e.WebhookID)
	if e.Opened > 0 {
		e.ramp = 1 // one probe at a time
		k.d.limiter.Cap(key, 1)
	}
	if until := e.HoldUntil(); !until.IsZero() {
		k.d.limiter.Pause(key, time.Now().Add(until.Sub(k.d.now()))) // the limiter keeps the process's own time
	}
}

// judge tells whether a failure is worth the owner's attention, and why the webhook
// must be switched off, if it must.
func (k *keeper) judge(e *healthEntry, a *Attempt) (tell bool, disable string) {
	if attention(a) && !e.told[a.Code] {
		if e.told == nil {
			e.told = map[Code]bool{}
		}
		e.told[a.Code] = true
		tell = true
	}
	p := &k.d.profile
	failing := a.End().Sub(e.FailingSince)
	if p.DisableAfter > 0 && failing >= p.DisableAfter/2 && !e.warned {
		e.warned, tell = true, true
	}
	switch {
	case e.disabled:
	case p.DisableOnGone && a.Status == http.StatusGone:
		disable = "The endpoint answered 410 Gone."
	case p.DisableAfter > 0 && failing >= p.DisableAfter:
		disable = fmt.Sprintf("Every attempt has failed since %s.", e.FailingSince.UTC().Format(time.RFC3339))
	}
	return tell, disable
}

// of returns what this process knows of a webhook.
func (k *keeper) of(scope, id string) Health {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.known[id]; e != nil {
		return e.Health
	}
	return Health{WebhookID: id, Scope: scope}
}

// forget starts a webhook anew, because it was edited or activated.
func (k *keeper) forget(ctx context.Context, scope, id string) {
	k.mu.Lock()
	e := k.known[id]
	if e == nil {
		e = &healthEntry{}
		e.stored = Health{WebhookID: id, Scope: scope}
		if k.store != nil { // another host may have written one
			k.mu.Unlock()
			if hs, err := k.store.Health(ctx, []string{id}); err == nil && len(hs) == 1 {
				e.stored = hs[0]
			}
			k.mu.Lock()
		}
	}
	delete(k.known, id)
	k.startAnew(id)
	e.Health = Health{WebhookID: id, Scope: scope}
	k.mu.Unlock()
	key := k.d.healthKey(id)
	k.d.limiter.Pause(key, time.Time{})
	k.d.limiter.Cap(key, 0)
	k.save(ctx, e)
	k.d.Wake()
}

// drop forgets a webhook that was deleted; the Store forgets it by itself.
func (k *keeper) drop(id string) {
	k.mu.Lock()
	delete(k.known, id)
	k.startAnew(id)
	k.mu.Unlock()
	key := k.d.healthKey(id)
	k.d.limiter.Pause(key, time.Time{})
	k.d.limiter.Cap(key, 0)
}

// startAnew remembers that attempts which are under way no longer count.
func (k *keeper) startAnew(id string) {
	now := k.d.now()
	for other, since := range k.fresh {
		if now.Sub(since) > k.d.o.Lease {
			delete(k.fresh, other) // nothing of before is under way any more
		}
	}
	k.fresh[id] = now
}
