package scheduler

import "time"

// Event says what has happened.
type Event interface{ isEvent() }

type (
	// Started: Run begins.
	Started struct{}
	// Stopping: Run's context has ended. Hand-off ends, nothing more is claimed or sent, and jobs
	// that wait go back.
	Stopping struct{}
	// Abandon: the time for storing outcomes after Stopping is over; those that are left
	// are dropped, and sent again when their lease ends.
	Abandon struct{}
	// Paused: sending is switched off or on.
	Paused struct{ On bool }
	// Ticked: the time of [Scheduler.Wake] has come.
	Ticked struct{}
	// ClockRead: the Store's clock was read. Store and Process are the same moment, give or
	// take Uncertain.
	ClockRead struct {
		Store, Process time.Time
		Uncertain      time.Duration
	}

	// Offered: a Dispatch is about to store jobs. [Job.Held] tells afterwards which of them are to be
	// stored leased. [Enqueued] always follows.
	Offered struct{ Jobs []*Job }
	// Enqueued: the Store has answered, or not. Added has one element for each job.
	Enqueued struct {
		Jobs   []*Job
		Added  []bool
		Stored Stored
	}
	// Expected: a transaction of the host holds deliveries and commits later, or never.
	Expected struct {
		IDs   []string
		Lanes []Lane
	}
	// Woken: there may be work. Foreign says that another host notified this one.
	Woken struct{ Foreign bool }
	// Announced: something became due that other hosts should hear of, as by a requeue.
	Announced struct{ Lanes []Lane }
	// Notified: the call that [Notify] asked for has ended.
	Notified struct{}

	// Listed answers [Look].
	Listed struct {
		Lanes  []Lane
		Cursor string
		Next   time.Time // in the Store's time
		Took   time.Duration
		Failed bool
	}
	// Found answers [LookAt].
	Found struct {
		Lanes  []Lane
		Failed bool
	}
	// Leased answers [Claim]. Ended are jobs whose outcome is known already: refused before
	// they were sent, or unreadable. Sealed are given back, and hold their webhook.
	Leased struct {
		Jobs, Ended, Sealed []*Job
		// Mistaken are given back: they were taken in another way than their webhook wants,
		// as after an edit. Takes says how it is to be done for each webhook that was read.
		Mistaken []*Job
		Takes    []HookTake
		Short    []Lane
		// Failed: there is no answer, and the same claim is made again. Partial: the answer
		// is true as far as it goes. GivenUp: the claim was not repeated, because its leases
		// would be too short by now; what it leased is free when they end.
		Failed, Partial, GivenUp bool
	}
	// Attempted: a request has ended, and Job.Result is filled.
	Attempted struct{ Job *Job }
	// NotSent: a job was not sent after all, or was cut off without an answer. Ended says
	// that its outcome is known all the same.
	NotSent struct {
		Job   *Job
		Ended bool
	}
	// Settled answers [Settle]. Lost tells by Job.ID what the Store did not take.
	Settled struct {
		Jobs   []*Job
		Lost   map[string]bool
		Failed bool
	}
	// Swept answers [Sweep].
	Swept struct{ More, Failed bool }
	// Edited: a webhook was changed here at At, in the process's time. Fresh clears its
	// health; Gone says that it was deleted. Takes says how it is to be claimed from now on.
	Edited struct {
		Scope, WebhookID string
		At               time.Time
		Fresh, Gone      bool
		Takes            []HookTake
	}
	// Reread answers [Read]. Began is when the read began, in the process's time.
	Reread struct {
		Scope, WebhookID string
		Hook             any
		Began            time.Time
		Verdict          Verdict
	}

	// HealthRead answers [ReadHealth]. All are the records that are not OK.
	HealthRead struct {
		All    []Health
		Failed bool
	}
	// HealthSaved answers [SaveHealth] with what is stored now. On Conflict that is
	// another host's record.
	HealthSaved struct {
		Stored           Health
		Conflict, Failed bool
	}
	// SwitchOffFailed: the webhook could not be switched off as [SwitchOff] asked; the next
	// failure asks again.
	SwitchOffFailed struct{ Scope, WebhookID string }

	// TestStarted asks for the room of a test. Allowed is the answer.
	TestStarted struct {
		Scope   string
		Allowed *bool
	}
	// TestEnded gives the room back. Delivered closes the webhook's breaker.
	TestEnded struct {
		Scope, WebhookID string
		Delivered        bool
	}
)

// HookTake is how deliveries of a webhook are to be claimed.
type HookTake struct {
	Scope, WebhookID string
	Take             Take
}

// Stored is what is known of an Enqueue.
type Stored uint8

// What is known of an Enqueue.
const (
	IsStored Stored = iota
	NotStored
	StoredUnknown
)

// Verdict is what a read of a webhook says about the jobs that wait for it.
type Verdict uint8

const (
	// Usable: they are sent with the Hook that was read.
	Usable Verdict = iota
	// Unusable: it is inactive, expired or cannot be opened now, or was not read. They go back.
	Unusable
	// WebhookGone: they end as cancelled.
	WebhookGone
)

func (Started) isEvent()         {}
func (Stopping) isEvent()        {}
func (Abandon) isEvent()         {}
func (Paused) isEvent()          {}
func (Ticked) isEvent()          {}
func (ClockRead) isEvent()       {}
func (Offered) isEvent()         {}
func (Enqueued) isEvent()        {}
func (Expected) isEvent()        {}
func (Woken) isEvent()           {}
func (Announced) isEvent()       {}
func (Notified) isEvent()        {}
func (Listed) isEvent()          {}
func (Found) isEvent()           {}
func (Leased) isEvent()          {}
func (Attempted) isEvent()       {}
func (NotSent) isEvent()         {}
func (Settled) isEvent()         {}
func (Swept) isEvent()           {}
func (Edited) isEvent()          {}
func (Reread) isEvent()          {}
func (HealthRead) isEvent()      {}
func (HealthSaved) isEvent()     {}
func (SwitchOffFailed) isEvent() {}
func (TestStarted) isEvent()     {}
func (TestEnded) isEvent()       {}
