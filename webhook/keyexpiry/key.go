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

// Key is an API key of an organization, as the host knows it. It is not secret.
type Key struct {
	// Scope is the installation or tenant whose webhooks hear of the key. Required.
	Scope string
	// ID identifies the key within its scope; it is not the key. Required.
	ID string
	// Name is what its owner calls it. Required.
	Name string
	// ExpiresAt is the moment from which the key does not work any more. Of a key that
	// expires on a date this is 00:00 UTC of that date; see [ParseExpiry]. Zero means
	// that the key does not expire. Fractions of a second do not tell occasions apart.
	ExpiresAt time.Time
	// SettingsURL leads to the page where notifications are set up: an absolute https
	// URL. Required.
	SettingsURL string
}

// data is what the event says about the key.
func (k Key) data() payload.OrgKeyExpiry {
	return payload.OrgKeyExpiry{APIKeyID: k.ID, Name: k.Name, ExpiresAt: k.ExpiresAt, SettingsURL: k.SettingsURL}
}

// Source lists the host's keys.
type Source interface {
	// Keys returns the keys of all scopes, in any order; those outside their last days
	// may be left out. It must honour ctx. An error, or a panic, ends the check; the next
	// one asks again.
	Keys(ctx context.Context) ([]Key, error)
}

// SourceFunc is a function as a [Source].
type SourceFunc func(ctx context.Context) ([]Key, error)

// Keys calls f.
func (f SourceFunc) Keys(ctx context.Context) ([]Key, error) { return f(ctx) }

// EventID returns the ID of the event about a key: the same for the same scope, key and
// expiry (to the second, in any time zone), on every host, and another one otherwise.
func EventID(k Key) string {
	h := sha256.New()
	for _, part := range []string{k.Scope, k.ID, strconv.FormatInt(k.ExpiresAt.Unix(), 10)} {
		fmt.Fprintf(h, "%d:%s", len(part), part) // the length keeps ("ab", "c") and ("a", "bc") apart
	}
	return "keyexpiry_" + hex.EncodeToString(h.Sum(nil)[:16])
}

// ParseExpiry reads an expiry as hosts keep it: a date such as "2026-05-27", which ends at
// 00:00 UTC of that date, or a time in RFC 3339.
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
