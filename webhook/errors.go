package webhook

import (
	"errors"
	"strings"
)

// Errors that callers may test for with errors.Is.
var (
	// ErrNotFound: no such webhook or delivery in that scope.
	ErrNotFound = errors.New("webhook: not found")
	// ErrConflict: another change was stored meanwhile; read it again.
	ErrConflict = errors.New("webhook: changed meanwhile, read it again")
	// ErrLimit: the scope has as many webhooks as the Profile allows.
	ErrLimit = errors.New("webhook: limit of webhooks reached, delete one or raise Profile.Form.MaxPerScope")
	// ErrInvalid: input was refused. A *ValidationError names the fields of a webhook; the text of
	// another error names those of Options and Profile.
	ErrInvalid = errors.New("webhook: invalid")
	// ErrHeld: the delivery is being sent right now; try again when its lease ends.
	ErrHeld = errors.New("webhook: delivery is being sent, try again later")
	// ErrFull: a bounded Store has no space.
	ErrFull = errors.New("webhook: store is full, raise its bounds or wait until deliveries end")
	// ErrClosed: the Store was closed.
	ErrClosed = errors.New("webhook: store is closed")
	// ErrRunning: Run was called while another Run is under way.
	ErrRunning = errors.New("webhook: dispatcher is already running")
	// ErrTooLarge: a body exceeds Profile.MaxBody, or the metadata of Options.Carry its bounds.
	ErrTooLarge = errors.New("webhook: too large")
	// ErrUnsupported: the Store lacks the optional interface that the call needs.
	ErrUnsupported = errors.New("webhook: the store lacks a capability that this call needs")
	// ErrProfile: the Store belongs to another Profile.
	ErrProfile = errors.New("webhook: store belongs to another profile, give each profile its own store")
	// ErrBusy: too many Dispatch calls already wait for a Store that does not answer, or
	// too many tests are under way.
	ErrBusy = errors.New("webhook: busy, try again later")
	// ErrUnknown: a statement was sent to the Store and its answer is missing, so whether it
	// was carried out is not known. Repeating the call with the same event IDs is safe.
	ErrUnknown = errors.New("webhook: the store did not answer, whether it stored anything is unknown")
	// ErrStale: the webhooks of a scope changed since they were read; read them again.
	ErrStale = errors.New("webhook: webhooks changed since they were read")
	// ErrSealed: the secrets of a webhook could not be decrypted or encrypted: a key is missing,
	// the key service does not answer, or the row is not the one that was sealed. A Store wraps it, so that a delivery waits for the key instead of failing for good.
	ErrSealed = errors.New("webhook: secrets of a webhook cannot be opened or sealed, check the keys")
	// ErrRotating: the previous secret is still valid beside the newest, and another rotation would
	// end it; a *RotatingError says until when.
	ErrRotating = errors.New("webhook: a rotation of the secret is under way")
	// ErrLast: the secret is the webhook's only one.
	ErrLast = errors.New("webhook: this is the only secret, replace it instead of revoking it")
	// ErrUnusable: what is stored of a webhook, such as its Filter, cannot be used. A Profile wraps
	// it, so that the deliveries to this webhook fail and no others; see [Routed].
	ErrUnusable = errors.New("webhook: what is stored of a webhook cannot be used, change the webhook")
	// ErrPanic: code of the host, such as a hook of the Profile, panicked or ended its goroutine by
	// runtime.Goexit. That was contained.
	ErrPanic = errors.New("webhook: hook panicked or ended its goroutine")
)

// FieldError is an error in one field of a form.
type FieldError struct {
	// Field is the name in [Webhook], lower case: "name", "url", "secret", "events",
	// "filter", "notes", "headers", "timeout", "order", "coalesce",
	// "coalesce_wait", "scope", "group", "attributes", "tls", and of Auth
	// "auth.scheme", "auth.username", "auth.secret", "auth.token_url", "auth.client_id",
	// "auth.scopes", "auth.audience", "auth.resource", "auth.client_auth"; or "overlap", of a
	// rotation.
	Field string `json:"field"`
	// Rule is a short stable word, such as "required", "too_long", "again" (a stored value would
	// reach another receiver: see [Manager.Edit]) or an allowlist rule like "A5".
	Rule string `json:"rule"`
	// Message is a sentence for people. It never repeats a secret or a URL.
	Message string `json:"message"`
}

// ValidationError lists everything that is wrong with an input, in the order of
// the form. errors.Is(err, ErrInvalid) holds.
type ValidationError struct {
	Fields []FieldError `json:"fields"`
}

// Error lists fields and messages.
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString("webhook: invalid")
	for i, f := range e.Fields {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(" " + f.Field + ": " + f.Message)
	}
	return b.String()
}

// Is makes errors.Is(err, ErrInvalid) hold.
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// Field returns the message for one field, "" when it is in order.
func (e *ValidationError) Field(name string) string {
	for _, f := range e.Fields {
		if f.Field == name {
			return f.Message
		}
	}
	return ""
}
