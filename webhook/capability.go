package webhook

import (
	"context"
	"time"
)

// The interfaces of this file are optional capabilities of a Store. New asserts
// them once; a Store without them works, with less comfort. Every method is
// safe for concurrent use.

// History is the delivery log.
type History interface {
	// Delivery returns one delivery and its attempts, oldest first, or ErrNotFound.
	Delivery(ctx context.Context, scope, id string) (Delivery, []Attempt, error)
	// Deliveries returns one page and the cursor of the next, "" at the end. Bodies
	// may be left out. A cursor of another query or a damaged one is refused.
	Deliveries(ctx context.Context, q Query) (ds []Delivery, next string, err error)
	// Requeue makes a delivery pending again, due at due, with a fresh budget: Tries,
	// Interrupted, FirstFailure, LastCode, Exhausted and FinishedAt start anew, QueuedAt is
	// due. Identifier, body and earlier attempts stay. ErrHeld while it is leased,
	// ErrNotFound when unknown or its webhook is gone.
	Requeue(ctx context.Context, scope, id string, due time.Time) error
	// Cancel ends a pending delivery as failed with CodeCancelled: ErrHeld while
	// it is leased. One that has ended is left as it is.
	Cancel(ctx context.Context, scope, id string) error
}

// Query selects deliveries of one scope.
type Query struct {
	// Scope is required.
	Scope string
	// WebhookID, EventID and Type narrow the list when not empty.
	WebhookID, EventID, Type string
	// States narrows the list to these states; empty means all.
	States []State
	// Since and Until bound CreatedAt: Since <= CreatedAt < Until. Zero means open.
	Since, Until time.Time
	// OldestFirst turns the order, which is newest CreatedAt first.
	OldestFirst bool
	// Cursor continues a list: the next of the page before.
	Cursor string
	// Limit is the page's size, 1 to 500; 0 means 50.
	Limit int
}

// Pruner removes old history.
type Pruner interface {
	// Prune removes up to limit deliveries, in whole events: an event goes when all
	// its deliveries ended before the given time. It returns how many went.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
}

// Notifier carries wake-ups between hosts that share a Store. With one, an idle Run
// polls rarely. A Store that has it by configuration only also has a method
// Notifies() bool, which New asks.
type Notifier interface {
	// Wait blocks until another host has notified, or ctx ends.
	Wait(ctx context.Context) error
	// Notify wakes the others. It may be called more often than needed.
	Notify(ctx context.Context) error
}

// Marks remembers keys, so that something is done once.
type Marks interface {
	// Mark sets a mark that lasts until the given time at least. first is true for
	// exactly one of several concurrent callers, and again after until has passed.
	Mark(ctx context.Context, scope, key string, until time.Time) (first bool, err error)
	// Unmark removes a mark. An unknown one is no error.
	Unmark(ctx context.Context, scope, key string) error
}

// Clock tells the time of a shared database. Run measures how far the process's
// clock is off and corrects every time it passes to the Store.
type Clock interface {
	Now(ctx context.Context) (time.Time, error)
}

// HealthStore keeps the health of webhooks over restarts and hosts. It is
// written when health changes, never for a success that follows a success.
type HealthStore interface {
	// Health returns the records of the given webhooks that are not OK; nil ids mean
	// all of the Store.
	Health(ctx context.Context, ids []string) ([]Health, error)
	// SetHealth replaces old by new in one step: ErrConflict when another record than
	// old is stored. A record that was never set equals the zero Health, and setting
	// one that is OK removes it. A webhook that is gone: ErrNotFound.
	SetHealth(ctx context.Context, scope, id string, old, new Health) error
}

// Sweeper is a Store whose claims do not look at everything pending. The
// Dispatcher calls Sweep when Run begins, once per lease and after a store error.
type Sweeper interface {
	Sweep(ctx context.Context, s Sweep) error
}

// Sweep is the work of a Sweeper.
type Sweep struct {
	// Now is the time of the sweep.
	Now time.Time
	// QueuedBefore: pending deliveries that were queued before this, and are not held or
	// whose lease has ended by Now, which counts as an interruption, end as failed with
	// CodeExpired. Zero means none.
	QueuedBefore time.Time
	// LatestDue: a retry or a lease that is due later than this became so because a
	// clock jumped back; it becomes due at LatestDue. Requeued deliveries that wait for
	// their first attempt are left alone. Zero means none.
	LatestDue time.Time
}

// Binder is a Store that remembers which Profile it serves. New calls Bind, which
// does no I/O: it answers ErrProfile where the Store already knows that it belongs
// to another one, or else remembers the name and checks it at its first use.
type Binder interface {
	Bind(profile string) error
}
