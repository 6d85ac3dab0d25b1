package keyexpiry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Checker finds keys that are about to expire and dispatches their events. Make one with
// [New]. All methods are safe for concurrent use, and several hosts may check the same keys
// on one Store concurrently.
type Checker struct {
	hooks   *webhook.Dispatcher
	source  Source
	marks   webhook.Marks
	history webhook.History // nil unless MarkOnAccepted
	clock   webhook.Clock   // nil for a Store without Clock
	o       Options
	log     *slog.Logger
	running atomic.Bool
}

// New returns a Checker that dispatches through hooks and keeps marks in store, the Store of
// hooks. It does no I/O and starts no goroutine. A Store without Marks, or without History
// where MarkOnAccepted is set, is refused with [webhook.ErrUnsupported]; impossible settings
// are refused with the name of the field.
func New(hooks *webhook.Dispatcher, store webhook.Store, source Source, o *Options) (*Checker, error) {
	if hooks == nil || store == nil || source == nil {
		return nil, errors.New("keyexpiry: New needs a Dispatcher, its Store and a Source")
	}
	c := &Checker{hooks: hooks, source: source, o: o.withDefaults()}
	if err := c.o.check(); err != nil {
		return nil, err
	}
	c.log = c.o.Logger
	var ok bool
	if c.marks, ok = store.(webhook.Marks); !ok {
		return nil, fmt.Errorf("keyexpiry: %w: announcing a key once needs Marks", webhook.ErrUnsupported)
	}
	if c.o.MarkOnAccepted {
		if c.history, ok = store.(webhook.History); !ok {
			return nil, fmt.Errorf("keyexpiry: %w: Options.MarkOnAccepted needs History", webhook.ErrUnsupported)
		}
	}
	c.clock, _ = store.(webhook.Clock)
	return c, nil
}

// Check lists the keys and announces those that are in their last days at now and were not
// announced before. The failure of a key does not affect the others. The error joins the
// Err of each Result; after an error of the Source the Report is empty. Errors are also
// logged. The next Check repeats failed announcements.
func (c *Checker) Check(ctx context.Context, now time.Time) (Report, error) {
	keys, err := c.keys(ctx)
	if err != nil {
		c.log.WarnContext(ctx, "keyexpiry: the keys could not be listed, the next check tries again", "error", err)
		return Report{}, err
	}
	report := Report{Listed: len(keys)}
	var errs []error
	for _, k := range keys {
		if !c.due(k, now) {
			continue
		}
		if err := ctx.Err(); err != nil {
			errs = append(errs, fmt.Errorf("keyexpiry: check: %w", err))
			break
		}
		r := Result{Key: k, EventID: EventID(k)}
		r.Outcome, r.Err = c.announceSafely(ctx, k, r.EventID, now)
		if r.Err != nil {
			r.Outcome, r.Err = Failed, fmt.Errorf("keyexpiry: scope %q, key %q: %w", k.Scope, k.ID, r.Err)
			errs = append(errs, r.Err)
		}
		report.Keys = append(report.Keys, r)
		c.logResult(ctx, r)
	}
	return report, errors.Join(errs...)
}

// keys calls the Source and contains its panics.
func (c *Checker) keys(ctx context.Context) (keys []Key, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.ErrorContext(ctx, "keyexpiry: the Source panicked", "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			keys, err = nil, fmt.Errorf("keyexpiry: Source: %w", webhook.ErrPanic)
		}
	}()
	if keys, err = c.source.Keys(ctx); err != nil {
		return nil, fmt.Errorf("keyexpiry: Source: %w", err)
	}
	return keys, nil
}

// logResult logs the result of a key.
func (c *Checker) logResult(ctx context.Context, r Result) {
	log := c.log.With("outcome", r.Outcome.String(), "scope", r.Key.Scope, "key", r.Key.ID, "event", r.EventID)
	switch r.Outcome {
	case Failed:
		log.WarnContext(ctx, "keyexpiry: a key was not announced, the next check tries again", "error", r.Err)
	case Fired, Again:
		log.InfoContext(ctx, "keyexpiry: a key is about to expire")
	default:
		log.DebugContext(ctx, "keyexpiry: a key is about to expire, nothing was sent")
	}
}

// due reports whether the key must be announced at now, unless it was announced before.
func (c *Checker) due(k Key, now time.Time) bool {
	left := k.ExpiresAt.Sub(now)
	return !k.ExpiresAt.IsZero() && left <= c.o.Window && left > -c.o.Late
}

// announceSafely is announce for a Store that may panic. The panic's value may be secret.
func (c *Checker) announceSafely(ctx context.Context, k Key, id string, now time.Time) (outcome Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.ErrorContext(ctx, "keyexpiry: the Store panicked", "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			outcome, err = Failed, fmt.Errorf("the Store: %w", webhook.ErrPanic)
		}
	}()
	return c.announce(ctx, k, id, now)
}

// announce dispatches first and marks afterwards. After a crash in between, the next check
// repeats a Dispatch that adds nothing, and the event is not lost.
func (c *Checker) announce(ctx context.Context, k Key, id string, now time.Time) (Outcome, error) {
	event, err := payload.New(k.Scope, k.data(), payload.WithID(id), payload.WithTime(now), payload.WithExpiryFormat(c.o.Format))
	if err != nil {
		return Failed, err
	}
	if k.ExpiresAt.After(now) {
		event.ExpiresAt = k.ExpiresAt // the reminder is useless afterwards
	}
	if done, err := c.marked(ctx, k.Scope, id, now); err != nil || done {
		return Done, err
	}
	receipt, err := c.hooks.Dispatch(ctx, event)
	if err != nil {
		return Failed, err
	}
	is := receipt.Events[0]
	outcome := Done
	switch {
	case is.Matched == 0:
		return Unheard, nil
	case is.Added > 0:
		outcome = Fired
	}
	if c.o.MarkOnAccepted {
		if outcome == Fired {
			return Fired, nil // the next check reads the result
		}
		open, again, err := c.settle(ctx, k.Scope, is.Deliveries, now)
		switch {
		case err != nil:
			return Failed, err
		case again:
			return Again, nil
		case open:
			return Waiting, nil
		}
	}
	return outcome, c.mark(ctx, k, id, now)
}
