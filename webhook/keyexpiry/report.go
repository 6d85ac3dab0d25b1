package keyexpiry

import "fmt"

// Report is the result of a check.
type Report struct {
	// Listed is the number of keys that the Source returned.
	Listed int
	// Keys are the results of the keys in their window, in the Source's order.
	Keys []Result
}

// Result is the result of a check for one key.
type Result struct {
	Key     Key
	EventID string
	Outcome Outcome
	// Err is the reason for the Outcome Failed, and otherwise nil.
	Err error
}

// Outcome is the action of a check for a key.
type Outcome uint8

// The outcomes.
const (
	// Failed: the event was refused, or the Store returned an error. The next check tries again.
	Failed Outcome = iota
	// Fired: the Store has a new delivery of the event.
	Fired
	// Again: a failed delivery was requeued.
	Again
	// Waiting: with MarkOnAccepted, a receiver has not accepted yet.
	Waiting
	// Done: this occasion is finished.
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

// MarshalText returns the word of String, so that JSON and logs have words.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
