package webhook

import (
	"context"
	"time"
)

// Enqueuer is the half of a Store that a transaction of the host can carry;
// see [Dispatcher.DispatchTx].
type Enqueuer interface {
	// Webhooks returns the webhooks of a scope with URL and secrets, oldest first,
	// inactive and expired ones included. (A Webhook encodes itself without its secrets: an
	// adapter stores Secret.Reveal, and beside it the three values of [Secret.WithLife].) One
	// that cannot be opened, because a key is missing or a key service does not answer, is
	// among them with Unreadable set. An unknown scope has none.
	Webhooks(ctx context.Context, scope string) ([]Webhook, error)

	// Enqueue stores deliveries, all or none of each scope. added has one element for
	// each: false where the same (Scope, EventID, WebhookID) was stored before, whatever
	// its ID; the stored delivery stays unchanged. If one call has two of them, the one with
	// added true is stored. Held, Lease and Due are stored as given: a held delivery is a
	// hand-off, leased to the caller from its first moment.
	//
	// A bounded Store that has no space answers [ErrFull]. A Store that counts the changes
	// of a scope's webhooks (see Webhook.Seen) answers [ErrStale] where Delivery.Seen is
	// neither 0 nor the scope's count. Both store nothing. errors.Is(err, [ErrUnknown])
	// holds unless it is certain that nothing was stored: a statement was sent and its
	// answer is missing. Key and ExpiresAt are kept. The Store keeps no reference to ds or its contents.
	Enqueue(ctx context.Context, ds []Delivery) (added []bool, err error)
}

// Store keeps deliveries. It is the queue: accepted deliveries survive every failure
// that the Store survives. All methods are safe for concurrent use, from
// several goroutines and, where the Store is a shared database, from several
// processes. Times are arguments; a Store looks at no clock. A Store decides neither
// whose turn it is nor when a delivery ends: it answers four questions. It may cut times to
// whole microseconds, and never rounds them up. Package storetest proves an implementation.
//
// # Capabilities
//
// A Store may also be a [Registry], [History], [Overview], [Counters], [Stats], [Pruner], [Notifier],
// [Clock], [Marks], [HealthStore], [Sweeper], [KeyOrder], [WebhookCache], [Sealer] or [Binder]. New
// asserts these interfaces once. A Store without one of them works, with less comfort. Every method
// is safe for concurrent use. A type that embeds a Store, to trace its calls for example, hides the
// capabilities of the Store inside: it must implement each of them itself.
type Store interface {
	Enqueuer

	// Due lists the lanes that have a pending delivery due at q.Now: one that waits, or a held one
	// whose lease has ended by then. It is a hint: lanes come in any order and may come twice.
	// Lanes of webhooks that are inactive or expired at q.Now are left out; those whose webhook is
	// gone are not. With q.Since a lane without a due time after it may be left out. A lane that
	// has something due during the whole walk over the pages is on one of them. An answer may come
	// with a [*PartialError].
	Due(ctx context.Context, q DueQuery) (DuePage, error)

	// Claim leases pending deliveries that are due at c.Now from the named lanes, each
	// named once: of each lane at most Most, oldest due first, ties in the order in which
	// they were enqueued; nothing of a webhook that is inactive or expired at c.Now,
	// nothing that another lease holds. Each gets the lease number max(lease+1, c.Lease),
	// is held, and is due at c.Until. One whose lease has ended counts as Interrupted once
	// more, and may come before others by the due time that it had before that lease. Deliveries are returned with the Due that they had before, and everything else
	// as it is now. Two callers never hold the same lease.
	//
	// Fewer than Most of a lane means that no more was free, unless the lane is in
	// Batch.Short: c.MaxBytes bounds the bodies of one answer, and one delivery always
	// fits; a Store may also bound the deliveries that it takes of a lane at once. The webhook of each delivery is in Batch.Webhooks, read in the same call; one
	// in neither Webhooks nor Unreadable is gone, and the caller ends its deliveries.
	//
	// The same Claim again, with the same c.Lease, also returns, counted in Most,
	// deliveries whose lease has exactly that number and has not ended at c.Now, so a lost answer costs
	// a call and not a lease. A Store whose first call may still run then waits for its end. Those come before free deliveries, are held until c.Until, do not count as
	// Interrupted, and have c.Now as their Due where the Store has forgotten the one before.
	// A delivery that got lease+1 instead waits for the end of its lease. An answer may come with
	// a [*PartialError].
	Claim(ctx context.Context, c Claim) (Batch, error)

	// Settle writes outcomes, each on its own: an ID that is unknown in its Scope, or a lease
	// that is not the delivery's latest, is left alone and reported in lost. There are two exceptions,
	// because a request was made: the Result of a lost lease is kept in the history, and a
	// lost lease that reports StateDelivered still ends a pending delivery as
	// delivered, because the receiver has it, and its Result then counts as an attempt; a lease above
	// the delivery's latest was never given and does not. A settlement for a delivery that has
	// already ended changes only the history. One that repeats a stored one, of the
	// same ID and lease, changes nothing, the history included, and is lost only if a
	// later lease exists, or [History] has requeued the delivery since: the Dispatcher repeats a call
	// whose answer was lost. So a Store remembers the leases of which it has the Result, with or
	// without a history, and takes a settlement without a Result for a repeat where its lease is the
	// latest and the delivery is not held. After Settle the delivery is not held. FirstFailure
	// becomes the End of the first Result that does not deliver. No call names a delivery twice.
	Settle(ctx context.Context, ss []Settlement) (lost []string, err error)
}

