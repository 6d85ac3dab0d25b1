package webhook

import (
	"context"
	"sync"
	"time"
)

// deadline is the context of one attempt: [context.WithTimeout], but its timer is used
// again by the next attempt, and the end can be brought forward once an answer has begun.
// The context itself is used once, because net/http may hold on to it.
type deadline struct {
	context.Context
	at    time.Time
	timer *attemptTimer
}

// attemptTimer ends an attempt.
type attemptTimer struct {
	*time.Timer
	cancel context.CancelCauseFunc
}

// timers keeps those that nobody uses. It belongs to one sender, because a timer belongs
// to the time in which it was made.
type timers struct{ idle sync.Pool }

// begin starts an attempt.
func (t *timers) begin(parent context.Context, d *deadline, timeout time.Duration) {
	d.timer, _ = t.idle.Get().(*attemptTimer)
	if d.timer == nil {
		fresh := &attemptTimer{}
		fresh.Timer = time.AfterFunc(time.Hour, func() { fresh.cancel(context.DeadlineExceeded) })
		fresh.Stop()
		d.timer = fresh
	}
	d.at = time.Now().Add(timeout)
	if earlier, ok := parent.Deadline(); ok && earlier.Before(d.at) {
		d.at = earlier
	}
	d.Context, d.timer.cancel = context.WithCancelCause(parent)
	d.timer.Reset(timeout)
}

// within brings the end forward.
func (d *deadline) within(most time.Duration) {
	if time.Until(d.at) > most {
		d.timer.Reset(most)
	}
}

// end ends an attempt.
func (t *timers) end(d *deadline) {
	stopped := d.timer.Stop()
	d.timer.cancel(nil)
	if stopped { // else its function may be running
		d.timer.cancel = nil
		t.idle.Put(d.timer)
	}
}

// Deadline implements [context.Context].
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Err implements [context.Context].
func (d *deadline) Err() error {
	err := d.Context.Err()
	if err != nil && d.expired() {
		return context.DeadlineExceeded
	}
	return err
}

func (d *deadline) expired() bool { return context.Cause(d.Context) == context.DeadlineExceeded }
