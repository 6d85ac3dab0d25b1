package webhook

import (
	"context"

	"github.com/postrider/postrider/webhook/internal/testhook"
)

// Bounds are the times of one attempt below Options.Timeout; zero keeps the default.
type Bounds = testhook.Bounds

// SetBounds shortens time limits for tests. It must be called before the first attempt.
func SetBounds(d *Dispatcher, b Bounds) { testhook.SetBounds(d, b) }

// Send makes one attempt, as a delivery, a Test or a Redeliver does.
func Send(ctx context.Context, d *Dispatcher, w Webhook, dl Delivery) Attempt {
	var a Attempt
	d.sender.attempt(ctx, &w, &dl, d.now(), &a)
	return a
}
