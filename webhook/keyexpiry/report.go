package keyexpiry

import "fmt"

// Report tells what a check found.
type Report struct {
	// Listed is the number of keys that the Source returned.
	Listed int
	// Keys are those that were due to be announced, in the Source's order.
	Keys []Result
}

// Result tells what became of one key.
type Result struct {
	Key     Key
	EventID string
	Outcome Outcome
	// Err says why the Outcome is Failed, and else is nil.
	Err error
}

// Outcome is what a check did about a key.
type Outcome uint8

// The outcomes.
const (
	// Failed: the event was refused, or the Store did not take it. The next check tries again.
	Failed Outcome = iota
	// Fired: the Store has a new delivery of the event.
	Fired
	// Again: a delivery that had failed for good was queued once more.
	Again
	// Waiting: with MarkOnAccepted, a receiver has not accepted yet.
	Waiting
	// Done: this occasion needs nothing more.
	Done
	// Unheard: no active webhook subscribes. The next check tries again.
	Unheard
)

// String returns the outcome's name in lower case.
func (o Outcome) String() string {
	names := [...]string{"failed", "fired", "again", "waiting", "done", "unheard"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}
