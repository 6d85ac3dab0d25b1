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
	// Interrupted, FirstFailure, LastCode, Exhausted, FinishedAt and ExpiresAt start anew,
	// QueuedAt is due. Identifier, Sequence, body, Attempts and the history of attempts stay.
	// Key stays where the delivery was pending, and is cleared where it had ended: a repeat
	// is outside the order. ErrHeld while it is leased,
	// ErrNotFound when unknown or its webhook is gone.
	Requeue(ctx context.Context, scope, id string, due time.Time) error
	// Cancel ends a pending delivery at now, as failed with CodeCancelled, and returns it
	// as it stands then, without body. ended is false where it had ended before, and it is
	// left as it is. ErrHeld while a lease lasts at now, ErrNotFound when unknown.
	Cancel(ctx context.Context, scope, id string, now time.Time) (d Delivery, ended bool, err error)
}

// Query selects deliveries of one scope.
type Query struct {
	// Scope is required.
	Scope string
	// WebhookID, EventID and Type narrow the list when not empty.
	WebhookID, EventID, Type string
	// States narrows the list to these states; empty means all. Codes narrows it to these
	// values of LastCode.
	States []State
	// Codes narrows the list to these LastCodes; empty means all.
	Codes []Code
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
	// exactly one of several concurrent callers, and again where the mark's end is not
	// after now.
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
	// Health returns the records that are not OK: of one webhook, of a whole scope where id
	// is empty, of all of the Store where both are.
	Health(ctx context.Context, scope, id string) ([]Health, error)
	// SetHealth replaces old by new in one step: ErrConflict when another record than
	// old is stored. A record that was never set equals the zero Health, and setting
	// one that is OK removes it. A webhook that is gone: ErrNotFound.
	SetHealth(ctx context.Context, scope, id string, old, new Health) error
}

// Sweeper is a Store that finds by itself what no claim will end. The Dispatcher calls
// Sweep when Run begins, once per lease, after a store error and after a webhook was
// deleted, and goes on while there is more.
type Sweeper interface {
	// Sweep ends up to limit deliveries and mends times that a wrong clock wrote. ended
	// holds what it ended, as it stands then, without bodies; more says that a further
	// call has something to do.
	Sweep(ctx context.Context, s Sweep, limit int) (ended []Delivery, more bool, err error)
}

// Sweep is the work of a Sweeper. It also ends, as failed with CodeExpired, what is pending
// at its ExpiresAt. It ends pending deliveries only, and none whose lease
// lasts at Now. A lease that has ended by then counts as an interruption of a delivery
// that ends.
type Sweep struct {
	// Now is the time of the sweep.
	Now time.Time
	// Gone asks to end deliveries whose webhook is gone as failed with CodeCancelled.
	Gone bool
	// QueuedBefore: deliveries that were queued before this end as failed with
	// CodeExpired. Zero means none.
	QueuedBefore time.Time
	// LatestRetry: a delivery with Tries above 0 that waits until later than this does so
	// because a clock was wrong; it becomes due at LatestRetry. One with Exhausted set waits
	// for a person and is left alone. Zero means none.
	LatestRetry time.Time
	// LatestLease: a held delivery that is due later than this becomes due at LatestLease;
	// one that was never tried, has Due equal to CreatedAt and lies later than this was
	// stored by a clock that is ahead, and becomes due at Now. Requeued deliveries that
	// wait for their first attempt are left alone. Zero means none.
	LatestLease time.Time
}

// KeyOrder is a Store whose claims know [TakeHeads] and [TakeNewest], and which gives each
// delivery a Sequence: webhooks can keep an order, or coalesce. When the head of a key ends,
// the next one of the key becomes due.
type KeyOrder interface {
	// Ahead returns the delivery that a pending one waits behind: of the pending ones of its
	// key the one that is held, or else has the lowest Sequence. ErrNotFound where it waits
	// behind none, or is unknown. Bodies may be left out.
	Ahead(ctx context.Context, scope, id string) (Delivery, error)
	// Newest returns the delivery with the greatest Sequence of the webhook, key and type of
	// another one. ErrNotFound where there is none above it, or it is unknown.
	Newest(ctx context.Context, scope, id string) (Delivery, error)
	// HeldBack returns deliveries of a webhook that are pending with Exhausted set, at most
	// limit, the lowest Sequence first. Bodies may be left out.
	HeldBack(ctx context.Context, scope, webhookID string, limit int) ([]Delivery, error)
}

// WebhookCache is a Store that remembers the webhooks of scopes in this process. Only
// Dispatch reads it.
type WebhookCache interface {
	// CachedWebhooks returns the webhooks of a scope as Webhooks last returned them here,
	// with Seen above 0; ok is false where that is not known. They may be out of date:
	// Enqueue answers ErrStale then. The caller changes nothing of what they point to.
	CachedWebhooks(scope string) (ws []Webhook, ok bool)
}

// Sealer is a Store that tells whether it encrypts what is secret of a webhook. The Manager gives
// private keys to no other one, unless Options.AllowClearKeys is set.
type Sealer interface {
	Seals() bool
}

// Binder is a Store that remembers which Profile it serves. New calls Bind, which
// does no I/O: it answers ErrProfile where the Store already knows that it belongs
// to another one, or else remembers the name and checks it at its first use.
type Binder interface {
	Bind(profile string) error
}
