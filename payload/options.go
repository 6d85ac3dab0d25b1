package payload

import (
	"maps"
	"time"
	"unicode/utf8"
)

// DefaultMaxBody is the longest body that [New] accepts without [WithMaxBody]: 25 MiB, which covers
// the 25 MB that Jira Cloud documents for its webhooks. A sender has its own limit, usually a lower
// one.
const DefaultMaxBody = 25 << 20

// Bounds of New's arguments beside the Data, in bytes.
const (
	maxID       = 255
	maxScope    = 255
	maxType     = 255
	maxVars     = 64
	maxVarName  = 128
	maxVarValue = 2048 // the bound of a URL
	maxKey      = 255
)

// Option changes [New]. If an option is given twice, the last one counts.
type Option func(*settings) error

type settings struct {
	id           string
	time         time.Time
	vars         map[string]string
	key          string
	ttl          time.Duration
	subject      any
	maxBody      int
	anyProcessID bool
	expiry       ExpiryFormat
	envelope     bool
}

// WithID sets the event's ID, by default a fresh UUID of version 7 (RFC 9562). With an ID derived
// from the event, such as the run's processId, a repeated dispatch of the same event has no effect.
//
// An ID has 1 to 255 bytes out of A-Z a-z 0-9 - _ ~ : / + = @, so it is safe in a header. It holds
// no dot, which separates the parts that Standard Webhooks 1.0.0 signs. New returns ErrInvalid
// otherwise.
func WithID(id string) Option {
	return func(s *settings) error {
		if !validID(id) {
			return invalid("ID", "must have 1 to 255 bytes out of A-Z a-z 0-9 - _ ~ : / + = @, without a dot")
		}
		s.id = id
		return nil
	}
}

// WithTime sets the time of the event, by default now. It is kept in UTC. The zero time and years
// outside 1 to 9999 are refused with ErrInvalid.
func WithTime(t time.Time) Option {
	return func(s *settings) error {
		if !writable(t) {
			return invalid("Time", reasonTime)
		}
		s.time = t
		return nil
	}
}

// WithVars sets the values for ${...} in webhook URLs; New copies the map. At
// most 64 variables, names of 1 to 128 bytes, values of at most 2,048 bytes,
// all UTF-8; ErrInvalid otherwise.
func WithVars(vars map[string]string) Option {
	return func(s *settings) error {
		if len(vars) > maxVars {
			return invalid("Vars", "must have at most 64 entries")
		}
		for name, value := range vars {
			if name == "" || len(name) > maxVarName || !utf8.ValidString(name) {
				return invalid("Vars", "must have names of 1 to 128 bytes of UTF-8")
			}
			if len(value) > maxVarValue || !utf8.ValidString(value) {
				return invalid("Vars", "must have values of at most 2048 bytes of UTF-8")
			}
		}
		s.vars = maps.Clone(vars)
		return nil
	}
}

// WithKey identifies the object of the event, such as an issue's ID. Webhooks with an order keep it
// for the events of one key, and webhooks that coalesce send the latest event of a key and type.
// Choose an identifier that never changes: the key of an issue changes when the issue moves, its ID
// does not.
//
// A key has 1 to 255 bytes of UTF-8 without control characters; ErrInvalid otherwise.
func WithKey(key string) Option {
	return func(s *settings) error {
		if !ValidKey(key) {
			return invalid("Key", "must have 1 to 255 bytes of UTF-8 without control characters")
		}
		s.key = key
		return nil
	}
}

// ValidKey reports whether [WithKey] accepts a key.
func ValidKey(key string) bool { return len(key) <= maxKey && plainLine(key) }

// WithTTL sets how long the event is sent, counted from its Time: a delivery that is still pending
// then ends unsent. It is at least 1 second; a shorter one, and an end after the year 9999, is
// refused with ErrInvalid.
func WithTTL(d time.Duration) Option {
	return func(s *settings) error {
		if d < time.Second {
			return invalid("TTL", "must be at least 1s")
		}
		s.ttl = d
		return nil
	}
}

// WithSubject attaches the object of the event for filters that need more than the body, such as
// the issue for a JQL filter. It stays in memory: see [Event.Subject].
func WithSubject(subject any) Option {
	return func(s *settings) error {
		s.subject = subject
		return nil
	}
}

// WithMaxBody sets the longest body, in bytes, that New accepts; the default is [DefaultMaxBody].
// New returns ErrTooLarge for a longer one, and ErrInvalid when n is less than 1.
func WithMaxBody(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return invalid("MaxBody", "must be at least 1")
		}
		s.maxBody = n
		return nil
	}
}

// WithAnyProcessID lifts the rule that a processId must be a UUID, for hosts with other identifiers
// of runs. It must still not be empty. The option does not change a Validate method.
func WithAnyProcessID() Option {
	return func(s *settings) error {
		s.anyProcessID = true
		return nil
	}
}

// WithExpiryFormat chooses how [OrgKeyExpiry] writes expiresAt; the default is
// [ExpiryDate]. Other types are not affected.
func WithExpiryFormat(f ExpiryFormat) Option {
	return func(s *settings) error {
		if f != ExpiryDate && f != ExpiryRFC3339 {
			return invalid("ExpiryFormat", "must be ExpiryDate or ExpiryRFC3339")
		}
		s.expiry = f
		return nil
	}
}

// invalid is a refusal of an argument or option, not of the Data.
func invalid(field, reason string) error {
	return &InvalidError{Field: field, Reason: reason}
}
