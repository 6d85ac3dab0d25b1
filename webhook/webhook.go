package webhook

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
	"github.com/postrider/postrider/webhook/sign"
)

// Secret is a credential of a webhook. Every way of printing, logging or
// encoding it yields "[redacted]"; see [sign.Secret].
type Secret = sign.Secret

// NewSecret wraps a credential; see [sign.NewSecret].
func NewSecret(s string) Secret { return sign.NewSecret(s) }

// Webhook is the configuration of one receiver. It is a plain value: changing
// a copy changes nothing until the copy goes through [Manager.Edit] or
// [Registry.Update]. Printing, logging or encoding one masks its secret parts: Secrets,
// the values of Headers, Auth, and the URL after the host; see [Webhook.Format] for the one
// exception.
type Webhook struct {
	// ID is random, unique in its Store and holds letters, digits, "_" and "-".
	// [Manager.Add] makes it.
	ID string `json:"id"`
	// Scope is the installation or tenant, 1 to 255 bytes. A webhook receives events of its own
	// scope only.
	Scope string `json:"scope"`
	// Group joins webhooks of one scope into one delivery per event, if
	// Profile.Route is [Grouped]; empty means that the webhook stands alone. At most 255 bytes.
	Group string `json:"group,omitempty"`
	// Name is a title for people, 1 to 200 runes.
	Name string `json:"name"`
	// URL is the canonical form of the entered URL, at most 2,048 bytes.
	// Everything after the host is a credential and is never printed.
	URL string `json:"url"`
	// Secrets sign requests, newest first: at most 10 of 4,096 bytes. Each has an ID, a creation time and possibly an end, see
	// [Secret.WithLife], which the Manager gives and a Store keeps. The newest has no end. After a
	// rotation the previous one stays until its end; an ended secret may still be listed here, and
	// no request uses it. A secret that was stored without the three values has no known age and no
	// end.
	Secrets []Secret `json:"secrets,omitempty"`
	// Events are the types this webhook listens to: a name, "task.*" for every type that begins
	// with "task.", those that are added later included, or "*" for all. Nothing else may hold
	// a star. At most 200 of 1 to 100 bytes.
	Events []string `json:"events"`
	// Filter narrows Events further, in the language of the Profile; at most 10,000 bytes.
	Filter string `json:"filter,omitempty"`
	// Notes are for people, at most 4,000 runes.
	Notes string `json:"notes,omitempty"`
	// Headers are sent with every request: at most 20, with names of 128 and values of 4,096 bytes of
	// printable ASCII. Their values are secrets:
	// they are treated like Secrets in snippets, errors and logs.
	Headers map[string]string `json:"headers,omitempty"`
	// Auth makes the Authorization header, where Profile.Form.Auth allows its scheme.
	Auth Auth `json:"auth,omitzero"`
	// TLS is the client certificate of requests, and the authorities that verify the server.
	TLS ClientTLS `json:"tls,omitzero"`
	// Timeout bounds one attempt; 0 means Options.Timeout, which is also the
	// largest value allowed.
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	// Order keeps the events of one key in the order of their Dispatch calls, one request of a key
	// at a time; see [OrderPolicy]. It applies to events that are dispatched from then on. When it
	// is switched off, queued deliveries are sent in parallel. It needs a Store that is a
	// [KeyOrder] and a Profile that allows it.
	Order OrderPolicy `json:"order,omitempty"`
	// Coalesce sends only the latest of several queued events of one key and type; the others end
	// as [CodeSuperseded]. CoalesceWait is how long the first one waits for more, 0 to 10 min: a
	// fixed window, which later events do not move. Both have the requirements of Order.
	Coalesce     bool          `json:"coalesce,omitempty"`
	CoalesceWait time.Duration `json:"coalesce_wait_ns,omitempty"`
	// Active webhooks receive events. Queued deliveries of an inactive one wait.
	Active bool `json:"active"`
	// ExcludeBody asks a Profile that composes to send no body.
	ExcludeBody bool `json:"exclude_body,omitempty"`
	// ExpiresAt, where it is set, is the end of the webhook: from then on it receives no events,
	// and none of its queued deliveries is sent.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// CreatedAt and UpdatedAt are set by the Manager.
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// DisabledReason says why Postrider switched the webhook off by itself, as
	// [DisabledGone] or beginning with [DisabledFailing]; empty when a person did.
	// Activating clears it.
	DisabledReason string `json:"disabled_reason,omitempty"`
	// DisabledAt is the time of that; zero beside an empty DisabledReason.
	DisabledAt time.Time `json:"disabled_at,omitzero"`
	// Attributes are data of the Profile or of the host, such as
	// [AttrSecretIn]: at most 50, each with 4,096 bytes of key and value. They are not secret.
	Attributes map[string]string `json:"attributes,omitempty"`
	// Version counts changes. An update with another version than the stored
	// one ends in [ErrConflict].
	Version int64 `json:"version"`
	// Seen is set by a Store that counts the changes of a scope's webhooks: the count under
	// which this one was read, above 0. Such a Store checks it when deliveries are
	// stored; see [Enqueuer]. It is not part of the configuration.
	Seen int64 `json:"-"`
	// Unreadable is set by the Store where URL, secrets, headers, Auth or the keys of TLS cannot be opened, and
	// says why: errors.Is(err, [ErrSealed]) holds. Those fields are empty then, and
	// nothing is sent until they can be read. It is not part of the configuration.
	Unreadable error `json:"-"`
}

// The values of Webhook.DisabledReason, so that a page can use its own words. A time in RFC 3339
// and a full stop follow DisabledFailing.
const (
	DisabledGone    = scheduler.ReasonGone    // "The endpoint is gone for good."
	DisabledFailing = scheduler.ReasonFailing // "Every attempt has failed since "
)

// AttrSecretIn is the key in Webhook.Attributes that moves the secret of an
// automation webhook from the header to the end of the URL path, for senders
// that cannot set headers: the value is [SecretInPath].
const (
	AttrSecretIn = "secret_in"
	SecretInPath = "path"
)

// Live reports whether the webhook receives at the given time: it is active and
// not expired.
func (w Webhook) Live(now time.Time) bool {
	return w.Active && (w.ExpiresAt.IsZero() || now.Before(w.ExpiresAt))
}

// Listens reports whether typ is among the webhook's Events, or matches a wildcard among them.
func (w Webhook) Listens(typ string) bool {
	for _, e := range w.Events {
		if e == typ || e == anyEvent {
			return true
		}
		if prefix, is := wildcardPrefix(e); is && strings.HasPrefix(typ, prefix) {
			return true
		}
	}
	return false
}

// Clone returns a copy that shares no memory with w. Stores in memory hand out
// clones, so that a host cannot change the stored webhook by writing into a map.
func (w Webhook) Clone() Webhook {
	w.Secrets = slices.Clone(w.Secrets)
	w.Events = slices.Clone(w.Events)
	w.Headers = maps.Clone(w.Headers)
	w.Attributes = maps.Clone(w.Attributes)
	w.Auth.OAuth.Scopes = slices.Clone(w.Auth.OAuth.Scopes)
	return w
}
