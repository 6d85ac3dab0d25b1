package scheduler

import "time"

// backOff spaces the repetitions of a kind of call to the Store that fails.
type backOff struct {
	failures int       // in a row
	first    time.Time // begin of the first call of these
	wait     time.Duration
	after    time.Time // no call before this time
}

const (
	leastRetry = 50 * time.Millisecond
	mostRetry  = 5 * time.Second
	// lostFor is the time for which failures may have another cause than an outage: lost answers.
	lostFor = 2 * time.Second
)

// fail records that a call failed which began at a time. The interval before its repetition is short, and
// doubles in an outage, so that a Store that is away is not hurried.
func (b *backOff) fail(s *Scheduler, began time.Time) {
	if b.failures++; b.failures == 1 {
		b.first = began
	}
	if answers := b.failures == 1 || s.answered.After(b.first); answers && s.now.Sub(b.first) <= lostFor {
		b.wait = leastRetry
	} else {
		b.wait = min(2*max(b.wait, leastRetry), mostRetry)
	}
	b.after = s.now.Add(b.wait)
}

// outage reports whether the Store is away: it answers no other call either, or it has failed for long.
func (b *backOff) outage() bool { return b.wait > leastRetry }

// succeed records an answer.
func (b *backOff) succeed(s *Scheduler) {
	*b = backOff{}
	s.answered = s.now
}
