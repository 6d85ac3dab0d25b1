package payload

import "time"

// Data is the typed content of one kind of event.
//
// EventType names the kind, such as "taskSuccess": 1 to 255 bytes of visible
// ASCII. It is what webhooks subscribe to and, in the bodies of this package,
// the value of the key "trigger". New calls it once.
type Data interface {
	EventType() string
}

// Validator is Data that can tell whether it may be sent. [New] calls Validate
// before it encodes; an error refuses the event and is wrapped in an
// [InvalidError], so its text should name a field and hold no secret.
type Validator interface {
	Validate() error
}

// Encoder is Data that writes its own body. [New] then keeps the appended bytes
// as they are, spaces and key order included, after checking that they are one
// valid JSON value in UTF-8.
//
// AppendBody appends the body to dst, returns the extended slice and keeps no
// reference to it.
type Encoder interface {
	AppendBody(dst []byte) ([]byte, error)
}

// Event is an encoded event. [New] makes it. One put together by hand works
// too: it then has no [Event.Subject], and Body must be final.
//
// An Event is a value. Copies share Body and Vars, which must not change
// once the event has been handed on.
type Event struct {
	// ID is what a receiver sees, the same on every attempt; it holds no dot.
	// Within a scope a second event with the same ID is taken for a repetition.
	ID string
	// Scope is the installation or tenant. Only webhooks of the same scope
	// receive the event.
	Scope string
	// Type is the EventType of the Data.
	Type string
	// Time is when it happened, in UTC.
	Time time.Time
	// Body holds the exact bytes that are signed and sent.
	Body []byte
	// Vars are the values for ${...} in webhook URLs.
	Vars map[string]string
	// Key names what the event is about, where [WithKey] set it; see there.
	Key string
	// ExpiresAt is when the event stops being worth sending; zero for never. See
	// [WithTTL].
	ExpiresAt time.Time

	subject any
}

// Subject returns what [WithSubject] set, or nil. It lives in memory only: an
// event that went through a store has none.
func (e Event) Subject() any { return e.subject }
