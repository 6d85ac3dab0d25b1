package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// Manager is the way in for people and settings pages: it validates with the Profile
// and reports field errors that a form can show. Every call by ID takes the scope, so a
// tenant cannot reach into another's. All methods are safe for concurrent use; after an
// error nothing has changed, unless errors.Is(err, [ErrUnknown]): then a statement was sent and
// its answer is missing, and a look tells what is stored.
type Manager struct {
	d   *Dispatcher
	reg Registry
}

// Manager returns the Manager of this Dispatcher, or [ErrUnsupported] when its Store is
// no [Registry].
func (d *Dispatcher) Manager() (*Manager, error) {
	if d.registry == nil {
		return nil, fmt.Errorf("webhook: Manager needs a Store that is a Registry: %w", ErrUnsupported)
	}
	return &Manager{d: d, reg: d.registry}, nil
}

// Add validates and stores a new webhook and returns it as stored, with the ID it was
// given, its canonical URL and its times. ID, CreatedAt, UpdatedAt, DisabledReason and
// Version of w are not looked at. A secret that is missing, where the Profile demands one, or
// that is zero is generated, if Profile.Form.NewSecret can: the webhook that is returned holds it in
// Secrets[0], so that it can be shown once. Errors: [*ValidationError], [ErrLimit].
func (m *Manager) Add(ctx context.Context, w Webhook) (Webhook, error) {
	w = w.Clone()
	w.ID, w.Version, w.DisabledReason = newWebhookID(), 1, ""
	w.CreatedAt = m.d.now()
	w.UpdatedAt, w.DisabledAt = w.CreatedAt, time.Time{}
	if err := m.d.profile.fillSecret(&w); err != nil {
		return Webhook{}, err
	}
	adoptSecrets(w.Secrets, nil, m.secretTime())
	err := m.validate(&w, func(w *Webhook) []FieldError { return m.newCertificate(&ClientTLS{}, &w.TLS) })
	if err != nil {
		return Webhook{}, err
	}
	if err := m.reg.Create(ctx, w, m.d.profile.Form.MaxPerScope); err != nil {
		return Webhook{}, fmt.Errorf("webhook: add to scope %q: %w", w.Scope, err)
	}
	return w, nil
}

// Edit validates and replaces a webhook. An empty URL or no Secrets keep what is stored,
// because forms do not get them back; a header with an empty value keeps its stored
// value too, and so does an Auth of the same Scheme with an empty Username, Secret, TokenURL or
// ClientID; so do the Key of TLS beside a Certificate, and what is Pending. CreatedAt, DisabledReason and
// DisabledAt cannot be edited; activating clears the last two.
// Version must be the one that was read, or 0 to overwrite whatever is there. Changing the
// URL, the secrets, the headers, Auth, TLS or the attributes, or activating, also clears the
// webhook's health.
//
// A kept value never reaches another receiver. With another URL, or whatever else changes
// where Profile.Prepare.Target leads, the values of headers and of Auth, the key of TLS, and the secret where
// requests hold it (see Profile.Form.SecretSent), must be in w; with another token endpoint or client ID the
// secret of Auth must: a [FieldError] with the rule "again" names what
// is missing. What w holds counts as entered, so a form handler fills in what was typed
// and leaves the rest empty; it does not pass on what it has read from the Store.
//
// Secrets that w leaves out end at once. With opts, a new Secrets[0] comes in as by
// [Manager.RotateSecret], in the same write, and the others that w holds are not looked at.
//
// Errors: [*ValidationError], [ErrNotFound], [ErrConflict], [ErrSealed] while what is stored cannot be
// opened; with opts also those of RotateSecret.
func (m *Manager) Edit(ctx context.Context, w Webhook, opts ...RotateOption) (Webhook, error) {
	var k kept
	var refused error
	check := func(next *Webhook) error {
		return orErr(m.validate(next, func(canonical *Webhook) []FieldError {
			return append(k.again(&m.d.profile, canonical), m.newCertificate(&k.stored.TLS, &canonical.TLS)...)
		}), refused)
	}
	edited, err := m.change(ctx, w.Scope, w.ID, w.Version, check, func(stored *Webhook) {
		next := w.Clone()
		next.Version, next.CreatedAt, next.DisabledReason = stored.Version, stored.CreatedAt, stored.DisabledReason
		next.DisabledAt = stored.DisabledAt
		k = keepEmpty(stored.Clone(), &next)
		if len(opts) > 0 && !k.secrets && len(next.Secrets) > 0 {
			newest := next.Secrets[0]
			next.Secrets = stored.Secrets
			next.Secrets, refused = newRotation(opts).of(&m.d.profile, &next, newest, m.secretTime())
		}
		*stored = next
	})
	if err != nil || len(opts) == 0 {
		return edited, err
	}
	return m.withEnds(ctx, edited, k.stored)
}

