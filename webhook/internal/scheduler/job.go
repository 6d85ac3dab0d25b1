package scheduler

import (
	"cmp"
	"time"
)

// Lane is the unit of turns: a webhook, or one class of its deliveries.
type Lane struct{ Scope, WebhookID, Class string }

func (l Lane) compare(o Lane) int {
	return cmp.Or(cmp.Compare(l.Scope, o.Scope), cmp.Compare(l.WebhookID, o.WebhookID), cmp.Compare(l.Class, o.Class))
}

// Limit bounds the requests in flight, and those of a second, of all jobs that name Key.
type Limit struct {
	Key   string
	Max   int     // in flight; 0 means no bound
	Rate  float64 // per second; 0 means no bound
	Burst int     // 0 means one second's worth, at least 1
}

// Job is a delivery that this process has leased, or is about to store leased. The caller
// fills the exported fields and leaves them alone afterwards.
type Job struct {
	ID    string
	Lane  Lane
	Lease int64
	// Due is when the delivery was due before it was leased: a lease that is given back
	// leaves it there. Until is the end of the lease. Both are in the Store's time.
	Due, Until time.Time
	// Keyed says that others of its key may wait for its end in the Store. Such a job is
	// never handed over.
	Keyed bool
	// Size is the length of the body in bytes.
	Size int
	// Timeout is how long a request may take. A job is not sent with less of its lease left.
	Timeout time.Duration
	// Limits are what it counts against beside its webhook.
	Limits []Limit
	// Read is when the call began that read the webhook, in the process's time. Checked says
	// that the read was made for this very request, so its age does not matter.
	Read    time.Time
	Checked bool
	// Unreadable says that the webhook cannot be opened: such a job is never handed over.
	Unreadable bool
	// Hook and Value belong to the caller. Hook is replaced by [Reread].
	Hook, Value any
	// Result is filled before [Attempted].
	Result Result

	// Outcome says what the Store is to be told; see [Settle].
	Outcome Outcome

	lane     *lane
	phase    phase
	since    time.Time // when it began to wait, or to be sent
	unproven bool      // counts against its scope's share until it is answered
	unknown  bool      // whether it was stored is not known
	reads    uint8     // of its webhook, for itself
}

type phase uint8

const (
	offered  phase = iota // about to be stored, with room reserved for it
	refused               // about to be stored for anybody to claim
	waiting               // for its turn
	active                // in flight, holds one of Capacity
	slow                  // in flight, holds none
	answered              // its outcome is on the way to the Store
)

// Held reports, after [Offered], whether the job is to be stored as leased to this process.
func (j *Job) Held() bool { return j.phase == offered }

// Result is what an attempt says about the endpoint and about what follows.
type Result struct {
	// Delivered: the endpoint accepted.
	Delivered bool
	// Retry is when the delivery is tried again, in the Store's time; zero when it has ended.
	Retry time.Time
	// Counts: the outcome says something about the endpoint's health.
	Counts bool
	// Overload: a timeout, a failed connection, or a status by which an endpoint says that
	// it has too much to do. The window is halved.
	Overload bool
	// Patience is how long the endpoint asked to be left alone, as far as the policy grants it.
	Patience time.Duration
	// Gone: the endpoint answered that it will not come back. Its webhook is switched off.
	Gone bool
	// Attention names what the webhook's owner should look at; "" for nothing.
	Attention string
	// Code is for messages.
	Code string
	// KeepsBody: the body stays in memory until the outcome is stored.
	KeepsBody bool
	// Start and End of the attempt, in the Store's time.
	Start, End time.Time
}

// Outcome is how a job leaves this process.
type Outcome uint8

const (
	// Written: the caller has worked out what to store.
	Written Outcome = iota
	// GivenBack: the lease goes back uncounted, due at Job.Due.
	GivenBack
	// Cancelled: the delivery ends, because its webhook is gone.
	Cancelled
)
