package webhook

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

func (m *Manager) history() (History, error) {
	if m.d.history == nil {
		return nil, fmt.Errorf("%w: it has no History", ErrUnsupported)
	}
	return m.d.history, nil
}

// Deliveries lists deliveries, a page at a time; see [Query]. Errors: [ErrInvalid] for an invalid
// Query, [ErrUnsupported] when the Store has no [History].
func (m *Manager) Deliveries(ctx context.Context, q Query) (ds []Delivery, next string, err error) {
	h, err := m.history()
	if err == nil {
		err = q.check()
	}
	if err == nil {
		ds, next, err = h.Deliveries(ctx, q)
	}
	if err != nil {
		return nil, "", fmt.Errorf("webhook: list deliveries: %w", err)
	}
	return ds, next, nil
}

const (
	defaultPage = 50
	maxPage     = 500
)

func (q *Query) check() error {
	switch {
	case q.Scope == "":
		return fmt.Errorf("%w: Query.Scope is required", ErrInvalid)
	case q.Limit < 0 || q.Limit > maxPage:
		return fmt.Errorf("%w: Query.Limit %d must be between 1 and %d, or 0 for the default", ErrInvalid, q.Limit, maxPage)
	case !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since):
		return fmt.Errorf("%w: Query.Until lies before Query.Since", ErrInvalid)
	case !keepable(q.WebhookID+" "+q.EventID+" "+q.Type) || slices.ContainsFunc(q.Codes, func(c Code) bool { return !keepable(string(c)) }):
		return fmt.Errorf("%w: the texts of a Query must be UTF-8 without NUL", ErrInvalid)
	}
	return nil
}

// PageSize is Limit, or 50 where it is 0. It is for Store adapters.
func (q Query) PageSize() int {
	if q.Limit == 0 {
		return defaultPage
	}
	return q.Limit
}

// Delivery returns one delivery with its body and attempts, in the order in which they were stored.
// Errors: [ErrNotFound], [ErrUnsupported].
func (m *Manager) Delivery(ctx context.Context, scope, id string) (d Delivery, as []Attempt, err error) {
	h, err := m.history()
	if err == nil {
		d, as, err = h.Delivery(ctx, scope, id)
	}
	if err != nil {
		return Delivery{}, nil, fmt.Errorf("webhook: read delivery %s: %w", id, err)
	}
	return d, as, nil
}

// Redeliver sends a delivery again, in any state, with the same identifier and body, a fresh budget
// of retries and no ExpiresAt. A delivery that had ended is outside the order of its key. Pauses
// and limits apply to it as to any other. Errors: [ErrNotFound], [ErrHeld] while it is being sent,
// [ErrUnsupported].
func (m *Manager) Redeliver(ctx context.Context, scope, id string) error {
	h, err := m.history()
	if err == nil {
		err = h.Requeue(ctx, scope, id, m.d.now())
	}
	if err != nil {
		return fmt.Errorf("webhook: redeliver %s: %w", id, err)
	}
	m.d.Wake()
	return nil
}

// Cancel ends a pending delivery. A delivery that has ended stays unchanged. Errors: [ErrNotFound],
// [ErrHeld] while it is being sent, [ErrUnsupported].
func (m *Manager) Cancel(ctx context.Context, scope, id string) error {
	var d Delivery
	var ended bool
	h, err := m.history()
	if err == nil {
		d, ended, err = h.Cancel(ctx, scope, id, m.d.now())
	}
	if err != nil {
		return fmt.Errorf("webhook: cancel %s: %w", id, err)
	}
	if ended {
		m.d.ended(ctx, d, nil)
	}
	if ended && d.Key != "" { // the next delivery of its key is due
		m.d.engine.post(scheduler.Announced{Lanes: []scheduler.Lane{scheduler.Lane(d.Lane())}})
	}
	return nil
}

