package jira

import (
	"context"
	"errors"
	"time"
)

// Figures of dynamic registrations, as Jira Cloud documents them.
const (
	MaxRegistrations  = 100                 // live ones of one app and tenant
	RegistrationLife  = 30 * 24 * time.Hour // from registration or refresh
	RegistrationGrace = 92 * 24 * time.Hour // how long an expired one is listed and can be refreshed
	firstRegistration = 1000                // the first ID of a tenant
)

// ErrOtherURL is the error of a registration while live ones of the same owner have another
// callback URL.
var ErrOtherURL = errors.New("jira: live registrations of this app have another URL, delete them first or use theirs")

// Owner is an app on a tenant. Registrations of different owners are separate.
type Owner struct{ Tenant, App string }

// Registration is an app's registration over the REST API: callbacks for some events on issues that
// a JQL filter matches, for a limited time.
type Registration struct {
	// ID is a number from 1000, unique in its tenant and never used again.
	ID     int64
	URL    string
	Filter string
	Events []string
	// FieldIDs lets jira:issue_updated through only if the change touched one of these fields;
	// PropertyKeys does the same for issue properties. Empty means any.
	FieldIDs, PropertyKeys []string
	CreatedAt, ExpiresAt   time.Time
}

// Live reports whether the registration has not expired.
func (r Registration) Live(now time.Time) bool { return now.Before(r.ExpiresAt) }

// Registrations keeps the registrations of all owners. An accepted change is as durable as the
// implementation's storage. All methods are safe for concurrent use, from several processes where
// the implementation is shared. Times are arguments; an implementation reads no clock. Package
// registrationtest proves an implementation.
type Registrations interface {
	// Register stores new registrations of one owner, all with the same URL, and returns their IDs
	// in order. It counts the owner's live registrations and adds in one step: those beyond max
	// live ones are not stored and have the ID 0. While a live one has another URL, it stores
	// nothing and returns [ErrOtherURL]. It ignores the IDs in rs.
	Register(ctx context.Context, o Owner, rs []Registration, now time.Time, max int) (ids []int64, err error)
	// Registrations returns an owner's registrations by ID, expired ones included. An unknown owner
	// has none.
	Registrations(ctx context.Context, o Owner) ([]Registration, error)
	// Delete removes registrations. IDs that the owner does not have are ignored.
	Delete(ctx context.Context, o Owner, ids []int64) error
	// Refresh sets a later expiry. IDs that the owner does not have are ignored. An expired
	// registration becomes live again only while there are fewer than max live ones and none of
	// these has another URL; refused lists the others, in the order given.
	Refresh(ctx context.Context, o Owner, ids []int64, now, until time.Time, max int) (refused []int64, err error)
	// Prune removes registrations that expired before the given time and returns their number.
	Prune(ctx context.Context, before time.Time) (int, error)
}