// SetActive switches a webhook on or off. Switched off, it receives no events and what is
// queued for it waits, at most for Profile.MaxAge. Switched on, it goes on, with a clean
// record of health, if it is still valid. What is not can always be switched off. Errors:
// [*ValidationError], [ErrNotFound].
func (m *Manager) SetActive(ctx context.Context, scope, id string, active bool) error {
	check := m.validateAll
	if !active {
		check = func(*Webhook) error { return nil } // rules may have become stricter since it was stored
	}
	_, err := m.change(ctx, scope, id, 0, check, func(w *Webhook) { w.Active = active })
	return err
}

// Delete removes a webhook at once. Nothing queued for it is sent any more, apart from a
// request that is already under way. Errors: [ErrNotFound], and what Profile.Form.Delete answers.
func (m *Manager) Delete(ctx context.Context, scope, id string) error {
	if err := m.remove(ctx, scope, id); err != nil {
		m.mayHaveChanged(scope, id, err)
		return fmt.Errorf("webhook: delete %s: %w", id, err)
	}
	m.d.deleted(ctx, scope, id)
	m.d.sender.tokens.Forget(scope)
	return nil
}

func (m *Manager) remove(ctx context.Context, scope, id string) (err error) {
	remove := func(ctx context.Context) error { return m.reg.Delete(ctx, scope, id) }
	if m.d.profile.Form.Delete == nil {
		return remove(ctx)
	}
	defer contain("Profile.Form.Delete", &err)
	return m.d.profile.Form.Delete(ctx, scope, id, remove)
}

// DeleteScope removes everything of a tenant that leaves.
func (m *Manager) DeleteScope(ctx context.Context, scope string) error {
	ws, err := m.reg.Webhooks(ctx, scope)
	if err == nil {
		err = m.reg.DeleteScope(ctx, scope)
	}
	if err != nil {
		return fmt.Errorf("webhook: delete scope %q: %w", scope, err)
	}
	m.d.sender.tokens.Forget(scope)
	for _, w := range ws {
		m.d.engine.post(scheduler.Edited{Scope: scope, WebhookID: w.ID, At: time.Now(), Gone: true})
	}
	m.d.gone(scope, func(string) bool { return true })
	return nil
}

// Marks returns what the Store remembers keys with, for what must happen once over all hosts, or
// [ErrUnsupported].
func (m *Manager) Marks() (Marks, error) {
	marks, ok := m.d.store.(Marks)
	if !ok {
		return nil, fmt.Errorf("webhook: Marks: %w: it has none", ErrUnsupported)
	}
	return marks, nil
}

// Webhook returns one webhook. Errors: [ErrNotFound].
func (m *Manager) Webhook(ctx context.Context, scope, id string) (Webhook, error) {
	w, err := m.d.readWebhook(ctx, scope, id)
	if err != nil {
		return Webhook{}, fmt.Errorf("webhook: read %s: %w", id, err)
	}
	w.Seen = 0 // it is between Store and Dispatch
	return w, nil
}

// List returns the webhooks of a scope, oldest first.
func (m *Manager) List(ctx context.Context, scope string) ([]Webhook, error) {
	ws, err := m.reg.Webhooks(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("webhook: list scope %q: %w", scope, err)
	}
	for i := range ws {
		ws[i].Seen = 0 // it is between Store and Dispatch
	}
	return ws, nil
}

