package scheduler

import "time"

// Command says what is to be done. The caller does it after the lock is free and answers
// with the event that is named.
type Command interface{ isCommand() }

type (
	// Send: make the request of a job. Answer: [Attempted] or [NotSent].
	Send struct{ Job *Job }
	// Claim: lease from lanes. Answer: [Leased].
	Claim struct {
		// Now, Until and the number of the lease are worked out when Repeat is false, and
		// else are those of the claim before, whose answer was lost.
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
	// Sweep: end what no claim will end. Answer: [Swept].
	Sweep struct{}
	// Read: read a webhook anew. Answer: [Reread].
	Read struct{ Scope, WebhookID string }
	// Notify: tell the other hosts. Answer: [Notified].
	Notify struct{}
	// ReadHealth: read the health of all webhooks. Answer: [HealthRead].
	ReadHealth struct{}
	// SaveHealth: replace Old by New. Answer: [HealthSaved].
	SaveHealth struct{ Old, New Health }
	// SwitchOff: switch the job's webhook off for Reason. Answer: [Edited] if it was, and else
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
	// Dropped: the outcome of a job could not be stored before its lease ended; it is sent
	// again.
	Dropped struct{ Job *Job }
)

// LaneClaim is a lane to claim from, with the most to take and how.
type LaneClaim struct {
	Lane Lane
	Most int
	Take Take
}

// Take says which deliveries of a lane a claim takes.
type Take uint8

// The ways to take, numbered as the Store has them.
const (
	TakeAny    Take = iota // whatever is due
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
