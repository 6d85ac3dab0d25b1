package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook/sign"
)

// Profile is everything that differs between kinds of receivers. [Automation] and
// [Standard] return ready ones; a host changes fields of the copy it got before it
// gives it to [New], or fills one of its own. A Store serves one Profile for life,
// because it has matched and composed the queued deliveries.
//
// Beside its limits it has six parts, each with a default:
//
//   - Route: the webhooks that receive an event, and their deliveries
//   - Keep: whether a delivery is still wanted when its turn comes
//   - Prepare: the URL, headers and signature of a request
//   - Judge: the meaning of an answer
//   - Limits: further limits of requests beside those of their webhook
//   - Form: the fields that people enter for a webhook, and their checks
//
// Their functions are called from several goroutines at once and must not block. One
// that panics, or ends its goroutine, fails the delivery, or the Dispatch, with [ErrPanic] or
// [CodeConfig]. There are two exceptions. A delivery whose Keep panics is sent. An answer whose Judge
// panics is not accepted, and the delivery is not tried again.
type Profile struct {
	// Name is kept by the Store: 1 to 40 letters, digits, "-" or "_".
	Name string
	// Allow judges every URL when it is entered and again before every send, and
	// every address when it is dialled.
	Allow allowlist.Policy
	// HTTP2 offers HTTP/2 to endpoints. One connection then carries the requests of all webhooks
	// of a host, so an endpoint that breaks it breaks the requests of the others: leave it off
	// where one host serves receivers of many owners. Only Automation has it on.
	HTTP2 bool
	// Retry says when to try again.
	Retry retry.Policy
	// MaxBody is the largest body in bytes; 0 means 100 KiB.
	MaxBody int
	// MaxAge ends a delivery that has been pending for longer; 0 means 7 days.
	MaxAge time.Duration
	// DisableAfter switches a webhook off when every attempt failed for that long; 0 means never.
	// After half of it Observer.Attention is called.
	DisableAfter time.Duration

	// Route picks the receivers of an event among the live webhooks of its scope, whose slice it may
	// use, and describes the delivery of each, one at most. nil means [Webhook.Listens] for each of
	// them and the event's own body. [Each] and [Grouped] make a Route of functions that look at one
	// webhook, or one group, after the other. An error refuses the Dispatch;
	// one that concerns a single webhook belongs into [Routed].Err.
	Route func([]Webhook, payload.Event) ([]Routed, error)
	// Keep tells whether a delivery is still wanted when its turn comes; false ends it as
	// cancelled. nil keeps all.
	Keep func(Webhook, Delivery) bool
	// Prepare makes a request out of a delivery.
	Prepare Prepare
	// Judge returns the verdict on an attempt; nil means [DefaultJudge]. It is called as soon as the status of
	// an answer is there, with an Attempt that has Number, Start, Status and Code ([CodeStatus] or
	// [CodeRedirect]) only: this decides whether the endpoint accepted. Any other attempt is judged
	// when it is complete, and can then no longer be accepted.
	Judge func(Attempt) Verdict
	// Limits returns the limits of requests of a webhook's class beside the webhook's own
	// limits, such as that of the tenant at a host. All of them must have room before a delivery is
	// sent.
	Limits func(w Webhook, class string) []Limit
	// Form describes the fields that people enter for a webhook, and checks them.
	Form Form
}

// Prepare is how the requests of a [Profile] look.
type Prepare struct {
	// Target makes the URL of a request; nil means Webhook.URL. When a webhook is added it
	// is called with a sample delivery in which each variable of the URL has the value
	// "x", so a template is judged as it will be sent; see [Expand].
	Target func(Webhook, Delivery) (string, error)
	// Header sets headers, after Webhook.Headers and before the signature. Tries is
	// the number of attempts before this one since the delivery was queued, Attempts of all.
	Header func(Webhook, Delivery, http.Header)
	// Sign returns the Signer of requests to a webhook; nil, or a nil Signer, leaves them unsigned.
	// The Signer is kept while the webhook stays as it is and is in use. One that has a method
	// Until() time.Time is made anew from that time on; zero means never.
	Sign func(Webhook) (sign.Signer, error)
}

// Form describes the fields of webhooks of a [Profile], and how the [Manager] checks them.
type Form struct {
	// Events are the event types that a webhook can listen to; nil means any, or those of the
	// Catalogue. A name holds no "*". Other types cannot be dispatched.
	Events []string
	// AllowNoEvents accepts a webhook without events. "*" for all events and wildcards such as
	// "task.*" are accepted in any case.
	AllowNoEvents bool
	// Catalogue, where it is set, adds its types to Events, makes their examples for
	// [WithSample], inside an envelope where it says so, and tells the page of package settings
	// their titles, descriptions and examples.
	Catalogue *payload.Catalogue
	// Sample makes an example of an event type for [WithSample] that the Catalogue does not
	// have; nil means [payload.Sample].
	Sample func(eventType string) (payload.Data, bool)

	// RequireSecret makes a secret mandatory when a webhook is added.
	RequireSecret bool
	// NewSecret generates a secret for [Manager.Add] and [Manager.RotateSecret], which return it
	// so that people can hand it to the receiver. nil where the receiver's side makes the
	// secret, as a rule of Automation does: then it must be entered.
	NewSecret func() (Secret, error)
	// SecretSent says that a request holds the secret itself, as in a token header or in
	// the URL, and not only a signature made with it. Such a secret must be entered
	// again when a webhook gets another URL; see [Manager.Edit].
	SecretSent bool
	// Auth are the schemes of Authorization that a webhook may have beside its signature;
	// nil means none.
	Auth []AuthScheme
	// AllowToken judges token endpoints of [AuthOAuth]: each URL when it is entered and before
	// each use, every address when it is dialled. The zero value accepts any public https host,
	// whatever Allow says.
	AllowToken allowlist.Policy

	// Orders lists the policies that a webhook may have in Order; nil means none. Coalesces
	// allows Webhook.Coalesce.
	Orders    []OrderPolicy
	Coalesces bool
	// MaxPerScope limits the webhooks of a scope, inactive ones included; 0 means no limit.
	MaxPerScope int
	// Check adds field errors of a webhook to those that the Manager found.
	Check func(Webhook) []FieldError
	// Delete carries out the deletion of a webhook by the Manager: it calls remove, once, or
	// returns the reason against it, which Manager.Delete returns too. A [*ValidationError] is shown to people.
	// nil means that remove is called.
	Delete func(ctx context.Context, scope, id string, remove func(context.Context) error) error
}