// Replay redelivers all deliveries that a Query selects, oldest first, spread so that no more than
// perSecond of them become due in a second. It skips deliveries that are being sent and those whose
// webhook is gone. It also skips superseded deliveries, which would bring old states back, unless
// Query.Codes names [CodeSuperseded]. It returns the number of queued deliveries, also with an
// error. Identifiers stay the same, so a receiver can drop duplicates. Errors: [ErrInvalid] for a
// rate outside one an hour to a million a second or a Query with a Cursor or a Limit,
// [ErrUnsupported].
func (m *Manager) Replay(ctx context.Context, q Query, perSecond float64) (queued int, err error) {
	h, err := m.history()
	if err == nil {
		err = q.checkReplay(perSecond)
	}
	if err != nil {
		return 0, fmt.Errorf("webhook: replay: %w", err)
	}
	now := m.d.now()
	if q.Until.IsZero() || q.Until.After(now) {
		q.Until = now // later deliveries are not replayed
	}
	q.OldestFirst, q.Limit = true, maxPage
	step := time.Duration(math.Ceil(float64(time.Second) / perSecond)) // rounded up, so that the rate is not exceeded
	due := now
	for {
		page, next, err := h.Deliveries(ctx, q)
		if err != nil {
			return queued, fmt.Errorf("webhook: replay: %w", err)
		}
		for _, d := range page {
			if d.LastCode == CodeSuperseded && !slices.Contains(q.Codes, CodeSuperseded) {
				continue
			}
			switch err := h.Requeue(ctx, d.Scope, d.ID, due); {
			case err == nil:
				queued++
				due = due.Add(step)
			case errors.Is(err, ErrHeld), errors.Is(err, ErrNotFound):
			default:
				return queued, fmt.Errorf("webhook: replay: %w", err)
			}
		}
		m.d.Wake()
		if q.Cursor = next; next == "" {
			return queued, nil
		}
	}
}

func (q *Query) checkReplay(perSecond float64) error {
	const slowest, fastest = 1.0 / 3600, 1e6
	switch {
	case !(perSecond >= slowest && perSecond <= fastest):
		return fmt.Errorf("%w: a rate of %v per second must be between one an hour and %.0f", ErrInvalid, perSecond, fastest)
	case q.Cursor != "" || q.Limit != 0:
		return fmt.Errorf("%w: it goes through all pages, leave Query.Cursor and Query.Limit out", ErrInvalid)
	}
	return q.check()
}

// TestOption changes the request of [Manager.Test].
type TestOption func(*testSettings)

type testSettings struct{ trigger string }

// WithSample sends a complete example of a trigger instead of the empty object, so that
// a receiver's mapping can be checked. Profile.Form.Sample makes it.
func WithSample(trigger string) TestOption { return func(s *testSettings) { s.trigger = trigger } }

// Test sends one request to a webhook, active or not, exactly as a delivery would be sent, and
// returns the attempt. The body is an empty JSON object. A test is never retried, never stored, and
// waits for no pause, window or limit, because it diagnoses them. A test that the endpoint accepts
// closes the webhook's breaker; tests have no other effect on health. Two may be in flight for one
// scope, and a quarter of Options.Capacity in all. An accepted test shows that URL and secret are
// right. It does not show whether the receiver can process real events.
//
// The error is about the test itself; a refusal by the endpoint is an Attempt with a Code. Errors:
// [ErrNotFound], [ErrInvalid] for an unknown sample, [ErrBusy] when too many tests are in flight,
// [ErrSealed], ctx's.
func (m *Manager) Test(ctx context.Context, scope, id string, opts ...TestOption) (Attempt, error) {
	var s testSettings
	for _, o := range opts {
		o(&s)
	}
	w, err := m.Webhook(ctx, scope, id)
	if err != nil {
		return Attempt{}, err
	}
	if w.Unreadable != nil {
		return Attempt{}, fmt.Errorf("webhook: test %s: %w", id, w.Unreadable)
	}
	body := []byte("{}")
	if s.trigger != "" {
		if body, err = m.d.profile.sample(s.trigger, scope); err != nil {
			return Attempt{}, fmt.Errorf("webhook: test %s: %w", id, err)
		}
	}
	now := m.d.now()
	eventID := "test_" + newWebhookID()[len("whk_"):]
	d := Delivery{ID: DeliveryID(scope, eventID, id), EventID: eventID, WebhookID: id, Scope: scope, Type: s.trigger,
		Body: body, Vars: sampleDelivery(&w).Vars, CreatedAt: now, QueuedAt: now, Due: now}
	a, err := m.d.testAttempt(ctx, &w, &d)
	if err != nil {
		return Attempt{}, fmt.Errorf("webhook: test %s: %w", id, err)
	}
	if ctx.Err() != nil && a.Status == 0 {
		return a, fmt.Errorf("webhook: test %s: %w", id, ctx.Err()) // the caller's context ended the request
	}
	if a.OK() {
		m.d.closeStoredBreaker(ctx, scope, id)
	}
	return a, nil
}
