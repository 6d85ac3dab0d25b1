package webhook

import (
	"context"
	"errors"
	"time"
)

const maxConflicts = 3

// save writes a change of health to the HealthStore, one writer for each webhook.
// Another host's record wins a conflict where it is worse; ours is written on top.
func (k *keeper) save(ctx context.Context, e *healthEntry) {
	if k.store == nil {
		return
	}
	ctx, cancel := k.d.storeContext(ctx)
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.writing {
		return // the writer looks again when it is done
	}
	e.writing = true
	defer func() { e.writing = false }()
	for conflicts := 0; conflicts < maxConflicts && !e.stored.Equal(e.Health); {
		was, is := e.stored, e.Health
		k.mu.Unlock()
		err := protect("SetHealth", func() error { return k.store.SetHealth(ctx, is.Scope, is.WebhookID, was, is) })
		var others []Health
		if errors.Is(err, ErrConflict) {
			conflicts++
			err = protect("Health", func() (err error) {
				others, err = k.store.Health(ctx, []string{is.WebhookID})
				return err
			})
			is = Health{WebhookID: is.WebhookID, Scope: is.Scope}
			if len(others) == 1 {
				is = others[0]
			}
		}
		k.mu.Lock()
		if err != nil {
			if !errors.Is(err, ErrNotFound) {
				k.d.log.WarnContext(ctx, "webhook: health was not stored", "webhook", is.WebhookID, "error", err)
			}
			return
		}
		e.stored = is
		if len(others) == 1 && !e.Health.OK() {
			e.merge(is)
		}
	}
}

// merge takes over what another host knows worse.
func (e *healthEntry) merge(o Health) {
	if e.FailingSince.IsZero() || !o.FailingSince.IsZero() && o.FailingSince.Before(e.FailingSince) {
		e.FailingSince = o.FailingSince
	}
	e.Failures = max(e.Failures, o.Failures)
	e.Opened = max(e.Opened, o.Opened)
	if o.OpenUntil.After(e.OpenUntil) {
		e.OpenUntil = o.OpenUntil
	}
	if o.PausedUntil.After(e.PausedUntil) {
		e.PausedUntil = o.PausedUntil
	}
}

// attend is the upkeep of health. It rests while it would change nothing: nothing was
// claimed since it was read, and no webhook is held back that another host may have seen recover.
func (k *keeper) attend(ctx context.Context) {
	if k.needed() {
		k.refresh(ctx)
	}
}

func (k *keeper) needed() bool {
	now := k.d.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	needed := k.claimed
	for _, e := range k.known {
		needed = needed || e.HoldUntil().After(now)
	}
	return needed
}

// claiming looks at the health of webhooks once something was claimed, if the last look was
// some time ago: an idle host does not look, and what it claims then may be for a webhook
// that another host has paused. It comes before anything is sent.
func (k *keeper) claiming(ctx context.Context) {
	if k.store == nil {
		return
	}
	k.mu.Lock()
	k.claimed = true
	k.mu.Unlock()
	k.current(ctx)
}

// current makes sure that health was read lately.
func (k *keeper) current(ctx context.Context) {
	k.mu.Lock()
	stale := time.Since(k.read) > healthEvery
	k.mu.Unlock()
	if stale {
		k.refresh(ctx)
	}
}

// refresh learns what other hosts, or this one before a restart, have written.
func (k *keeper) refresh(ctx context.Context) {
	if k.store == nil {
		return
	}
	k.mu.Lock()
	k.read, k.claimed = time.Now(), false
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	k.d.logFailure(ctx, "health of webhooks could not be read", k.learn(ctx))
}

func (k *keeper) learn(ctx context.Context) error {
	var all []Health
	err := protect("Health", func() (err error) {
		all, err = k.store.Health(ctx, nil)
		return err
	})
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := make(map[string]bool, len(all))
	for _, h := range all {
		seen[h.WebhookID] = true
		e := k.known[h.WebhookID]
		if e == nil {
			e = &healthEntry{Health: h}
			k.known[h.WebhookID] = e
		} else if e.writing {
			continue
		}
		e.stored = h
		e.merge(k.believable(h))
		e.Health = k.believable(e.Health)
		k.hold(e)
	}
	for id, e := range k.known { // another host saw it recover
		if !seen[id] && !e.writing && !e.stored.OK() {
			e.stored = Health{WebhookID: e.WebhookID, Scope: e.Scope}
			k.succeeded(e, k.d.now())
		}
	}
	return nil
}

// believable drops times that lie further ahead than any hold may last: a clock that has
// since been set back wrote them, and they would hold the webhook for as long as it jumped.
func (k *keeper) believable(h Health) Health {
	now := k.d.now().Add(time.Minute) // hosts without a common clock differ a little
	if h.PausedUntil.After(now.Add(k.d.profile.Retry.MaxAfter)) {
		h.PausedUntil = time.Time{}
	}
	if h.OpenUntil.After(now.Add(k.d.o.Breaker.MaxOpen)) {
		h.OpenUntil = now
	}
	return h
}

// disable switches a webhook off. The version of its record makes sure that of several
// hosts one does it and tells.
func (k *keeper) disable(ctx context.Context, w Webhook, reason string) {
	reg := k.d.registry
	if reg == nil {
		return
	}
	ctx, cancel := k.d.storeContext(ctx)
	defer cancel()
	for range maxConflicts {
		now, err := reg.Webhook(ctx, w.Scope, w.ID)
		if err != nil || !now.Active || now.URL != w.URL {
			return // gone, off already, or mended meanwhile
		}
		now.Active, now.DisabledReason, now.UpdatedAt = false, reason, k.d.now()
		if err = reg.Update(ctx, now); errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			k.d.log.ErrorContext(ctx, "webhook: could not switch off", "webhook", w.ID, "scope", w.Scope, "error", err)
			return
		}
		now.Version++
		k.mu.Lock()
		if e := k.known[w.ID]; e != nil {
			e.disabled = true
		}
		k.mu.Unlock()
		k.d.log.WarnContext(ctx, "webhook: switched off", "webhook", w.ID, "scope", w.Scope, "reason", reason)
		if f := k.d.o.Observer.Disabled; f != nil {
			k.d.observe(ctx, "Disabled", func() { f(ctx, now) })
		}
		return
	}
}
