package webhook

import "context"

// Enqueuer is the half of a Store that a transaction of the host can carry;
// see [Dispatcher.DispatchTx].
type Enqueuer interface {
	// Webhooks returns the webhooks of a scope, in any order, inactive and
	// expired ones included. Secrets may be left out. An unknown scope has none.
	Webhooks(ctx context.Context, scope string) ([]Webhook, error)

	// Enqueue stores deliveries, all or none. added has one element for each: false
	// where the same (Scope, EventID, WebhookID) was stored before, which is left
	// as it is. A bounded Store that has no space answers [ErrFull] and stores
	// nothing. The Store keeps no reference to ds or to what it points to.
	Enqueue(ctx context.Context, ds []Delivery) (added []bool, err error)
}

// Store keeps deliveries. It is the queue: what Enqueue accepted survives
// whatever the Store survives. All methods are safe for concurrent use, from
// several goroutines and, where the Store is a shared database, from several
// processes. Times are arguments; a Store looks at no clock. Package
// storetest proves an implementation.
type Store interface {
	Enqueuer

	// Claim leases pending deliveries that are due at c.Now. It goes round the
	// lanes: no lane twice before every other ready one had its turn once, at most
	// c.RoomFor(lane) of a lane, c.Limit in all, oldest due first within a lane, none of
	// a webhook that is inactive or expired. Each gets the next lease number, is
	// held, and is due again at c.Until unless it is settled before. Two callers
	// never hold the same lease. Claiming a delivery that is still held counts as
	// Interrupted. A pending delivery whose webhook is gone ends as failed with
	// [CodeCancelled] and is not returned.
	Claim(ctx context.Context, c Claim) (Batch, error)

	// Settle writes outcomes, each on its own: an unknown ID or a lease that is not
	// the delivery's latest is left alone and reported in lost. Two exceptions
	// serve the truth: the Result of a lost lease is kept in the history, and a
	// lost lease that reports StateDelivered still ends a pending delivery as
	// delivered, because the receiver has it. A settlement for a delivery that has
	// already ended changes only the history. One that repeats a stored one, of the
	// same ID and lease, changes nothing, the history included, and is lost only if a
	// later lease exists: the Dispatcher repeats a call when it did not hear its answer. After
	// Settle the delivery is not held. FirstFailure becomes the End of the first Result that does not deliver.
	Settle(ctx context.Context, ss []Settlement) (lost []string, err error)
}

// Registry keeps webhooks. Store adapters implement it beside Store; without it
// there is no [Manager] and the host keeps webhooks in its own way.
// All methods are safe for concurrent use.
type Registry interface {
	// Create stores a new webhook. It counts the webhooks of its scope, inactive and
	// expired ones included, and inserts in one step: [ErrLimit] when max are there,
	// [ErrConflict] when the ID is taken. max <= 0 means no limit. Version starts at 1.
	Create(ctx context.Context, w Webhook, max int) error
	// Update replaces a webhook and adds 1 to its version: [ErrNotFound] when (scope,
	// id) is unknown, [ErrConflict] when w.Version is not the stored one.
	Update(ctx context.Context, w Webhook) error
	// Delete removes a webhook. What is queued for it and not leased ends as failed
	// with [CodeCancelled] at once or at the next Claim. [ErrNotFound] when unknown.
	Delete(ctx context.Context, scope, id string) error
	// DeleteScope removes everything of a scope: webhooks, deliveries, marks and
	// health. A scope without any is no error.
	DeleteScope(ctx context.Context, scope string) error
	// Webhook returns one webhook with its secrets, or [ErrNotFound].
	Webhook(ctx context.Context, scope, id string) (Webhook, error)
	// Webhooks returns those of a scope, oldest first.
	Webhooks(ctx context.Context, scope string) ([]Webhook, error)
}
