package webhook

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// liveSecrets returns the secrets that are valid at now, and the time at which the next of them
// ends, zero for never. If all have ended, the one that ended last stays valid, because no receiver
// accepts a request without a signature.
func liveSecrets(all []Secret, now time.Time) (live []Secret, until time.Time) {
	ended := func(s Secret) bool { end := s.ExpiresAt(); return !end.IsZero() && !now.Before(end) }
	live = all
	if slices.ContainsFunc(all, ended) {
		if live = slices.DeleteFunc(slices.Clone(all), ended); len(live) == 0 {
			last := slices.MaxFunc(all, func(a, b Secret) int { return a.ExpiresAt().Compare(b.ExpiresAt()) })
			return []Secret{last}, time.Time{}
		}
	}
	for _, s := range live {
		if end := s.ExpiresAt(); !end.IsZero() && (until.IsZero() || end.Before(until)) {
			until = end
		}
	}
	return live, until
}

// liveHook is w with only its valid secrets, for hooks that make a request.
func (p *preparedWebhook) liveHook(w *Webhook) *Webhook {
	if len(p.live.Secrets) == len(w.Secrets) {
		return w
	}
	live := *w
	live.Secrets = slices.Clone(p.live.Secrets)
	return &live
}

// knownSecrets are the secrets of a stored webhook that are valid at now, each with an ID. A secret
// without an ID gets one from the version and its place, which reveals nothing of its text. That ID
// stays the same until the next write of the webhook stores it.
func knownSecrets(w *Webhook, now time.Time) []Secret {
	named := slices.Clone(w.Secrets)
	for i, s := range named {
		if s.ID() == "" {
			named[i] = s.WithLife(fmt.Sprintf("sec_v%d_%d", w.Version, i+1), s.CreatedAt(), s.ExpiresAt())
		}
	}
	live, _ := liveSecrets(named, now)
	return live
}

// adoptSecrets gives each secret its ID and times: a secret that was there before keeps them,
// another one begins at now. The newest has no end, because otherwise all secrets of a webhook
// could end.
func adoptSecrets(secrets, before []Secret, now time.Time) {
	for i, s := range secrets {
		if s.ID() == "" {
			at := slices.IndexFunc(before, s.Equal)
			switch {
			case at < 0 || before[at].ID() == "":
				s = s.WithLife(newSecretID(), orTime(s.CreatedAt(), now), s.ExpiresAt())
			case s.CreatedAt().IsZero() && s.ExpiresAt().IsZero():
				s = before[at]
			default:
				s = s.WithLife(before[at].ID(), orTime(s.CreatedAt(), before[at].CreatedAt()), s.ExpiresAt())
			}
		}
		if i == 0 && !s.ExpiresAt().IsZero() {
			s = s.WithLife(s.ID(), s.CreatedAt(), time.Time{})
		}
		secrets[i] = s
	}
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

func newSecretID() string { return "sec_" + strings.ToLower(rand.Text()) }

// secretTime is now in the precision of Stores.
func (m *Manager) secretTime() time.Time { return m.d.now().Truncate(time.Microsecond) }

// generateSecret returns a secret of Profile.Form.NewSecret.
func (p *Profile) generateSecret() (s Secret, err error) {
	defer contain("Profile.Form.NewSecret", &err)
	if s, err = p.Form.NewSecret(); err != nil {
		return Secret{}, fmt.Errorf("webhook: Profile.Form.NewSecret: %w", err)
	}
	return sign.NewSecret(s.Reveal()), nil // the Manager gives it an ID
}

// fillSecret generates the secret that a new webhook lacks.
func (p *Profile) fillSecret(w *Webhook) error {
	asked := len(w.Secrets) == 1 && w.Secrets[0].IsZero()
	if p.Form.NewSecret == nil || !asked && (len(w.Secrets) > 0 || !p.Form.RequireSecret) {
		return nil
	}
	s, err := p.generateSecret()
	if err == nil {
		w.Secrets = []Secret{s}
	}
	return err
}
