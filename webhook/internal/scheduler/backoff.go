package scheduler

import "time"

// backOff spaces the repetitions of a kind of call to the Store that fails.
type backOff struct {
	failures int       // in a row
	first    time.Time // the first of these
	wait     time.Duration
	after    time.Time // no call before this time
}

const (
	leastRetry = 50 * time.Millisecond
	mostRetry  = 5 * time.Second
	// maxLost bounds the failures in a row whose cause may be lost answers.
	maxLost = 10
)

// fail records a failure. The intervals between repetitions double, because a Store that is away must
// not be hurried. They stay short while the Store answers other calls: then only some answers are lost.
func (b *backOff) fail(s *Scheduler) {
	if b.failures++; b.failures == 1 {
		b.first = s.now
	}
	if b.failures > maxLost || !s.answered.After(b.first) {
		b.wait *= 2
	}
	b.wait = min(max(b.wait, leastRetry), mostRetry)
	b.after = s.now.Add(b.wait)
}

// succeed records an answer.
func (b *backOff) succeed(s *Scheduler) {
	*b = backOff{}
	s.answered = s.now
}
