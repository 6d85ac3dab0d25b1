package keyexpiry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// grace keeps a mark beyond the last moment at which any host may want to announce the
// key, whatever its clock says.
const grace = 7 * day

// marked asks whether an occasion is marked.
func (c *Checker) marked(ctx context.Context, scope, id string, now time.Time) (bool, error) {
	done, err := c.marks.Marked(ctx, scope, id, now)
	if err != nil {
		return false, fmt.Errorf("look for the mark: %w", err)
	}
	return done, nil
}

func (c *Checker) mark(ctx context.Context, k Key, id string, now time.Time) error {
	if _, err := c.marks.Mark(ctx, k.Scope, id, now, k.ExpiresAt.Add(c.o.Late+grace)); err != nil {
		return fmt.Errorf("mark: %w", err) // the next check finds the event stored and marks it
	}
	return nil
}

// settle looks at the deliveries of an event, one for each active webhook that subscribes.
// open means that one of them is not accepted yet, again that one that had failed for good
// was queued once more. Requeueing keeps the delivery's identifier and body, which a second
// Dispatch could not send while the first delivery is remembered.
func (c *Checker) settle(ctx context.Context, scope string, ids []string, now time.Time) (open, again bool, err error) {
	var errs []error
	for _, id := range ids {
		d, _, err := c.history.Delivery(ctx, scope, id)
		switch {
		case errors.Is(err, webhook.ErrNotFound):
			open = true // deleted since; the next check sees what is left
		case err != nil:
			errs = append(errs, fmt.Errorf("delivery %s: %w", id, err))
		case d.State == webhook.StatePending:
			open = true
		case d.State == webhook.StateFailed && d.LastCode != webhook.CodeCancelled:
			open = true
			switch err := c.history.Requeue(ctx, scope, id, now); {
			case err == nil:
				again = true
			case errors.Is(err, webhook.ErrNotFound), errors.Is(err, webhook.ErrHeld):
			default:
				errs = append(errs, fmt.Errorf("requeue %s: %w", id, err))
			}
		}
	}
	if again {
		c.hooks.Wake()
	}
	return open, again, errors.Join(errs...)
}
