package webhook

import (
	"context"
	"time"
)

// Bounds are the times of one attempt below Options.Timeout; zero keeps the default.
type Bounds struct{ Dial, TLS, Header, Body time.Duration }

// SetBounds shortens what would make a test wait. It must come before the first attempt.
func SetBounds(d *Dispatcher, b Bounds) {
	s := d.sender
	for _, f := range []struct {
		to   *time.Duration
		from time.Duration
	}{{&s.bounds.dial, b.Dial}, {&s.bounds.tls, b.TLS}, {&s.bounds.header, b.Header}, {&s.bounds.body, b.Body}} {
		if f.from > 0 {
			*f.to = f.from
		}
	}
	s.own = newTransport(&d.profile, &d.o, s.bounds)
}

// Send makes one attempt, as a delivery, a Test or a Redeliver does.
func Send(ctx context.Context, d *Dispatcher, w Webhook, dl Delivery) Attempt {
	return d.sender.attempt(ctx, &w, &dl, d.now())
}