// Limit bounds the requests in flight, and those of a second, of everything that names
// the same Key in one Dispatcher: two hosts on one Store send twice as much.
type Limit struct {
	// Key names what is limited, at most 300 bytes. The other fields should be the same
	// wherever the Key is; the latest ones hold.
	Key string
	// Max bounds the requests in flight; 0 means no bound.
	Max int
	// Rate is requests per second, 0 for no limit. Burst is how many may start at once
	// after a pause; 0 means one second's worth, at least 1.
	Rate  float64
	Burst int
}

// Automation is the Profile of Atlassian Automation's incoming webhooks: the fixed
// URL prefix, the token in X-Automation-Webhook-Token, three retries within about
// six minutes, three webhooks per scope. It also sends the event's ID as webhook-id,
// by which a receiver can drop repeats; set Prepare.Header to nil to leave that out.
func Automation() Profile {
	return Profile{
		Name:  "automation",
		Allow: allowlist.Automation(),
		HTTP2: true, // all webhooks are at one host, which one owner runs
		Retry: retry.Automation(),
		Judge: DefaultJudge,
		Prepare: Prepare{
			Target: automationTarget,
			Header: func(_ Webhook, d Delivery, h http.Header) {
				if d.EventID != "" {
					h.Set("Webhook-Id", d.EventID)
				}
			},
			Sign: automationSign,
		},
		Form: Form{
			Events:        payload.Triggers(),
			RequireSecret: true,
			SecretSent:    true,
			MaxPerScope:   3,
			Check:         automationCheck,
		},
	}
}

func secretInPath(w Webhook) bool { return w.Attributes[AttrSecretIn] == SecretInPath }

// automationTarget appends the secret as the last path segment where the webhook asks
// for it, in front of a query.
func automationTarget(w Webhook, _ Delivery) (string, error) {
	if !secretInPath(w) {
		return w.URL, nil
	}
	if len(w.Secrets) == 0 || !sign.PathSafe(w.Secrets[0]) {
		return "", errors.New("webhook: the secret cannot be a path segment")
	}
	return appendSegment(w.URL, w.Secrets[0].Reveal()), nil
}

func automationSign(w Webhook) (sign.Signer, error) {
	if len(w.Secrets) == 0 || secretInPath(w) {
		return nil, nil
	}
	return sign.Token(sign.TokenHeader, w.Secrets[0]), nil
}

func automationCheck(w Webhook) []FieldError {
	var out []FieldError
	if v, ok := w.Attributes[AttrSecretIn]; ok && v != SecretInPath {
		out = append(out, FieldError{"attributes", "unknown", fmt.Sprintf("%s can only be %q.", AttrSecretIn, SecretInPath)})
	}
	if secretInPath(w) && len(w.Secrets) > 0 && !sign.PathSafe(w.Secrets[0]) {
		out = append(out, FieldError{"secret", "path", "A secret in the URL path may hold letters, digits and . _ ~ - only."})
	}
	return out
}

// Standard is the Profile of the Standard Webhooks 1.0.0 specification: any public
// https endpoint, signed requests, ten attempts over about three days. Every status
// outside 2xx but a redirect is retried; 410 switches the webhook off, and so do
// five days in which every attempt failed. The body is the event's own: payload.WithEnvelope or
// Catalogue.Enveloped make the one with type, timestamp and data that the specification asks for.
// Webhooks that keep an order or coalesce also get a
// webhook-sequence.
func Standard() Profile {
	return Profile{
		Name:         "standard",
		Allow:        allowlist.Public(),
		Retry:        retry.Standard(),
		DisableAfter: 5 * 24 * time.Hour,
		Judge:        standardJudge,
		Prepare: Prepare{
			Header: SequenceHeader("Webhook-Sequence"),
			Sign:   func(w Webhook) (sign.Signer, error) { return sign.Standard(w.Secrets...) },
		},
		Form: Form{
			RequireSecret: true,
			NewSecret:     sign.GenerateSecret,
			Auth:          []AuthScheme{AuthBasic, AuthBearer, AuthValue, AuthOAuth},
			Orders:        []OrderPolicy{OrderSkip, OrderBlock, OrderHold},
			Coalesces:     true,
			MaxPerScope:   100,
			Check: func(w Webhook) []FieldError {
				if len(w.Secrets) == 0 {
					return nil // reported as required
				}
				if _, err := sign.Standard(w.Secrets...); err != nil {
					return []FieldError{{"secret", "format", "The secret must be 24 to 64 bytes in base64, with or without the prefix whsec_."}}
				}
				return nil
			},
		},
	}
}
