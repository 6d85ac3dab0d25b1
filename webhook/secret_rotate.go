package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// DefaultOverlap is how long the previous secret continues to sign after a rotation: a day is
// enough to change a receiver by hand. MaxOverlap is the longest overlap.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 7 * 24 * time.Hour
)

// minProof is the least number of bytes that a second signature adds to a request.
const minProof = 16

// RotateOption changes how a secret is replaced.
type RotateOption func(*rotation)

type rotation struct {
	overlap  time.Duration
	explicit bool // the overlap was given
	revoke   bool
}

// Overlap keeps the previous secret for d beside the new one, 0 to [MaxOverlap], in place of
// [DefaultOverlap]. With 0 it ends at once.
func Overlap(d time.Duration) RotateOption {
	return func(r *rotation) { r.overlap, r.explicit = d, true }
}

// DefaultRotation stands for the defaults of [Manager.RotateSecret]. It is for [Manager.Edit],
// where an option says that the secret is rotated.
func DefaultRotation() RotateOption { return func(*rotation) {} }

// RevokeNow ends every older secret at once, also during an overlap and with any Overlap: for a
// secret that has leaked.
func RevokeNow() RotateOption { return func(r *rotation) { r.revoke = true } }

func newRotation(opts []RotateOption) *rotation {
	r := &rotation{overlap: DefaultOverlap}
	for _, set := range opts {
		set(r)
	}
	return r
}

// RotatingError says that an overlap is open. errors.Is(err, [ErrRotating]) holds.
type RotatingError struct {
	// Until is when it ends.
	Until time.Time
}

