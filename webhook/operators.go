package webhook

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Operators is the view over all scopes for the operators of the service. Do not give it to
// tenants: its methods check no scope. Make one with [Dispatcher.Operators]. Its methods are safe
// for concurrent use.
type Operators struct {
	d     *Dispatcher
	stats Stats
}

// Operators returns the view over all scopes. Errors: [ErrUnsupported] when the Store has no
// [Stats].
func (d *Dispatcher) Operators() (*Operators, error) {
	s, ok := d.store.(Stats)
	if !ok {
		return nil, fmt.Errorf("webhook: operators: %w: it has no Stats", ErrUnsupported)
	}
	return &Operators{d, s}, nil
}

// Totals counts the pending deliveries, and the webhooks. It answers within a second with a backlog
// of any size.
func (o *Operators) Totals(ctx context.Context) (Totals, error) {
	t, err := protectRead("Totals", func() (Totals, error) { return o.stats.Totals(ctx, o.d.now()) })
	if err != nil {
		return Totals{}, fmt.Errorf("webhook: totals: %w", err)
	}
	return t, nil
}

// Backlog lists the webhooks that have waiting deliveries, a page at a time. Errors: [ErrInvalid]
// for an invalid query.
func (o *Operators) Backlog(ctx context.Context, q BacklogQuery) (bs []Backlog, next string, err error) {
	if !q.Valid() {
		return nil, "", fmt.Errorf("webhook: backlog: %w: BacklogQuery.Limit %d must be between 1 and %d, or 0 for 50, and Order one of those that there are", ErrInvalid, q.Limit, maxBacklogPage)
	}
	err = protect("Backlog", func() (err error) {
		bs, next, err = o.stats.Backlog(ctx, q)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("webhook: backlog: %w", err)
	}
	return bs, next, nil
}

// FailingOrder is an order of webhooks that fail.
type FailingOrder uint8

// The orders.
const (
	FailingMost    FailingOrder = 0 // the most failures in a row first
	FailingLongest FailingOrder = 1 // the earliest FailingSince first
	FailingOpened  FailingOrder = 2 // the breaker that opened most often in a row first
)

// MaxFailing bounds the result of [Operators.Failing].
const MaxFailing = 500

// Failing returns the webhooks whose health is not OK, the worst first, at most [MaxFailing] of
// them, and their number. It reads the [HealthStore] and no delivery. Errors: [ErrInvalid] for an
// unknown order, [ErrUnsupported] without a HealthStore.
func (o *Operators) Failing(ctx context.Context, by FailingOrder) (worst []Health, total int, err error) {
	if by > FailingOpened {
		return nil, 0, fmt.Errorf("webhook: failing: %w: there is no order %d", ErrInvalid, by)
	}
	if o.d.health == nil {
		return nil, 0, fmt.Errorf("webhook: failing: %w: it has no HealthStore", ErrUnsupported)
	}
	all, err := protectRead("Health", func() ([]Health, error) { return o.d.health.Health(ctx, "", "") })
	if err != nil {
		return nil, 0, fmt.Errorf("webhook: failing: %w", err)
	}
	all = slices.DeleteFunc(all, func(h Health) bool { return h.OK() })
	slices.SortFunc(all, func(a, b Health) int {
		first := 0
		switch by {
		case FailingMost:
			first = cmp.Compare(b.Failures, a.Failures)
		case FailingLongest:
			first = sinceWhen(a).Compare(sinceWhen(b))
		case FailingOpened:
			first = cmp.Compare(b.Opened, a.Opened)
		}
		return cmp.Or(first, cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.WebhookID, b.WebhookID))
	})
	return slices.Clone(all[:min(len(all), MaxFailing)]), len(all), nil
}

// sinceWhen is FailingSince, or a time in the far future for a webhook that is only paused.
func sinceWhen(h Health) time.Time {
	if h.FailingSince.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return h.FailingSince
}

// MaxFound bounds the result of [Operators.Find].
const MaxFound = 500

// Find returns the deliveries of an event, whatever its scope, at most [MaxFound] of them,
// without bodies. Those of webhooks that were deleted may be missing; [Manager.Deliveries]
// of the scope has them. Errors: [ErrInvalid] for an identifier that no event can have.
func (o *Operators) Find(ctx context.Context, eventID string) ([]Delivery, error) {
	if !validEventID(eventID) {
		return nil, fmt.Errorf("webhook: find: %w: no event can have that identifier", ErrInvalid)
	}
	ds, err := protectRead("Find", func() ([]Delivery, error) { return o.stats.Find(ctx, eventID, MaxFound) })
	if err != nil {
		return nil, fmt.Errorf("webhook: find: %w", err)
	}
	for i := range ds {
		ds[i].Body = nil
	}
	return ds[:min(len(ds), MaxFound)], nil
}

// Status is the state of this process; see [Dispatcher.Status].
func (o *Operators) Status() Status { return o.d.Status() }

// SetPaused stops and resumes sending by this process; see [Dispatcher.SetPaused]. Other
// hosts go on.
func (o *Operators) SetPaused(paused bool) { o.d.SetPaused(paused) }
