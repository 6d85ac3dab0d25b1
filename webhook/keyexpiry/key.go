package keyexpiry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/postrider/postrider/payload"
)

// Key describes an API key of an organization. It is not secret.
type Key struct {
	// Scope is the installation or tenant whose webhooks receive the event. Required.
	Scope string
	// ID identifies the key within its scope; it is not the key's secret. Required.
	ID string
	// Name is the owner's name for the key. Required.
	Name string
	// ExpiresAt is the time from which the key is invalid. For a key that expires on a
	// date it is 00:00 UTC of that date; see [ParseExpiry]. Zero means that the key does
	// not expire. Fractions of a second do not distinguish occasions.
	ExpiresAt time.Time
	// SettingsURL is the page where notifications are set up: an absolute https
	// URL. Required.
	SettingsURL string
}

// data returns the event's data about the key.
func (k Key) data() payload.OrgKeyExpiry {
	return payload.OrgKeyExpiry{APIKeyID: k.ID, Name: k.Name, ExpiresAt: k.ExpiresAt, SettingsURL: k.SettingsURL}
}

// Source lists the host's keys.
type Source interface {
	// Keys returns the keys of all scopes, in any order; it may leave out keys that are not
	// in their last days. It must honour ctx. An error, or a panic, ends the check; the next
	// check calls Keys again.
	Keys(ctx context.Context) ([]Key, error)
}

// SourceFunc is a function as a [Source].
type SourceFunc func(ctx context.Context) ([]Key, error)

// Keys calls f.
func (f SourceFunc) Keys(ctx context.Context) ([]Key, error) { return f(ctx) }

// EventID returns the ID of the event about a key. It is the same on every host for the same
// scope, key and expiry (to the second, in any time zone), and otherwise different.
func EventID(k Key) string {
	h := sha256.New()
	for _, part := range []string{k.Scope, k.ID, strconv.FormatInt(k.ExpiresAt.Unix(), 10)} {
		fmt.Fprintf(h, "%d:%s", len(part), part) // the length distinguishes ("ab", "c") from ("a", "bc")
	}
	return "keyexpiry_" + hex.EncodeToString(h.Sum(nil)[:16])
}

// ParseExpiry parses an expiry: a date such as "2026-05-27", which means 00:00 UTC of that
// date, or a time in RFC 3339.
func ParseExpiry(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("keyexpiry: an expiry must be a date such as 2026-05-27 or a time in RFC 3339: %w", err)
	}
	return t.UTC(), nil
}
