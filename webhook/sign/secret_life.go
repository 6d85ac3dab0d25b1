package sign

import "time"

// life holds the metadata of a Secret.
type life struct {
	id               string
	created, expires time.Time
}

// WithLife returns a Secret with the same text and metadata: an identifier, the time at which the
// secret was made and the time from which it is no longer valid. An empty id and a zero created
// mean unknown; a zero expires means never. The three values are no secrets: a Store keeps them
// beside the text. Equal ignores them.
//
// The id must not be derived from the text, for example as a hash: a short text could be found by
// trying.
func (s Secret) WithLife(id string, created, expires time.Time) Secret {
	s.life = &life{id, created, expires}
	return s
}

// ID returns the id of WithLife, empty for none.
func (s Secret) ID() string {
	if s.life == nil {
		return ""
	}
	return s.life.id
}

// CreatedAt returns the time at which the secret was made, or the zero time for unknown.
func (s Secret) CreatedAt() time.Time {
	if s.life == nil {
		return time.Time{}
	}
	return s.life.created
}

// ExpiresAt returns the time from which the secret is no longer valid, or the zero time for never.
// This package does not use it: the sender leaves out expired secrets.
func (s Secret) ExpiresAt() time.Time {
	if s.life == nil {
		return time.Time{}
	}
	return s.life.expires
}