// Lane is the unit of turns: the deliveries of one webhook, or one class of them where
// the Profile composes classes. Class is empty as a rule.
type Lane struct{ Scope, WebhookID, Class string }

// DueQuery asks which lanes have something due.
type DueQuery struct {
	// Now decides what is due.
	Now time.Time
	// Since, where it is not zero, allows to leave out lanes of which nothing has a due time
	// after it. A delivery that was committed late or given back with an older due time
	// is found by a query without Since.
	Since time.Time
	// Scope and WebhookID narrow the question to the lanes of one webhook; both empty
	// means all.
	Scope, WebhookID string
	// Limit bounds the lanes of one page, at least 1.
	Limit int
	// Cursor is that of the page before; "" begins.
	Cursor string
}

// DuePage is one page of lanes.
type DuePage struct {
	Lanes []Lane
	// Cursor continues; "" after the last page.
	Cursor string
	// Next is after q.Now and no later than the earliest due time after q.Now of anything
	// pending that is in question, whatever page its lane is on; zero when there is none.
	// Only that of the last page counts.
	Next time.Time
}

// Claim says what a Store leases.
type Claim struct {
	// Now decides what is due. A Store never looks at a clock.
	Now time.Time
	// Until is the end of the new leases.
	Until time.Time
	// Lease is the number of this claim. A Dispatcher makes it of the time and of random
	// bits, above its last one. A Store reads no time from it.
	Lease int64
	// Lanes are asked in this order, each named once.
	Lanes []LaneClaim
	// MaxBytes bounds the bodies of the answer; 0 means no bound.
	MaxBytes int
}

// LaneClaim is a lane of a [Claim] with the most to take of it.
type LaneClaim struct {
	Lane
	// Most is at least 1.
	Most int
	// Take says which of the lane's deliveries may be taken.
	Take Take
}

// Take says which deliveries of a lane a claim takes.
type Take uint8

// The ways to take. A Store that is no [KeyOrder] is asked with TakeAny alone. A delivery
// without a Key is taken in the same way by all of them.
const (
	// TakeAny takes all deliveries that are due, oldest due first.
	TakeAny Take = 0
	// TakeHeads takes of each key the pending delivery with the lowest Sequence, if it is due and
	// none of the key is held. One whose lease has ended comes before the others of its key. Of a
	// webhook that keeps no order it may take any delivery that is due.
	TakeHeads Take = 1
	// TakeNewest takes, where something pending of a key is due and none of the key is held, the
	// newest delivery of the same type, whatever its own Due. A delivery that is older than one
	// that was leased before, or has ended, comes with Superseded set and without a body; up to
	// 1,000 of those come beside Most.
	TakeNewest Take = 2
)

// Batch is the answer to a Claim.
type Batch struct {
	// Deliveries are in the order of the lanes asked, and in a lane oldest due first.
	Deliveries []Delivery
	// Webhooks holds each webhook of Deliveries once, as it is now, with secrets.
	Webhooks []Webhook
	// Unreadable are deliveries that were leased and cannot be read.
	Unreadable []Unreadable
	// Short names the lanes of which MaxBytes, or a bound of the Store, kept something back.
	Short []Lane
}

// Unreadable is a leased delivery whose row or webhook cannot be read.
type Unreadable struct {
	ID    string
	Lease int64
	Lane  Lane
	// Due is the due time before the claim.
	Due time.Time
	// Err says why. With errors.Is(Err, ErrSealed) the delivery can be read once a key is
	// there again, and is given back; otherwise it ends as failed with [CodeConfig].
	Err error
}

// PartialError comes with an incomplete answer of Due or Claim: one of several databases did
// not answer.
type PartialError struct{ Err error }

// Error says that the answer is partial, and why.
func (e *PartialError) Error() string {
	return "webhook: part of the Store does not answer: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *PartialError) Unwrap() error { return e.Err }

// Registry keeps webhooks. Store adapters implement it beside Store; without it
// there is no [Manager] and the host keeps webhooks in its own way. An error is an
// [ErrUnknown] unless it is certain that nothing was changed, as in Enqueuer.
// All methods are safe for concurrent use.
type Registry interface {
	// Create stores a new webhook. It counts the webhooks of its scope, inactive and
	// expired ones included, and inserts in one step: [ErrLimit] when max are there,
	// [ErrConflict] when the ID is taken. max <= 0 means no limit. Version starts at 1.
	Create(ctx context.Context, w Webhook, max int) error
	// Update replaces a webhook and adds 1 to its version: [ErrNotFound] when (scope,
	// id) is unknown, [ErrConflict] when w.Version is not the stored one. Where w.Unreadable
	// is set, it keeps what cannot be opened as it is stored, and replaces the rest.
	Update(ctx context.Context, w Webhook) error
	// Delete removes a webhook and its health, and touches no delivery: its queued
	// deliveries end with the next claim or sweep. [ErrNotFound] when unknown.
	Delete(ctx context.Context, scope, id string) error
	// DeleteScope removes everything of a scope: webhooks, deliveries, marks and
	// health. A scope without any is no error. The webhooks go first, in one step. The rest may
	// take many steps: if ctx ends between them, the error is an [ErrUnknown], a part is left, and
	// another call continues.
	DeleteScope(ctx context.Context, scope string) error
	// Webhook returns one webhook with its secrets, or [ErrNotFound]. One that cannot be
	// opened has Unreadable set, as in Webhooks.
	Webhook(ctx context.Context, scope, id string) (Webhook, error)
	// Webhooks returns those of a scope, oldest first; it is Enqueuer's.
	Webhooks(ctx context.Context, scope string) ([]Webhook, error)
}
