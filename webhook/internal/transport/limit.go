package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// limit ends an exchange in time. It has one timer for all phases, because a timer for each costs
// more than the rest of a short request's bookkeeping.
type limit struct {
	end    time.Time // of the exchange
	header time.Duration
	late   atomic.Bool // the timer has ended the context
	cancel context.CancelCauseFunc

	mu     sync.Mutex // guards the time of timer and headed
	timer  *time.Timer
	headed bool // the header of the answer is complete, or the exchange is over
}

// Limit bounds the time of an exchange from now on, and the wait for the complete header of the
// answer after the request was written. The caller calls End when the exchange is over. It must
// be called before Request.
func (x *Exchange) Limit(whole, header time.Duration) {
	l := &x.own
	x.Context, l.cancel = context.WithCancelCause(x.Context)
	l.end, l.header = time.Now().Add(whole), header
	l.timer = time.AfterFunc(whole, l.expire)
	x.trace.WroteRequest = x.wroteRequest
	x.limit = l
}

// End frees what Limit has reserved. The context of the exchange has ended then.
func (x *Exchange) End() {
	l := x.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	l.headed = true
	l.timer.Stop()
	l.cancel(nil)
}

// Within bounds the time after the header by d, within the time of the whole exchange.
func (x *Exchange) Within(d time.Duration) { x.limit.reset(d, true) }

// reset sets the timer for the next phase. A transport may report that the request is written while
// the answer is read, and after the exchange, so that report changes nothing once headed is set.
func (l *limit) reset(d time.Duration, headed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.headed && !headed {
		return
	}
	l.headed = headed
	l.timer.Reset(min(d, time.Until(l.end)))
}

func (l *limit) expire() {
	l.late.Store(true)
	l.cancel(context.DeadlineExceeded)
}

// isLate reports whether ctx has ended by a deadline or by a limit. A context that is derived from an
// Exchange shows the limit by its cause only.
func isLate(ctx context.Context) bool {
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

// Err implements [context.Context].
func (x *Exchange) Err() error {
	err := x.Context.Err()
	if err != nil && x.limit != nil && x.limit.late.Load() {
		return context.DeadlineExceeded
	}
	return err
}

// Deadline implements [context.Context].
func (x *Exchange) Deadline() (time.Time, bool) {
	at, ok := x.Context.Deadline()
	if l := x.limit; l != nil && (!ok || l.end.Before(at)) {
		return l.end, true
	}
	return at, ok
}
