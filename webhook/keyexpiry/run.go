package keyexpiry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postrider/postrider/webhook"
)

// ErrRunning: Run was called while another Run of the Checker is under way.
var ErrRunning = errors.New("keyexpiry: checker is already running")

// Run checks at once and then at every multiple of Options.Every until ctx ends, and
// returns nil. The time is that of the Store where it tells it ([webhook.Clock]). A check
// that fails is logged and tried again at its next turn. It returns [ErrRunning] when another Run
// of this Checker is under way. It starts no goroutine.
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

// now is the Store's time where it tells it, and contains its panics.
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
	return r.Store, err // keys expire in days; how long the reading took does not matter
}

// wait is the time until the next check.
func (c *Checker) wait(now time.Time) time.Duration {
	next := now.Truncate(c.o.Every).Add(c.o.Every) // counts from the zero time, a midnight in UTC
	return next.Sub(now) + rand.N(c.o.Jitter+1)
}
