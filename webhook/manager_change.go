package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

const maxEdits = 5

// change reads, changes, validates and writes a webhook. With version 0 it starts over after a
// conflict. A nil check accepts every webhook, also one that cannot be opened: then edit must leave
// alone what Webhook.Unreadable names.
func (m *Manager) change(ctx context.Context, scope, id string, version int64, check func(*Webhook) error, edit func(*Webhook)) (Webhook, error) {
	var err error
	for range maxEdits {
		var was Webhook
		if was, err = m.d.readWebhook(ctx, scope, id); err != nil {
			break
		}
		if was.Unreadable != nil && check != nil { // the values that cannot be opened can neither be checked nor replaced
			err = was.Unreadable
			break
		}
		if version != 0 && version != was.Version {
			err = ErrConflict
			break
		}
		w := was.Clone()
		w.Seen = 0
		w.Secrets = knownSecrets(&w, m.secretTime())
		was.Secrets = slices.Clone(w.Secrets)
		edit(&w)
		adoptSecrets(w.Secrets, was.Secrets, m.secretTime())
		w.UpdatedAt = m.d.now()
		if w.Active {
			w.DisabledReason, w.DisabledAt = "", time.Time{}
		}
		if check != nil {
			if err := check(&w); err != nil {
				return Webhook{}, err
			}
		}
		if err = m.d.registry.Update(ctx, w); err == nil {
			w.Version++
			m.d.engine.post(scheduler.Edited{Scope: scope, WebhookID: id, At: time.Now(), Fresh: freshStart(&was, &w), Takes: takesOf([]Webhook{w})})
			m.d.engine.post(scheduler.Announced{})
			return w, nil
		}
		m.rereadIfUnknown(scope, id, err)
		if version != 0 || !errors.Is(err, ErrConflict) {
			break
		}
	}
	return Webhook{}, fmt.Errorf("webhook: change %s: %w", id, err)
}

// rereadIfUnknown makes waiting deliveries read their webhook again if err leaves open whether it
// was changed.
func (m *Manager) rereadIfUnknown(scope, id string, err error) {
	if errors.Is(err, ErrUnknown) {
		m.d.engine.post(scheduler.Edited{Scope: scope, WebhookID: id, At: time.Now()})
	}
}

// freshStart reports whether a change makes earlier failures irrelevant.
func freshStart(was, is *Webhook) bool {
	return is.Active && !was.Active || was.URL != is.URL ||
		!slices.EqualFunc(was.Secrets, is.Secrets, Secret.Equal) ||
		!maps.Equal(was.Headers, is.Headers) || !was.Auth.Equal(is.Auth) || !was.TLS.sameIdentity(is.TLS) || !maps.Equal(was.Attributes, is.Attributes)
}
