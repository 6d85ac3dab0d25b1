package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// Settle implements [webhook.Store]. A settlement with a State that does not exist is refused
// together with all others of the call.
func (s *Store) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	for _, x := range ss {
		if x.State > webhook.StateFailed {
			return nil, fmt.Errorf("memstore: settle %s: unknown %v", x.ID, x.State)
		}
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for i := range ss {
		x := &ss[i]
		r := s.rows[x.ID]
		if r == nil || x.Lease < 1 || x.Lease > r.lease {
			lost = append(lost, x.ID)
			continue
		}
		if r.repeats(x) {
			if x.Lease < r.lease {
				lost = append(lost, x.ID)
			}
			continue
		}
		if x.Result != nil {
			s.record(r, x.Lease, *x.Result)
		}
		pending := r.state == webhook.StatePending
		current := x.Lease == r.lease && (r.held || !pending)
		if !current {
			lost = append(lost, x.ID)
		}
		if pending && (current || x.State == webhook.StateDelivered) {
			s.settle(r, x)
		}
	}
	s.trim()
	return lost, nil
}

// repeats tells whether a settlement was stored before: its attempt is on record, or it
// would give back a lease that is over.
func (r *row) repeats(x *webhook.Settlement) bool {
	if x.Result == nil {
		return x.Lease == r.lease && !r.held
	}
	return r.attempts != nil && slices.ContainsFunc(r.attempts.list, func(a attempt) bool { return a.lease == x.Lease })
}

// settle applies an outcome to a pending row.
func (s *Store) settle(r *row, x *webhook.Settlement) {
	if x.Result != nil {
		r.tries++
		if !x.Result.OK() && r.firstFailure == never {
			r.firstFailure = at(x.Result.End())
		}
	}
	code := r.code
	if x.Code != "" || x.State == webhook.StateDelivered {
		code = x.Code
	}
	when := s.now()
	switch {
	case !x.Due.IsZero():
		when = at(x.Due)
	case x.Result != nil:
		when = at(x.Result.End())
	}
	if x.State != webhook.StatePending {
		s.finish(r, x.State, code, when)
		r.exhausted = x.Exhausted && x.State == webhook.StateFailed
		return
	}
	s.detach(r)
	r.held, r.due, r.code = false, when, code
	s.attach(r)
}

// record adds an attempt to the history of a row.
func (s *Store) record(r *row, lease int64, a webhook.Attempt) {
	a.Start = a.Start.Round(0).UTC() // without the monotonic reading
	if a.Snippet != s.snippet {
		s.snippet = strings.Clone(a.Snippet) // it may be a piece of something large
	}
	a.Snippet = s.snippet // receivers say the same again and again
	s.saw(at(a.End()))
	grown := int64(len(a.Snippet))
	if r.attempts == nil {
		r.attempts = new(attempts)
		r.attempts.list = r.attempts.first[:0]
	}
	kept := r.attempts.list
	if len(kept) == attemptsKept {
		grown -= int64(len(kept[0].Snippet))
		kept = slices.Delete(kept, 0, 1)
	}
	r.attempts.list = append(kept, attempt{a, lease})
	r.bytes += grown
	s.bytes += grown
	if r.state == webhook.StatePending {
		s.pendingBytes += grown
	}
}
