package keyexpiry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// grace keeps a mark beyond the last time at which a host with a wrong clock may announce
// the key.
const grace = 7 * day

// marked reports whether an occasion is marked.
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

// settle reads the deliveries of an event, one for each active webhook that subscribes, and
// requeues failed ones. open means that a delivery is not accepted yet, again that one was
// requeued. Requeue keeps the identifier and body; a second Dispatch would add nothing while
// the Store has the first delivery.
func (c *Checker) settle(ctx context.Context, scope string, ids []string, now time.Time) (open, again bool, err error) {
	var errs []error
	for _, id := range ids {
		d, _, err := c.history.Delivery(ctx, scope, id)
		switch {
		case errors.Is(err, webhook.ErrNotFound):
			open = true // deleted since; the next check reads the others
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
