package memstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Delivery implements [webhook.History]. The latest 50 attempts are kept.
func (s *Store) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	if err := s.lock(ctx); err != nil {
		return webhook.Delivery{}, nil, err
	}
	defer s.mu.Unlock()
	r, err := s.row("delivery", scope, id)
	if err != nil {
		return webhook.Delivery{}, nil, err
	}
	d := r.delivery()
	unshare(&d)
	var as []webhook.Attempt
	for a := r.latest; a != nil; a = a.before {
		as = append(as, a.clone())
	}
	slices.Reverse(as)
	return d, as, nil
}

// row returns a delivery of a scope. op names the caller in the error.
func (s *Store) row(op, scope, id string) (*row, error) {
	if r := s.rows[id]; r != nil && r.event.scope.name == scope {
		return r, nil
	}
	return nil, fmt.Errorf("memstore: %s %s: %w", op, id, webhook.ErrNotFound)
}

// Deliveries implements [webhook.History], with bodies. A Query without a Scope, with a
// Limit outside 0 to 500 or with a cursor of another Query is refused with [webhook.ErrInvalid].
// Deliveries of the same CreatedAt are in order of insertion, or in reverse order without OldestFirst.
func (s *Store) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	const maxLimit = 500
	switch {
	case q.Scope == "":
		return nil, "", fmt.Errorf("memstore: deliveries: Query.Scope is required: %w", webhook.ErrInvalid)
	case q.Limit < 0 || q.Limit > maxLimit:
		return nil, "", fmt.Errorf("memstore: deliveries: Query.Limit %d must be between 1 and %d, or 0 for the default: %w",
			q.Limit, maxLimit, webhook.ErrInvalid)
	}
	q.Limit = q.PageSize()
	from, err := decodeCursor(q)
	if err != nil {
		return nil, "", err
	}
	if err := s.lock(ctx); err != nil {
		return nil, "", err
	}
	var ds []webhook.Delivery
	var last *row
	more := false
	if sc := s.scopes[q.Scope]; sc != nil {
		match := matcher(&q)
		for r := range sc.rows(q.OldestFirst, from) {
			if !match(r) {
				continue
			}
			if more = len(ds) == q.Limit; more {
				break
			}
			ds, last = append(ds, r.delivery()), r
		}
	}
	next := ""
	if more {
		next = encodeCursor(q, last.position())
	}
	s.mu.Unlock()
	for i := range ds {
		unshare(&ds[i])
	}
	return ds, next, nil
}

// matcher returns the filter of a query.
func matcher(q *webhook.Query) func(*row) bool {
	since, until := at(q.Since), at(q.Until).orForever()
	return func(r *row) bool {
		return r.created >= since && r.created < until &&
			(q.WebhookID == "" || q.WebhookID == r.webhook) &&
			(q.EventID == "" || q.EventID == r.event.id) &&
			(q.Type == "" || q.Type == r.typ) &&
			(len(q.States) == 0 || slices.Contains(q.States, r.state)) &&
			(len(q.Codes) == 0 || slices.Contains(q.Codes, r.code))
	}
}

// Requeue implements [webhook.History]. An ended delivery becomes pending and takes space:
// [webhook.ErrFull] when Options.MaxDeliveries, or its scope's share of them, are pending.
func (s *Store) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r, err := s.row("requeue", scope, id)
	switch {
	case err != nil:
		return err
	case s.hook(scope, r.webhook) == nil:
		return fmt.Errorf("memstore: requeue %s: its webhook is gone: %w", id, webhook.ErrNotFound)
	case r.held:
		return fmt.Errorf("memstore: requeue %s: %w", id, webhook.ErrHeld)
	case r.state == webhook.StatePending:
		s.take(r)
	case s.pending >= s.opts.MaxDeliveries || r.event.scope.pending >= share(s.opts.MaxDeliveries):
		return fmt.Errorf("memstore: requeue %s: %w", id, webhook.ErrFull)
	default:
		r.state, r.rare = webhook.StatePending, &rare{vars: r.vars, carry: r.carry, earlier: r.earlier} // without a key
		s.opened(r)
		s.count(r.event.scope, 0, 0, -1)
	}
	if r.rare == plain {
		r.rare = &rare{}
	}
	r.earlier, r.expires = r.earlier+r.tries, forever
	r.tries, r.interrupted, r.code, r.exhausted = 0, 0, "", false
	r.firstFailure, r.finished = never, never
	r.due, r.queued = at(due), at(due)
	s.put(r)
	return nil
}

// Cancel implements [webhook.History].
func (s *Store) Cancel(ctx context.Context, scope, id string, now time.Time) (d webhook.Delivery, ended bool, err error) {
	if err := s.lock(ctx); err != nil {
		return d, false, err
	}
	defer s.mu.Unlock()
	r, err := s.row("cancel", scope, id)
	switch {
	case err != nil:
		return d, false, err
	case r.state != webhook.StatePending:
		return r.bodiless(), false, nil
	case r.held && r.due > at(now):
		return d, false, fmt.Errorf("memstore: cancel %s: %w", id, webhook.ErrHeld)
	case r.held:
		r.interrupted++
	}
	s.finish(r, webhook.StateFailed, webhook.CodeCancelled, at(now))
	d = r.bodiless()
	s.trim(r.event.scope)
	return d, true, nil
}