// Health tells how a webhook's endpoint has been doing. With a [HealthStore] it covers
// all hosts and outlives them; otherwise it is what this process has seen.
func (m *Manager) Health(ctx context.Context, scope, id string) (Health, error) {
	w, err := m.Webhook(ctx, scope, id)
	if err != nil {
		return Health{}, err
	}
	h, err := m.d.healthOf(ctx, scope, id)
	if err != nil {
		return Health{}, fmt.Errorf("webhook: health of %s: %w", id, err)
	}
	h.DisabledReason, h.CertificateUntil = w.DisabledReason, w.TLS.CertificateUntil()
	return h, nil
}

// healthOf prefers what this process has seen to what the Store remembers, unless that was
// long ago.
func (d *Dispatcher) healthOf(ctx context.Context, scope, id string) (Health, error) {
	var h Health
	var known, stale bool
	d.engine.look(func(s *scheduler.Scheduler) {
		var own scheduler.Health
		own, known = s.HealthOf(scope, id)
		h, stale = record(own), s.HealthStale(time.Now())
	})
	if d.health == nil || known && !stale {
		return h, nil
	}
	stored, err := read("Health", func() ([]Health, error) { return d.health.Health(ctx, scope, id) })
	if err == nil && len(stored) > 0 {
		h = stored[0]
	} else if err == nil && stale {
		h = Health{Scope: scope, WebhookID: id}
	}
	return h, err
}

// deleted lets everything that was planned for a webhook end.
func (d *Dispatcher) deleted(ctx context.Context, scope, id string) {
	d.engine.post(scheduler.Edited{Scope: scope, WebhookID: id, At: time.Now(), Gone: true})
	d.gone(scope, func(other string) bool { return other == id })
	if d.sweeper == nil {
		return // claims end what is queued
	}
	err := protect("Sweep", func() error {
		_, err := d.sweep(ctx)
		return err
	})
	d.answered(ctx, "Sweep", err) // Run's own sweep goes on where there is more
}

const maxEdits = 5

// change reads, changes, validates and writes a webhook. With version 0 it starts over
// when somebody else was quicker.
func (m *Manager) change(ctx context.Context, scope, id string, version int64, check func(*Webhook) error, edit func(*Webhook)) (Webhook, error) {
	var err error
	for range maxEdits {
		var was Webhook
		if was, err = m.d.readWebhook(ctx, scope, id); err != nil {
			break
		}
		if was.Unreadable != nil { // written back, it would lose what could not be opened
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
		if err := check(&w); err != nil {
			return Webhook{}, err
		}
		if err = m.reg.Update(ctx, w); err == nil {
			w.Version++
			m.d.engine.post(scheduler.Edited{Scope: scope, WebhookID: id, At: time.Now(), Fresh: freshStart(&was, &w), Takes: takesOf([]Webhook{w})})
			m.d.engine.post(scheduler.Announced{})
			return w, nil
		}
		m.mayHaveChanged(scope, id, err)
		if version != 0 || !isConflict(err) {
			break
		}
	}
	return Webhook{}, fmt.Errorf("webhook: change %s: %w", id, err)
}

// mayHaveChanged lets what waits for a webhook be sent on a new read of it, where it is not known
// whether it was changed.
func (m *Manager) mayHaveChanged(scope, id string, err error) {
	if errors.Is(err, ErrUnknown) {
		m.d.engine.post(scheduler.Edited{Scope: scope, WebhookID: id, At: time.Now()})
	}
}

// freshStart tells whether an old failure says nothing about the webhook any more.
func freshStart(was, is *Webhook) bool {
	return is.Active && !was.Active || was.URL != is.URL ||
		!slices.EqualFunc(was.Secrets, is.Secrets, Secret.Equal) ||
		!maps.Equal(was.Headers, is.Headers) || !was.Auth.Equal(is.Auth) || !was.TLS.sameIdentity(is.TLS) || !maps.Equal(was.Attributes, is.Attributes)
}

func newWebhookID() string { return "whk_" + strings.ToLower(rand.Text()) }
