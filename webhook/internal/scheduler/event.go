package scheduler

import "time"

// Event is an input of the Scheduler. Step applies it.
type Event interface{ apply(*Scheduler) }

type (
	// Started: Run begins.
	Started struct{}
	// Stopping: Run's context has ended. Hand-offs, claims and requests stop, and waiting jobs
	// are released.
	Stopping struct{}
	// Abandon: the time for storing outcomes after Stopping is over. The remaining outcomes
	// are dropped, and their deliveries sent again when their leases end.
	Abandon struct{}
	// Paused: sending is switched off or on.
	Paused struct{ On bool }
	// Ticked: the time of [Scheduler.Wake] has come.
	Ticked struct{}
	// ClockRead: the Store's clock was read. Store and Process are the same moment, with an
	// error of at most Uncertain.
	ClockRead struct {
		Store, Process time.Time
		Uncertain      time.Duration
	}

	// Offered: a Dispatch is about to store jobs. Afterwards [Job.Held] reports which of them are
	// stored leased. [Enqueued] always follows.
	Offered struct{ Jobs []*Job }
	// Enqueued: the call of the Store has ended. Added has one element for each job.
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
	// Announced: deliveries became due, for example by a requeue, and other hosts are notified.
	Announced struct{ Lanes []Lane }
	// Notified: the call of [Notify] has ended.
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
	// Leased answers [Claim]. Ended are jobs whose outcome is known without a request: refused
	// or unreadable ones. Sealed are released, and their webhook is held back.
	Leased struct {
		Jobs, Ended, Sealed []*Job
		// Mistaken are released: they were claimed with another Take than their webhook's,
		// for example after an edit. Takes holds the Take of each webhook that was read.
		Mistaken []*Job
		Takes    []HookTake
		Short    []Lane
		// Failed: there is no answer, and the claim is repeated. Partial: the answer is
		// correct but incomplete. GivenUp: the claim was not repeated, because its leases
		// would be too short; its deliveries are free when the leases end.
		Failed, Partial, GivenUp bool
	}
	// Attempted: a request has ended, and Job.Result is filled.
	Attempted struct{ Job *Job }
	// NotSent: a job was not sent, or its request was interrupted without an answer. Ended
	// means that its outcome is known nevertheless.
	NotSent struct {
		Job   *Job
		Ended bool
	}
	// Settled answers [Settle]. Lost holds, by Job.ID, the outcomes that the Store refused.
	Settled struct {
		Jobs   []*Job
		Lost   map[string]bool
		Failed bool
	}
	// Swept answers [Sweep].
	Swept struct{ More, Failed bool }
	// Edited: a webhook was changed in this process at At, in the process's time. Fresh clears
	// its health; Gone means that it was deleted. Takes holds its new Take.
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
	// HealthSaved answers [SaveHealth] with the stored record. After a Conflict it is
	// another host's record.
	HealthSaved struct {
		Stored           Health
		Conflict, Failed bool
	}
	// SwitchOffFailed: [SwitchOff] failed; the next failure of the endpoint repeats it.
	SwitchOffFailed struct{ Scope, WebhookID string }

	// TestStarted asks whether a test may be sent. The Scheduler sets Allowed.
	TestStarted struct {
		Scope   string
		Allowed *bool
	}
	// TestEnded ends a test. Delivered closes the webhook's breaker.
	TestEnded struct {
		Scope, WebhookID string
		Delivered        bool
	}
)

// HookTake is the Take of a webhook.
type HookTake struct {
	Scope, WebhookID string
	Take             Take
}

// Stored is the result of an Enqueue.
type Stored uint8

// Results of an Enqueue.
const (
	IsStored Stored = iota
	NotStored
	StoredUnknown
)

// Verdict is the consequence of a read of a webhook for its waiting jobs.
type Verdict uint8

const (
	// Usable: the jobs are sent with the Hook that was read.
	Usable Verdict = iota
	// Unusable: the webhook is inactive, expired or unreadable, or the read failed. The jobs are released.
	Unusable
	// WebhookGone: the jobs end as cancelled.
	WebhookGone
)

func (e Started) apply(s *Scheduler)     { s.start() }
func (e Abandon) apply(s *Scheduler)     { s.abandon() }
func (e Ticked) apply(*Scheduler)        {}
func (e Offered) apply(s *Scheduler)     { s.offered(e.Jobs) }
func (e Enqueued) apply(s *Scheduler)    { s.enqueued(e) }
func (e Expected) apply(s *Scheduler)    { s.expect(e) }
func (e Woken) apply(s *Scheduler)       { s.wokenUp(e.Foreign) }
func (e Listed) apply(s *Scheduler)      { s.listed(e) }
func (e Leased) apply(s *Scheduler)      { s.leased(e) }
func (e Attempted) apply(s *Scheduler)   { s.attempted(e.Job) }
func (e Settled) apply(s *Scheduler)     { s.settled(e) }
func (e Swept) apply(s *Scheduler)       { s.swept(e) }
func (e Edited) apply(s *Scheduler)      { s.edited(e) }
func (e Reread) apply(s *Scheduler)      { s.reread(e) }
func (e HealthRead) apply(s *Scheduler)  { s.healthRead(e) }
func (e HealthSaved) apply(s *Scheduler) { s.healthSaved(e) }
func (e TestStarted) apply(s *Scheduler) { *e.Allowed = s.startTest(e.Scope) }
func (e TestEnded) apply(s *Scheduler)   { s.endTest(e) }

func (e Stopping) apply(s *Scheduler) {
	s.stopping = true
	s.returnAll()
}

func (e Paused) apply(s *Scheduler) {
	if s.paused = e.On; e.On {
		s.returnAll()
	} else {
		s.looks.full = true
	}
}

func (e ClockRead) apply(s *Scheduler) {
	s.clockStore, s.clockHere, s.uncertain = e.Store, e.Process, e.Uncertain
}

func (e Found) apply(s *Scheduler) {
	s.haveMore(e.Lanes)
	if e.Failed {
		s.storeFailed()
	}
}

func (e Announced) apply(s *Scheduler) {
	s.haveMore(e.Lanes)
	s.notify()
}

func (e Notified) apply(s *Scheduler) {
	if s.notifying = false; s.notifyAgain {
		s.notifyAgain = false
		s.notify()
	}
}

func (e NotSent) apply(s *Scheduler) {
	s.endRequest(e.Job, false)
	if e.Ended {
		s.settle(e.Job, Written)
	} else {
		s.settle(e.Job, GivenBack)
	}
}

func (e SwitchOffFailed) apply(s *Scheduler) {
	if ep := s.endpoints[hookID{e.Scope, e.WebhookID}]; ep != nil && ep.health != nil {
		ep.health.disabled = false
	}
}
