package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// Manager is the API for settings pages: it validates with the Profile and reports field errors
// that a form can show. Every call by ID takes the scope, so a tenant cannot reach into another's.
// All methods are safe for concurrent use; after an error nothing has changed, unless
// errors.Is(err, [ErrUnknown]): then a statement was sent and its answer is missing, and a read
// shows the stored state.
type Manager struct{ d *Dispatcher }

// Manager returns the Manager of this Dispatcher, or [ErrUnsupported] when its Store is
// no [Registry].
func (d *Dispatcher) Manager() (*Manager, error) {
	if d.registry == nil {
		return nil, fmt.Errorf("webhook: Manager needs a Store that is a Registry: %w", ErrUnsupported)
	}
	return &Manager{d}, nil
}

// Add validates and stores a new webhook and returns it as stored, with its new ID, its canonical
// URL and its times. ID, CreatedAt, UpdatedAt, DisabledReason and Version of w are ignored. A
// webhook without Active is stored switched off: it receives nothing until [Manager.SetActive]. If
// Profile.Form.NewSecret is set, it generates a required secret that is missing, and a secret that
// is zero: Secrets[0] of the returned webhook holds it, so that it can be shown once. Errors:
// [*ValidationError], [ErrLimit].
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
	if err := m.d.registry.Create(ctx, w, m.d.profile.Form.MaxPerScope); err != nil {
		return Webhook{}, fmt.Errorf("webhook: add to scope %q: %w", w.Scope, err)
	}
	return w, nil
}

// Edit validates and replaces a webhook. Forms do not get stored values back, so these keep them if
// they are empty in w: the URL, Secrets as a whole, the value of a header, and Username, Secret,
// TokenURL and ClientID of an Auth with the same Scheme; so do the Key of TLS beside a Certificate,
// and Pending. CreatedAt, DisabledReason and DisabledAt cannot be edited; activating clears the
// last two. Version must be the one that was read, or 0 to overwrite any version. Changing the URL,
// the secrets, the headers, Auth, TLS or the attributes, or activating, also clears the webhook's
// health.
//
// A kept value never reaches another receiver. If the URL changes, or anything else that changes
// the result of Profile.Prepare.Target, w must hold the values of headers and of Auth, the key of
// TLS, and the secret if requests hold it (see Profile.Form.SecretSent). If the token endpoint or
// the client ID changes, w must hold the secret of Auth. A [FieldError] with the rule "again" names
// each missing value. Values in w count as entered: a form handler fills in what was typed and
// leaves the rest empty; it does not pass on values that it has read from the Store.
//
// Secrets that are not in w end at once. With opts, Secrets[0] comes in as by [Manager.RotateSecret],
// in the same write, and the other secrets of w are ignored; without a secret in w, opts are refused.
//
// Errors: [*ValidationError], [ErrNotFound], [ErrConflict], [ErrSealed] while the stored webhook
// cannot be opened; with opts also those of RotateSecret.
func (m *Manager) Edit(ctx context.Context, w Webhook, opts ...RotateOption) (Webhook, error) {
	var k keptValues
	var refused error
	check := func(next *Webhook) error {
		return cmp.Or(m.validate(next, func(canonical *Webhook) []FieldError {
			return append(k.mustReenter(&m.d.profile, canonical), m.newCertificate(&k.stored.TLS, &canonical.TLS)...)
		}), refused)
	}
	edited, err := m.change(ctx, w.Scope, w.ID, w.Version, check, func(stored *Webhook) {
		next := w.Clone()
		next.Version, next.CreatedAt, next.DisabledReason = stored.Version, stored.CreatedAt, stored.DisabledReason
		next.DisabledAt = stored.DisabledAt
		k = keepEmpty(stored.Clone(), &next)
		switch {
		case len(opts) == 0:
		case len(w.Secrets) == 0:
			refused = &ValidationError{Fields: []FieldError{{"secret", "required", "Enter the new secret, which a rotation needs."}}}
		default:
			next.Secrets = stored.Secrets
			next.Secrets, refused = newRotation(opts).apply(&m.d.profile, &next, w.Secrets[0], m.secretTime())
		}
		*stored = next
	})
	if err != nil || len(opts) == 0 {
		return edited, err
	}
	return m.withEnds(ctx, edited, k.stored)
}

