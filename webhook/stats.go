package webhook

import (
	"context"
	"strconv"
	"time"
)

// Stats is a Store that reports to its operator how much it holds, over all scopes. It is an
// optional capability of a Store.
type Stats interface {
	// Totals counts the pending deliveries and the webhooks. It answers within a second with any
	// backlog, because operators need it when that is large. Its figures need not be of one moment.
	Totals(ctx context.Context, now time.Time) (Totals, error)
	// Backlog lists the webhooks that have waiting deliveries, held ones excluded, a page at a
	// time, and returns the cursor of the next, "" at the end. It refuses a damaged cursor and one
	// of another order. A webhook that changes between two pages may be missed or come twice.
	Backlog(ctx context.Context, q BacklogQuery) (bs []Backlog, next string, err error)
	// Find returns the deliveries of an event in all scopes, by scope and webhook, at most
	// limit of them, without bodies. Those of webhooks that were deleted may be left out.
	Find(ctx context.Context, eventID string, limit int) ([]Delivery, error)
}

// CountLimit is the largest number that a Count holds exactly.
const CountLimit = 100_000

// Count is a number that is exact up to [CountLimit].
type Count struct {
	// N is the number, at most CountLimit.
	N int `json:"n"`
	// AtLeast says that there are more than N.
	AtLeast bool `json:"at_least,omitempty"`
}

// CountOf makes a Count of a number. A Store counts up to CountLimit + 1.
func CountOf(n int) Count { return Count{min(n, CountLimit), n > CountLimit} }

// String returns the number, with a plus where there are more.
func (c Count) String() string {
	if c.AtLeast {
		return strconv.Itoa(c.N) + "+"
	}
	return strconv.Itoa(c.N)
}

// Totals is how much a Store holds.
type Totals struct {
	// Pending counts the deliveries that have not ended. Held are those of them that a
	// process has leased, whether or not it still lives. Retrying are those that are not
	// held and were tried since they were queued. The others wait for their first attempt.
	Pending  Count `json:"pending"`
	Held     Count `json:"held"`
	Retrying Count `json:"retrying"`
	// OldestDue is the earliest due time, up to now, of a delivery that is not held and may be
	// sent: it shows how late the Store's work is. Deliveries of inactive or expired webhooks do
	// not count. Zero where nothing is due.
	OldestDue time.Time `json:"oldest_due,omitzero"`
	// Webhooks counts all webhooks, Inactive those that are inactive or expired.
	Webhooks int `json:"webhooks"`
	Inactive int `json:"inactive"`
}

// Waiting is how many deliveries at least wait for their first attempt. It is exact where no
// count says AtLeast.
func (t Totals) Waiting() int { return max(0, t.Pending.N-t.Held.N-t.Retrying.N) }

// Backlog is the number of deliveries that wait for one webhook.
type Backlog struct {
	Scope     string `json:"scope"`
	WebhookID string `json:"webhook_id"`
	// Pending counts the waiting deliveries that are not held.
	Pending Count `json:"pending"`
	// OldestDue is their earliest due time, which may lie ahead; zero if all of them wait for
	// held deliveries of their keys.
	OldestDue time.Time `json:"oldest_due,omitzero"`
}

// BacklogQuery selects a page of backlogs.
type BacklogQuery struct {
	// Order says which webhooks come first.
	Order BacklogOrder
	// Limit is the page's size, 1 to 100; 0 means 50.
	Limit int
	// Cursor continues a list: the next that the previous page returned.
	Cursor string
}

// BacklogOrder is an order of backlogs. Equal ones come by scope and webhook.
type BacklogOrder uint8

// The orders.
const (
	BacklogOldest  BacklogOrder = 0 // the earliest OldestDue first
	BacklogLargest BacklogOrder = 1 // the largest Pending first
)

const maxBacklogPage = 100

// PageSize is Limit, or 50 where it is 0. It is for Store adapters.
func (q BacklogQuery) PageSize() int {
	if q.Limit == 0 {
		return defaultPage
	}
	return q.Limit
}

// Valid reports whether the Query can be answered. It is for Store adapters.
func (q BacklogQuery) Valid() bool {
	return q.Limit >= 0 && q.Limit <= maxBacklogPage && q.Order <= BacklogLargest
}
