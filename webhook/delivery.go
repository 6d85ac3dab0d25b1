package webhook

import (
	"errors"
	"fmt"
	"time"
)

// State is where a delivery stands. There is no running state: a delivery that
// is being sent is pending and held by a lease.
type State uint8

// The three states. Their numbers are stored by SQL adapters and never change.
const (
	StatePending   State = 0 // waits for its first attempt or for the next one
	StateDelivered State = 1 // the endpoint accepted it
	StateFailed    State = 2 // given up; LastCode says why
)

// String returns "pending", "delivered" or "failed".
func (s State) String() string {
	switch s {
	case StatePending:
		return "pending"
	case StateDelivered:
		return "delivered"
	case StateFailed:
		return "failed"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText returns the word of String, so JSON has words. Errors: an unknown number.
func (s State) MarshalText() ([]byte, error) {
	if s > StateFailed {
		return nil, fmt.Errorf("webhook: unknown %v", s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads the output of MarshalText. Errors: any other word.
func (s *State) UnmarshalText(text []byte) error {
	for known := StatePending; known <= StateFailed; known++ {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return errors.New("webhook: a state must be pending, delivered or failed")
}

// Delivery is one event on its way to one webhook. A Store keeps deliveries.
//
// In JSON names and words are stable, times are in RFC 3339 and left out where they are zero, and
// Body is in base64. Decoding restores every field but Seen.
type Delivery struct {
	// ID is made of (Scope, EventID, WebhookID), so a repeated Dispatch names the
	// same delivery. It holds letters, digits and "_".
	ID string `json:"id"`
	// EventID is the identifier that receivers see, the same on every attempt.
	EventID   string `json:"event_id"`
	WebhookID string `json:"webhook_id"`
	Scope     string `json:"scope"`
	// Type is the event's type.
	Type string `json:"type"`
	// Class splits the lane of a webhook where the Profile composes classes; empty as a
	// rule. At most 100 bytes.
	Class string `json:"class,omitempty"`
	// Body holds the exact bytes that are signed and sent, at every attempt.
	Body []byte `json:"body,omitzero"`
	// Key orders the deliveries of one webhook, or coalesces them, if the webhook was set so when
	// the event was dispatched; otherwise it is empty. It is 1 to 255 bytes.
	Key string `json:"key,omitempty"`
	// Sequence is the number that the Store gave at Enqueue, above 0: a delivery that was stored
	// later has a greater one. Gaps have no meaning. It is 0 in a Store that is no [KeyOrder].
	Sequence int64 `json:"sequence,omitempty"`
	// ExpiresAt is when the delivery stops being worth sending; zero for never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Superseded is set by a claim with [TakeNewest]: a later delivery of the same webhook,
	// key and type is stored. It is not stored.
	Superseded bool `json:"superseded,omitempty"`
	// Vars fill variables in the webhook's URL.
	Vars map[string]string `json:"vars,omitzero"`
	// Carry is the metadata that Options.Carry took from the context of Dispatch.
	Carry map[string]string `json:"carry,omitzero"`
	State State             `json:"state"`
	// Tries counts the attempts that have ended since the delivery was queued, by Dispatch or by
	// the latest Requeue. The retry budget limits it.
	Tries int `json:"tries"`
	// Attempts counts the attempts that have ended since Dispatch. It never starts anew, so
	// the numbers of attempts go on after a redelivery. Neither counts the attempt of a lost
	// lease, which the history keeps, unless it delivered.
	Attempts int `json:"attempts"`
	// Interrupted counts the leases that ran out since the delivery was queued: a process died or
	// lost its database during a send.
	Interrupted int `json:"interrupted,omitempty"`
	// Lease is the number of the latest claim; 0 before the first. It only grows.
	Lease int64 `json:"lease,omitempty"`
	// Held distinguishes a lease from a waiting retry.
	Held bool `json:"held"`
	// Due is when the delivery may be claimed: of a held one, the end of its lease; of one
	// that has ended, FinishedAt.
	Due time.Time `json:"due,omitzero"`
	// FirstFailure is the end of the first counted attempt that did not deliver.
	FirstFailure time.Time `json:"first_failure,omitzero"`
	// CreatedAt is when Dispatch accepted the event for this webhook.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// QueuedAt is CreatedAt, or the due time of the latest Requeue. The age that
	// Profile.MaxAge limits counts from here.
	QueuedAt time.Time `json:"queued_at,omitzero"`
	// FinishedAt is when the delivery ended; zero while it is pending.
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// Seen is the count of changes in the scope under which the webhook was matched; see
	// Webhook.Seen. Only Enqueue uses it and it is not stored; 0 means unchecked.
	Seen int64 `json:"-"`
	// LastCode is the outcome of the latest attempt, or the reason of an end without one.
	LastCode Code `json:"last_code,omitempty"`
	// Exhausted is set beside LastCode when the retry budget was spent. A pending delivery with
	// Exhausted set failed under [OrderHold] and waits for a person.
	Exhausted bool `json:"exhausted,omitempty"`
}

// Lane is the lane that the delivery waits in.
func (d *Delivery) Lane() Lane { return Lane{d.Scope, d.WebhookID, d.Class} }

// Attempt is the record of one request, made or refused. It holds nothing that
// a tenant must not see: no address, no URL, no secret. In JSON durations are in nanoseconds.
type Attempt struct {
	// Number is 1 for the first attempt, and goes on after a redelivery.
	Number int `json:"number"`
	// Status is the HTTP status, 0 when none was received.
	Status int `json:"status,omitempty"`
	// Code is the outcome; CodeOK when the endpoint accepted. Detail is the cause of some failures
	// without a status.
	Code   Code   `json:"code"`
	Detail Detail `json:"detail,omitempty"`
	// Start is when the attempt began; Duration how long it took, never negative.
	Start    time.Time     `json:"start,omitzero"`
	Duration time.Duration `json:"duration_ns"`
	// RetryAfter is the wait that the endpoint asked for with a transient status, uncapped: retry
	// policies cap it.
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
	// Snippet is the beginning of the answer's body, at most 4 KiB, without
	// control characters, secrets, URL paths and addresses.
	Snippet string `json:"snippet,omitempty"`
	// Header holds fields from the header of an answer that did not accept: at most 10 fields of
	// 200 bytes, such as Content-Type, Date, Retry-After, Server, Via and X-Request-Id, cleaned
	// like Snippet. Cookies, credentials and Location are never kept. It is nil for an attempt that
	// was accepted or got no answer. The slice is shared and must not be changed.
	Header []HeaderField `json:"header,omitempty"`
}

// OK reports whether the endpoint accepted the request.
func (a Attempt) OK() bool { return a.Code == CodeOK }

// End is Start plus Duration.
func (a Attempt) End() time.Time { return a.Start.Add(a.Duration) }

// Settlement is the outcome of a lease.
type Settlement struct {
	ID    string
	Scope string
	Lease int64
	State State
	// Due is the time of the next try for StatePending, otherwise the end of the delivery.
	// Zero stands for the End of Result.
	Due time.Time
	// Code becomes LastCode when it is not empty or the State is StateDelivered.
	Code Code
	// Exhausted goes with StateFailed when the retry budget is spent, and with StatePending
	// where the delivery waits for a person under [OrderHold].
	Exhausted bool
	// Result counts in Tries and Attempts and is kept in the history; nil with StatePending gives the
	// lease back uncounted, due at Due; nil with another State ends the delivery without
	// an attempt.
	Result *Attempt
}

// Apply returns the state of a pending delivery after s is stored, a success under a lost lease
// included. It is for Stores, which check the lease first.
func (s *Settlement) Apply(d Delivery) Delivery {
	due := s.Due
	if a := s.Result; a != nil {
		d.Tries++
		d.Attempts++
		if due.IsZero() {
			due = a.End()
		}
		if !a.OK() && d.FirstFailure.IsZero() {
			d.FirstFailure = a.End()
		}
	}
	if s.Code != CodeOK || s.State == StateDelivered {
		d.LastCode = s.Code
	}
	d.State, d.Held, d.Due, d.Exhausted = s.State, false, due, s.Exhausted && s.State == StateFailed
	if s.State != StatePending {
		d.FinishedAt = due
	}
	return d
}

// Code says how an attempt or a delivery ended. Codes are safe to show to
// tenants and stable: they are stored and may be compared.
type Code string

// MarshalText returns the code, and "ok" for CodeOK, so JSON has a word for it.
func (c Code) MarshalText() ([]byte, error) {
	if c == CodeOK {
		return []byte(wordOK), nil
	}
	return []byte(c), nil
}

// UnmarshalText reads the output of MarshalText.
func (c *Code) UnmarshalText(text []byte) error {
	if *c = Code(text); *c == wordOK {
		*c = CodeOK
	}
	return nil
}

const wordOK = "ok"

// The codes.
const (
	CodeOK             Code = ""                // the endpoint accepted
	CodeURLRejected    Code = "url_rejected"    // the URL breaks the Profile's rules
	CodeBlockedAddress Code = "blocked_address" // the name resolves to forbidden addresses only
	CodeDNS            Code = "dns"             // the name could not be resolved
	CodeConnect        Code = "connect"         // no connection
	CodeTLSVerify      Code = "tls_verify"      // the certificate is not valid for the host
	CodeTLS            Code = "tls"             // the TLS handshake failed otherwise
	CodeTimeout        Code = "timeout"         // no answer in time
	CodeProtocol       Code = "protocol"        // the answer is not HTTP, too large, or broke off before its status
	CodeEgress         Code = "egress"          // this process cannot send requests, see below
	CodeRedirect       Code = "redirect"        // status 300 to 399; redirects are never followed
	CodeStatus         Code = "status"          // any other status that is not success
	CodePayload        Code = "payload"         // the body exceeds the Profile's cap
	CodeAuth           Code = "auth"            // no token for the Authorization header, see Auth.OAuth
	CodeConfig         Code = "config"          // signer, secret, header or a stored row cannot be used
	CodeCancelled      Code = "cancelled"       // cancelled, or its webhook was deleted
	CodeInterrupted    Code = "interrupted"     // ten leases ran out during a send
	CodeCertificate    Code = "certificate"     // a client certificate ends soon; for Observer.Attention alone
	CodeExpired        Code = "expired"         // pending for longer than Profile.MaxAge, or beyond ExpiresAt
	CodeSuperseded     Code = "superseded"      // a later event of the same key and type took its place
)

// CodeEgress says that a request could not leave this process: the proxy is down or refuses it, no
// name server can be asked, no route leads anywhere, the process has run out of file descriptors
// or ports. It says nothing about the endpoint, so it counts against no webhook and is no try.
// A fault of one target that a proxy or a name server reports is no CodeEgress: it has the code of
// the same fault without them.