// SetActive switches a webhook on or off. An inactive webhook receives no events, and its queued
// deliveries wait, at most for Profile.MaxAge. An activated one continues with a new record of
// health; it must be valid. A webhook that is invalid, or cannot be opened, can be switched off.
// Errors: [*ValidationError], [ErrNotFound], and [ErrSealed] where one that cannot be opened is
// switched on.
func (m *Manager) SetActive(ctx context.Context, scope, id string, active bool) error {
	check := m.validateAll
	if !active {
		check = nil // rules may have become stricter since it was stored
	}
	_, err := m.change(ctx, scope, id, 0, check, func(w *Webhook) { w.Active = active })
	return err
}

// Delete removes a webhook at once, also one that cannot be opened. None of its queued deliveries is
// sent any more, apart from requests in flight. Errors: [ErrNotFound], and those of
// Profile.Form.Delete.
func (m *Manager) Delete(ctx context.Context, scope, id string) error {
	if err := m.remove(ctx, scope, id); err != nil {
		m.rereadIfUnknown(scope, id, err)
		return fmt.Errorf("webhook: delete %s: %w", id, err)
	}
	m.d.afterDelete(ctx, scope, id)
	m.d.sender.tokens.Forget(scope)
	return nil
}

func (m *Manager) remove(ctx context.Context, scope, id string) (err error) {
	remove := func(ctx context.Context) error { return m.d.registry.Delete(ctx, scope, id) }
	if m.d.profile.Form.Delete == nil {
		return remove(ctx)
	}
	defer contain("Profile.Form.Delete", &err)
	return m.d.profile.Form.Delete(ctx, scope, id, remove)
}

// DeleteScope removes all data of a tenant, its webhooks first. After an error another call continues.
// An unknown scope is no error.
func (m *Manager) DeleteScope(ctx context.Context, scope string) error {
	ws, err := m.d.registry.Webhooks(ctx, scope)
	if err == nil {
		err = m.d.registry.DeleteScope(ctx, scope)
	}
	if err != nil {
		for _, w := range ws {
			m.rereadIfUnknown(scope, w.ID, err)
		}
		return fmt.Errorf("webhook: delete scope %q: %w", scope, err)
	}
	m.d.sender.tokens.Forget(scope)
	for _, w := range ws {
		m.d.engine.post(scheduler.Edited{Scope: scope, WebhookID: w.ID, At: time.Now(), Gone: true})
	}
	m.d.forgetSealed(scope, func(string) bool { return true })
	return nil
}

// Marks returns the Store's idempotency keys, for actions that must happen once over all hosts, or
// [ErrUnsupported].
func (m *Manager) Marks() (Marks, error) {
	if m.d.marks == nil {
		return nil, fmt.Errorf("webhook: Marks: %w: it has none", ErrUnsupported)
	}
	return m.d.marks, nil
}

// Webhook returns one webhook. One that cannot be opened has Webhook.Unreadable set. Errors:
// [ErrNotFound].
func (m *Manager) Webhook(ctx context.Context, scope, id string) (Webhook, error) {
	w, err := m.d.readWebhook(ctx, scope, id)
	if err != nil {
		return Webhook{}, fmt.Errorf("webhook: read %s: %w", id, err)
	}
	w.Seen = 0 // only for Dispatch
	return w, nil
}

// List returns the webhooks of a scope, oldest first. An unknown scope has none. One that cannot be
// opened has Webhook.Unreadable set.
func (m *Manager) List(ctx context.Context, scope string) ([]Webhook, error) {
	ws, err := m.d.registry.Webhooks(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("webhook: list scope %q: %w", scope, err)
	}
	for i := range ws {
		ws[i].Seen = 0 // only for Dispatch
	}
	return ws, nil
}

// Health returns the health of a webhook's endpoint. With a [HealthStore] it covers all hosts and
// outlives them; what other hosts have recorded may be missing for half a minute. Otherwise it covers
// the requests of this process. Errors: [ErrNotFound].
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

// afterDelete ends the deliveries of a deleted webhook.
func (d *Dispatcher) afterDelete(ctx context.Context, scope, id string) {
	d.engine.post(scheduler.Edited{Scope: scope, WebhookID: id, At: time.Now(), Gone: true})
	d.forgetSealed(scope, func(other string) bool { return other == id })
	if d.sweeper == nil {
		return // claims end its queued deliveries
	}
	err := protect("Sweep", func() error {
		_, err := d.sweep(ctx)
		return err
	})
	d.recordCall(ctx, "Sweep", err) // Run sweeps again if there is more
}

func newWebhookID() string { return "whk_" + strings.ToLower(rand.Text()) }
