package webhook

import (
	"context"
	"time"
)

// History is the delivery log.
type History interface {
	// Delivery returns one delivery and its attempts, in the order in which they were stored, or
	// ErrNotFound.
	Delivery(ctx context.Context, scope, id string) (Delivery, []Attempt, error)
	// Deliveries returns one page and the cursor of the next, "" at the end. Bodies may be left
	// out. It refuses with ErrInvalid a Limit outside of 0 to 500, a cursor of another query, and a
	// cursor of which any character was changed, which a checksum shows.
	Deliveries(ctx context.Context, q Query) (ds []Delivery, next string, err error)
	// Requeue makes a delivery pending again, due at due, with a fresh budget: Tries,
	// Interrupted, FirstFailure, LastCode, Exhausted, FinishedAt and ExpiresAt start anew,
	// QueuedAt is due. Identifier, Sequence, body, Lease, Attempts and the history of attempts stay.
	// Key stays where the delivery was pending, and is cleared where it had ended: a repeat
	// is outside the order. ErrHeld while it is held, ErrNotFound when unknown or its
	// webhook is gone.
	Requeue(ctx context.Context, scope, id string, due time.Time) error
	// Cancel ends a pending delivery at now, as failed with CodeCancelled, and returns it in its
	// final state, without body. ended is false if the delivery had ended before; it then stays
	// unchanged. A lease that has run out counts as Interrupted. ErrHeld while a lease lasts at now,
	// ErrNotFound when unknown.
	Cancel(ctx context.Context, scope, id string, now time.Time) (d Delivery, ended bool, err error)
}

// Query selects deliveries of one scope.
type Query struct {
	// Scope is required.
	Scope string
	// WebhookID, EventID and Type narrow the list when not empty.
	WebhookID, EventID, Type string
	// States narrows the list to these states; empty means all.
	States []State
	// Codes narrows the list to these LastCodes; empty means all.
	Codes []Code
	// Since and Until bound CreatedAt: Since <= CreatedAt < Until. Zero means open.
	Since, Until time.Time
	// OldestFirst reverses the order, which is newest CreatedAt first.
	OldestFirst bool
	// Cursor continues a list: the next that the previous page returned.
	Cursor string
	// Limit is the page's size, 1 to 500; 0 means 50.
	Limit int
}

// Pruner removes old history.
type Pruner interface {
	// Prune removes up to limit deliveries, in whole events: an event is removed when all its
	// deliveries ended before the given time. It returns the number of removed deliveries.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
}

// Notifier carries wake-ups between hosts that share a Store. With one, an idle Run polls rarely. A
// Store that supports it only in some configurations also has a method Notifies() bool, which New
// calls.
type Notifier interface {
	// Wait blocks until another host has notified, or ctx ends.
	Wait(ctx context.Context) error
	// Notify wakes the other hosts. It may be called more often than needed.
	Notify(ctx context.Context) error
}

// Marks keeps idempotency keys: an action that sets a mark happens once per key, over all hosts.
type Marks interface {
	// Mark sets a mark that lasts until the given time at least. first is true for exactly one of
	// several concurrent callers, and true again when the end of the mark is not after now.
	Mark(ctx context.Context, scope, key string, now, until time.Time) (first bool, err error)
	// Marked tells whether a mark is set whose end is after now.
	Marked(ctx context.Context, scope, key string, now time.Time) (bool, error)
	// Unmark removes a mark. An unknown one is no error.
	Unmark(ctx context.Context, scope, key string) error
}

// Clock tells the time of a shared database. The Dispatcher measures how far the
// process's clock is off and corrects every time it passes to the Store. Without it the
// clocks of all hosts on one Store must agree within 10 seconds.
type Clock interface {
	// Now asks the database for its time. It takes a connection first, so that Before and
	// After enclose the round trip of the query alone.
	Now(ctx context.Context) (Reading, error)
}

// Reading is the time of a [Clock] between two readings of the process's own clock.
type Reading struct {
	// Store is the database's time at some moment between Before and After, which are
	// values of time.Now and keep their monotonic part.
	Store, Before, After time.Time
}

