package keyexpiry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postrider/postrider/webhook"
)

// ErrRunning: Run was called during another Run of the Checker.
var ErrRunning = errors.New("keyexpiry: checker is already running")

// Run checks at once and then at every multiple of Options.Every until ctx ends, and
// returns nil. It uses the Store's time if the Store has a [webhook.Clock]. A failed check is
// logged, and the next one tries again. During another Run of this Checker it returns
// [ErrRunning]. It starts no goroutine.
func (c *Checker) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer c.running.Store(false)
	for ctx.Err() == nil {
		c.turn(ctx)
		t := time.NewTimer(c.wait(time.Now()))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

func (c *Checker) turn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	now, err := c.now(ctx)
	if err != nil {
		c.log.WarnContext(ctx, "keyexpiry: the Store's clock could not be read, the next check tries again", "error", err)
		return
	}
	_, _ = c.Check(ctx, now) // logs its error
}

// now returns the Store's time, or without a Clock the host's, and contains panics of the Store.
func (c *Checker) now(ctx context.Context) (now time.Time, err error) {
	if c.clock == nil {
		return time.Now(), nil
	}
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the Store: %w", webhook.ErrPanic)
		}
	}()
	r, err := c.clock.Now(ctx)
	return r.Store, err // the duration of the reading does not matter, since keys expire in days
}

// wait returns the time until the next check.
func (c *Checker) wait(now time.Time) time.Duration {
	next := now.Truncate(c.o.Every).Add(c.o.Every) // counts from the zero time, a midnight in UTC
	return next.Sub(now) + rand.N(c.o.Jitter+1)
}
