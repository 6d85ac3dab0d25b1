package scheduler

import "time"

// Command is an action for the caller, who performs it after releasing the lock and answers
// with the named event.
type Command interface{ isCommand() }

type (
	// Send: make the request of a job. Answer: [Attempted] or [NotSent].
	Send struct{ Job *Job }
	// Claim: lease from lanes. Answer: [Leased].
	Claim struct {
		// Repeat means that Now, Until and the lease number are those of the previous claim,
		// whose answer was lost. Otherwise the caller computes new ones.
		Repeat   bool
		Lanes    []LaneClaim
		MaxBytes int
	}
	// Look: ask which lanes have something due. Answer: [Listed].
	Look struct {
		Since  time.Time // in the Store's time; zero asks for all
		Cursor string
	}
	// LookAt: ask which lanes of one webhook have something due. Answer: [Found].
	LookAt struct{ Scope, WebhookID string }
	// Settle: store the outcomes of jobs, at most 500. Answer: [Settled].
	Settle struct{ Jobs []*Job }
	// Sweep: end deliveries that no claim ends. Answer: [Swept].
	Sweep struct{}
	// Read: read a webhook again. Answer: [Reread].
	Read struct{ Scope, WebhookID string }
	// Notify: tell the other hosts. Answer: [Notified].
	Notify struct{}
	// ReadHealth: read the health of all webhooks. Answer: [HealthRead].
	ReadHealth struct{}
	// SaveHealth: replace Old by New. Answer: [HealthSaved].
	SaveHealth struct{ Old, New Health }
	// SwitchOff: switch the job's webhook off for Reason. Answer: [Edited] after success, else
	// [SwitchOffFailed].
	SwitchOff struct {
		Job    *Job
		Reason string
	}
	// Attention: tell the owner of the job's webhook.
	Attention struct{ Job *Job }
	// BreakerOpened: tell the operator.
	BreakerOpened struct {
		Health Health
		Code   string
		Wait   time.Duration
	}
	// Dropped: the outcome of a job could not be stored before its lease ended; the delivery
	// is sent again.
	Dropped struct{ Job *Job }
)

// LaneClaim is a lane to claim from, with the most deliveries to take and the way to take them.
type LaneClaim struct {
	Lane Lane
	Most int
	Take Take
}

// Take selects the deliveries of a lane that a claim takes.
type Take uint8

// The values of Take, numbered as in the Store.
const (
	TakeAny    Take = iota // all due deliveries
	TakeHeads              // of each key the head; the same as TakeAny where there are no keys
	TakeNewest             // of each key the newest
)

func (Send) isCommand()          {}
func (Claim) isCommand()         {}
func (Look) isCommand()          {}
func (LookAt) isCommand()        {}
func (Settle) isCommand()        {}
func (Sweep) isCommand()         {}
func (Read) isCommand()          {}
func (Notify) isCommand()        {}
func (ReadHealth) isCommand()    {}
func (SaveHealth) isCommand()    {}
func (SwitchOff) isCommand()     {}
func (Attention) isCommand()     {}
func (BreakerOpened) isCommand() {}
func (Dropped) isCommand()       {}
