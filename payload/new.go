package payload

import (
	"slices"
	"time"
	"unicode/utf8"
)

// New checks the data, encodes it and returns the event. It is the only place where a body is
// marshalled.
//
// The scope names the installation or tenant: 1 to 255 bytes of UTF-8 without
// control characters. The data may be one of this package's types, by value or
// by pointer, or any other type (see [Data], [Validator], [Encoder]). A type of
// another package that uses a trigger name of this package must encode to a
// body that [Decode] accepts for that trigger.
//
// Errors: ErrInvalid for the scope, an option or the data, ErrTooLarge for the
// size of the body. A panic in a method of the data is caught and becomes an
// [InvalidError] that wraps a [PanicError].
func New(scope string, data Data, opts ...Option) (Event, error) {
	now := time.Now()
	s := settings{time: now, maxBody: DefaultMaxBody}
	for _, opt := range opts {
		if opt == nil {
			return Event{}, invalid("Option", "must not be nil")
		}
		if err := opt(&s); err != nil {
			return Event{}, err
		}
	}
	if !validScope(scope) {
		return Event{}, invalid("scope", "must have 1 to 255 bytes of UTF-8 without control characters")
	}
	if s.id == "" {
		s.id = newID(now)
	}

	enc, err := encode(data, &s)
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID:      s.id,
		Scope:   scope,
		Type:    enc.typ,
		Time:    s.time.UTC().Round(0), // without the monotonic clock, which no store keeps
		Body:    enc.body,
		Vars:    s.vars,
		Key:     s.key,
		subject: s.subject,
	}
	if s.ttl > 0 {
		if e.ExpiresAt = e.Time.Add(s.ttl); !writable(e.ExpiresAt) {
			return Event{}, invalid("TTL", "must end before the year 10000")
		}
	}
	if s.envelope {
		if e.Body, err = envelop(&e); err != nil {
			return Event{}, err
		}
	}
	if n := len(e.Body); n > s.maxBody {
		return Event{}, &TooLargeError{Type: enc.typ, Size: n, Limit: s.maxBody}
	}
	e.Body = slices.Clip(e.Body)
	return e, nil
}

func validScope(scope string) bool { return len(scope) <= maxScope && plainLine(scope) }

// plainLine reports whether s is text without control characters, and not empty.
func plainLine(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false // PostgreSQL's text has no NUL; the others break a log line
		}
	}
	return true
}
