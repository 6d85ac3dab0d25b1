package payload

import "time"

// Data is the typed content of one kind of event.
//
// EventType names the kind, such as "taskSuccess": 1 to 255 bytes of visible ASCII. Webhooks
// subscribe to it, and in the bodies of this package it is the value of the key "trigger". New
// calls it once.
type Data interface {
	EventType() string
}

// Validator is Data that checks itself. [New] calls Validate before it encodes; an error refuses
// the event and is wrapped in an [InvalidError], so its text should name a field and hold no
// secret.
type Validator interface {
	Validate() error
}

// Encoder is Data that writes its own body. [New] keeps the appended bytes as they are, spaces and
// key order included, after checking that they are one valid JSON value in UTF-8.
//
// AppendBody appends the body to dst, returns the extended slice and keeps no
// reference to it.
type Encoder interface {
	AppendBody(dst []byte) ([]byte, error)
}

// Event is an encoded event. [New] makes it. A host may also set the fields itself: the event then
// has no [Event.Subject], and Body must be final.
//
// An Event is a value. Copies share Body and Vars, which must not change after the event was passed
// on.
type Event struct {
	// ID is the identifier for receivers, the same on every attempt; it holds no dot. A second
	// event with the same ID in a scope counts as a repetition.
	ID string
	// Scope is the installation or tenant. Only webhooks of the same scope
	// receive the event.
	Scope string
	// Type is the EventType of the Data.
	Type string
	// Time is the time of the event, in UTC.
	Time time.Time
	// Body holds the exact bytes that are signed and sent.
	Body []byte
	// Vars are the values for ${...} in webhook URLs.
	Vars map[string]string
	// Key identifies the object of the event, where [WithKey] set it; see there.
	Key string
	// ExpiresAt is the end of the time in which the event is sent; zero for none. See [WithTTL].
	ExpiresAt time.Time

	subject any
}

// Subject returns the argument of [WithSubject], or nil. It exists in memory only: an event from a
// store has none.
func (e Event) Subject() any { return e.subject }