// Error names the end.
func (e *RotatingError) Error() string {
	return fmt.Sprintf("%v until %s: wait, or revoke the older secret now", ErrRotating, e.Until.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrRotating) hold.
func (e *RotatingError) Is(target error) bool { return target == ErrRotating }

// RotateSecret makes next the newest secret, or one of Profile.Form.NewSecret if next is zero:
// Secrets[0] of the returned webhook holds it, so that it can be shown once. If requests carry a
// signature of each secret, the previous one stays valid for the overlap, by default
// [DefaultOverlap], so that a receiver can change over; then it ends by itself. If they carry one
// credential, such as a token, only the newest is valid at once, and an Overlap above 0 is refused:
// field "overlap", rule "unsupported".
//
// At most two secrets are valid at a time. During an overlap another rotation is refused with a
// [*RotatingError], because it would end the secret that the receiver uses; RevokeNow overrides
// that. If next is the newest already, no secret changes, so a call may be repeated.
//
// A Store that drops the end of a secret would let it sign for ever. RotateSecret therefore reads
// the stored webhook back; if the end is missing, it undoes the rotation and answers
// [ErrUnsupported]. Errors: also [*ValidationError], [ErrNotFound], [ErrSealed], and [ErrUnknown]
// if the webhook could neither be read back nor the rotation undone.
func (m *Manager) RotateSecret(ctx context.Context, scope, id string, next Secret, opts ...RotateOption) (Webhook, error) {
	if next.IsZero() && m.d.profile.Form.NewSecret != nil {
		var err error
		if next, err = m.d.profile.generateSecret(); err != nil {
			return Webhook{}, err
		}
	}
	r := newRotation(opts)
	var was Webhook
	var refused error
	check := func(w *Webhook) error { return cmp.Or(m.validateAll(w), refused) }
	w, err := m.change(ctx, scope, id, 0, check, func(w *Webhook) {
		was = w.Clone()
		w.Secrets, refused = r.apply(&m.d.profile, w, next, m.secretTime())
	})
	if err != nil {
		return Webhook{}, err
	}
	return m.withEnds(ctx, w, was)
}

// apply returns the secrets of w after the rotation to next. With an error it returns next alone,
// so that next is validated too.
func (r *rotation) apply(p *Profile, w *Webhook, next Secret, now time.Time) ([]Secret, error) {
	if r.overlap < 0 || r.overlap > MaxOverlap {
		return []Secret{next}, &ValidationError{Fields: []FieldError{{"overlap", "range", fmt.Sprintf("An overlap may be 0 to %v.", MaxOverlap)}}}
	}
	older := slices.DeleteFunc(slices.Clone(w.Secrets), next.Equal)
	switch _, until := liveSecrets(w.Secrets, now); {
	case r.revoke || len(older) == 0:
		return []Secret{next}, nil
	case w.Secrets[0].Equal(next):
		return w.Secrets, nil
	case !until.IsZero():
		return []Secret{next}, &RotatingError{until}
	case r.overlap == 0:
		return []Secret{next}, nil
	case !p.provesEach(w, next, older[0]):
		if r.explicit {
			return []Secret{next}, &ValidationError{Fields: []FieldError{{"overlap", "unsupported",
				"Requests carry one credential, so the newest counts at once: leave the overlap out."}}}
		}
		return []Secret{next}, nil
	}
	return []Secret{next, older[0].WithLife(older[0].ID(), older[0].CreatedAt(), now.Add(r.overlap))}, nil
}

// provesEach reports whether requests carry a signature of each of two secrets. It compares the
// lengths of requests, because a signature may hold random bytes. It is false if a request cannot
// be built.
func (p *Profile) provesEach(w *Webhook, newest, older Secret) bool {
	length := func(secrets ...Secret) (n int) {
		with := w.Clone()
		with.Secrets = secrets
		r, err := p.sampleRequest(&with)
		if err != nil {
			return -1
		}
		for _, values := range r.Header {
			for _, v := range values {
				n += len(v)
			}
		}
		return n + len(r.URL.String())
	}
	one, two := length(newest), length(newest, older)
	return one >= 0 && two >= one+minProof
}

// withEnds checks that the Store has kept the ends of w's secrets. If not, it writes was back.
func (m *Manager) withEnds(ctx context.Context, w, was Webhook) (Webhook, error) {
	if !slices.ContainsFunc(w.Secrets, func(s Secret) bool { return !s.ExpiresAt().IsZero() }) {
		return w, nil
	}
	got, err := m.d.readWebhook(ctx, w.Scope, w.ID)
	switch {
	case err == nil && got.Unreadable != nil:
		err = got.Unreadable
	case err == nil && slices.EqualFunc(w.Secrets, got.Secrets, sameSecret):
		return w, nil
	case err == nil && got.Version > w.Version:
		return w, nil // a later change checks its own ends
	case err == nil:
		err = fmt.Errorf("the Store does not keep when a secret ends, rotate with RevokeNow: %w", ErrUnsupported)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_, undo := m.change(ctx, w.Scope, w.ID, w.Version, func(*Webhook) error { return nil }, func(now *Webhook) {
		was.Version = now.Version
		*now = was
	})
	if undo != nil {
		err = errors.Join(ErrUnknown, err, undo)
	}
	return Webhook{}, fmt.Errorf("webhook: rotate the secret of %s: %w", w.ID, err)
}

// RevokeSecret ends the secret with the given ID at once; [Manager.Secrets] lists the IDs. Errors:
// [ErrLast] for the only one, which RotateSecret with RevokeNow replaces; [ErrNotFound] for an
// unknown webhook or secret, also one that has ended; [ErrSealed].
func (m *Manager) RevokeSecret(ctx context.Context, scope, id, secretID string) (Webhook, error) {
	var refused error
	check := func(*Webhook) error { return refused } // rules may have become stricter since it was stored
	return m.change(ctx, scope, id, 0, check, func(w *Webhook) {
		at := slices.IndexFunc(w.Secrets, func(s Secret) bool { return s.ID() == secretID })
		switch {
		case at < 0:
			refused = fmt.Errorf("webhook: revoke a secret of %s: %w", id, ErrNotFound)
		case len(w.Secrets) == 1:
			refused = fmt.Errorf("webhook: revoke the secret of %s: %w", id, ErrLast)
		default:
			refused, w.Secrets = nil, slices.Delete(slices.Clone(w.Secrets), at, at+1)
		}
	})
}

// Secrets lists the valid secrets of a webhook, newest first, without their texts. Errors:
// [ErrNotFound], [ErrSealed].
func (m *Manager) Secrets(ctx context.Context, scope, id string) ([]SecretInfo, error) {
	w, err := m.d.readWebhook(ctx, scope, id)
	if err == nil {
		err = w.Unreadable
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: secrets of %s: %w", id, err)
	}
	known := knownSecrets(&w, m.secretTime())
	infos := make([]SecretInfo, len(known))
	for i, s := range known {
		infos[i] = m.d.profile.secretInfo(&w, s)
	}
	return infos, nil
}
