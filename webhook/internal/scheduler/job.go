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
	Burst int     // 0 means one second of Rate, at least 1
}

// Job is a delivery that this process has leased, or is about to store leased. The caller
// sets the exported fields and does not change them afterwards.
type Job struct {
	ID    string
	Lane  Lane
	Lease int64
	// Due is the due time before the lease; a released delivery keeps it. Until is the end of
	// the lease. Both are in the Store's time.
	Due, Until time.Time
	// Keyed means that other deliveries of its key may wait in the Store for its end. Such a
	// job is never handed off.
	Keyed bool
	// Tries are the attempts before this one, FirstFailure is the end of the first of them, zero without.
	Tries        int
	FirstFailure time.Time
	// Size is the length of the body in bytes.
	Size int
	// Timeout is the longest duration of a request. A job is not sent when the rest of its lease is shorter.
	Timeout time.Duration
	// Limits are the limits that count the job, in addition to its webhook's.
	Limits []Limit
	// Read is the time at which the read of the webhook began, in the process's time.
	Read time.Time
	// ClaimFirst: the job is never handed off, because its webhook cannot be opened or because a
	// claim has to read what Enqueue does not return.
	ClaimFirst bool
	// Hook and Value belong to the caller. [Reread] replaces Hook.
	Hook, Value any
	// Result is set before [Attempted].
	Result Result

	// Outcome selects what [Settle] stores.
	Outcome Outcome

	lane     *lane
	phase    phase
	since    time.Time // begin of the wait, or of the request
	unproven bool      // counts against its scope's share until the answer
	unknown  bool      // perhaps not stored
	reads    uint8     // reads of the webhook for this job
}

type phase uint8

const (
	refused  phase = iota // about to be stored free
	offered               // about to be stored, with room reserved for it
	waiting               // for its turn
	active                // in flight, holds one of Capacity
	slow                  // in flight, holds none
	answered              // its outcome waits for a write
)

// Held reports, after [Offered], whether the job must be stored as leased to this process.
func (j *Job) Held() bool { return j.phase == offered }

// Result is the result of an attempt.
type Result struct {
	// Delivered: the endpoint accepted.
	Delivered bool
	// Retry is the time of the next attempt, in the Store's time; zero when the delivery has ended.
	Retry time.Time
	// Counts: the result affects the endpoint's health.
	Counts bool
	// Overload: a timeout, a failed connection, or a status that reports overload. The window
	// is halved.
	Overload bool
	// Patience is the wait of Retry-After, bounded by the policy.
	Patience time.Duration
	// Gone: the endpoint is gone for good. Its webhook is switched off.
	Gone bool
	// Attention names a problem for the webhook's owner; "" for none.
	Attention string
	// Code is for messages.
	Code string
	// KeepsBody: the body stays in memory until the outcome is stored.
	KeepsBody bool
	// Start and End of the attempt, in the Store's time.
	Start, End time.Time
}

// Outcome is the way in which a job leaves this process.
type Outcome uint8

const (
	// Written: the caller has determined the state to store.
	Written Outcome = iota
	// GivenBack: the lease is released uncounted, with Due at Job.Due.
	GivenBack
	// Cancelled: the delivery ends, because its webhook is deleted.
	Cancelled
)
