package sign

import "time"

// life is what is known of a Secret beside its text.
type life struct {
	id               string
	created, expires time.Time
}

// WithLife returns a Secret with the same text and what else is known of it: a name by which it
// can be told from others, when it was made and when it ends to count. Each may be empty or
// the zero time, for unknown or, in the case of expires, for never. The three values are no
// secrets: a Store keeps them beside the text. Equal does not look at them.
//
// The id must not be made of the text, such as a hash: a short text could be found by trying.
func (s Secret) WithLife(id string, created, expires time.Time) Secret {
	s.life = &life{id, created, expires}
	return s
}

// ID returns the name that WithLife gave, empty for none.
func (s Secret) ID() string {
	if s.life == nil {
		return ""
	}
	return s.life.id
}

// CreatedAt returns when the secret was made, the zero time where that is unknown.
func (s Secret) CreatedAt() time.Time {
	if s.life == nil {
		return time.Time{}
	}
	return s.life.created
}

// ExpiresAt returns the time from which the secret counts no more, the zero time for never.
// Nothing in this package looks at it: the sender leaves out what has ended.
func (s Secret) ExpiresAt() time.Time {
	if s.life == nil {
		return time.Time{}
	}
	return s.life.expires
}