// HealthStore keeps the health of webhooks over restarts and hosts. It is
// written when health changes, never for a success that follows a success.
type HealthStore interface {
	// Health returns the records that are not OK: of one webhook, of a scope if id is empty, of the
	// whole Store if both are empty.
	Health(ctx context.Context, scope, id string) ([]Health, error)
	// SetHealth replaces old by new in one step: ErrConflict when another record than
	// old is stored. A record that was never set equals the zero Health, and setting
	// one that is OK removes it. A webhook that is gone: ErrNotFound.
	SetHealth(ctx context.Context, scope, id string, old, new Health) error
}

// Sweeper is a Store that finds the pending deliveries that no claim will end, such as those of a
// deleted webhook. The Dispatcher calls Sweep when Run begins, once per lease while deliveries
// are pending and each hour otherwise, after a store error and after a webhook was deleted, and again
// while there is more.
type Sweeper interface {
	// Sweep ends up to limit deliveries and corrects times that a wrong clock wrote. ended holds
	// the deliveries that it ended, in their final state, without bodies; more says that another
	// call has work to do.
	Sweep(ctx context.Context, s Sweep, limit int) (ended []Delivery, more bool, err error)
}

// Sweep says which deliveries a Sweeper ends. It also ends deliveries that are pending at their
// ExpiresAt, as failed with CodeExpired. It ends pending deliveries only, and none whose lease
// lasts at Now. If a lease of an ended delivery has run out by then, it counts as an interruption.
type Sweep struct {
	// Now is the time of the sweep.
	Now time.Time
	// Gone asks to end deliveries whose webhook is gone as failed with CodeCancelled.
	Gone bool
	// QueuedBefore: deliveries that were queued before this time end as failed with CodeExpired.
	// Zero means none.
	QueuedBefore time.Time
	// LatestRetry: a delivery with Tries above 0 that is due later than this has its Due from a
	// wrong clock; it becomes due at LatestRetry. A delivery with Exhausted set waits for a person
	// and stays unchanged. Zero means none.
	LatestRetry time.Time
	// LatestLease: a held delivery that is due later than this becomes due at LatestLease. A
	// delivery that was never tried and has a Due equal to CreatedAt and later than this was stored
	// by a clock that is ahead; it becomes due at Now. Requeued deliveries that wait for their
	// first attempt stay unchanged. Zero means none.
	LatestLease time.Time
}

// KeyOrder is a Store whose claims support [TakeHeads] and [TakeNewest], and which gives each
// delivery a Sequence. With it webhooks can keep an order, or coalesce. When the head of a key
// ends, the next delivery of the key becomes due.
type KeyOrder interface {
	// Ahead returns the delivery that a pending one waits for: among the pending deliveries of its
	// key the held one, otherwise the one with the lowest Sequence. ErrNotFound if the delivery
	// waits for none, or is unknown. Bodies may be left out.
	Ahead(ctx context.Context, scope, id string) (Delivery, error)
	// Newest returns the delivery with the greatest Sequence among those with the webhook, key and
	// type of the given one. ErrNotFound if none is greater, or the delivery is unknown.
	Newest(ctx context.Context, scope, id string) (Delivery, error)
	// HeldBack returns deliveries of a webhook that are pending with Exhausted set, at most
	// limit, the lowest Sequence first. Bodies may be left out.
	HeldBack(ctx context.Context, scope, webhookID string, limit int) ([]Delivery, error)
}

// WebhookCache is a Store that remembers the webhooks of scopes in this process. Only
// Dispatch reads it.
type WebhookCache interface {
	// CachedWebhooks returns the webhooks of a scope as Webhooks last returned them here, with Seen
	// above 0; ok is false if they are not cached. They may be out of date; Enqueue then answers
	// ErrStale. The caller must not change them or anything that they point to.
	CachedWebhooks(scope string) (ws []Webhook, ok bool)
}

// Sealer is a Store that tells whether it encrypts the secrets of webhooks. The Manager stores
// private keys in no other Store, unless Options.AllowClearKeys is set.
type Sealer interface {
	Seals() bool
}

// Binder is a Store that records the Profile that owns it. New calls Bind, which does no I/O: it
// answers ErrProfile if the Store is known to belong to another Profile; otherwise it keeps the
// name and checks it at its first use.
type Binder interface {
	Bind(profile string) error
}
