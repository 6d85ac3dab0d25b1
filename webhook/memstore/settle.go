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
	for i := range ss {
		if ss[i].State > webhook.StateFailed {
			return nil, fmt.Errorf("memstore: settle %s: unknown %v", ss[i].ID, ss[i].State)
		}
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var latest *scope
	for i := range ss {
		x := &ss[i]
		r := s.rows[x.ID]
		if r == nil || r.event.scope.name != x.Scope || x.Lease < 1 || x.Lease > r.lease {
			lost = append(lost, x.ID)
			continue
		}
		latest = r.event.scope
		if !s.settle(r, x) {
			lost = append(lost, x.ID)
		}
	}
	s.trim(latest)
	return lost, nil
}

// settle applies an outcome and reports whether its lease still counts.
func (s *Store) settle(r *row, x *webhook.Settlement) bool {
	if r.repeats(x) {
		return x.Lease == r.lease
	}
	if x.Result != nil {
		s.record(r, x.Lease, *x.Result)
	}
	pending := r.state == webhook.StatePending
	current := x.Lease == r.lease && (r.held || !pending)
	if pending && (current || x.State == webhook.StateDelivered) {
		s.apply(r, x)
	}
	return current
}

// repeats reports whether a settlement was stored before: its attempt is recorded, or it
// releases a lease that has ended.
func (r *row) repeats(x *webhook.Settlement) bool {
	if x.Result == nil {
		return x.Lease == r.lease && !r.held
	}
	for a := r.latest; a != nil; a = a.before {
		if a.lease == x.Lease {
			return true
		}
	}
	return false
}

// apply writes an outcome into a pending row.
func (s *Store) apply(r *row, x *webhook.Settlement) {
	when := at(x.Due)
	if x.Result != nil {
		end := at(x.Result.End())
		r.tries++
		if !x.Result.OK() && r.firstFailure == never {
			r.firstFailure = end
		}
		if when == never {
			when = end
		}
	}
	code := r.code
	if x.Code != "" || x.State == webhook.StateDelivered {
		code = x.Code
	}
	if x.State != webhook.StatePending {
		s.finish(r, x.State, code, when)
		r.exhausted = x.Exhausted && x.State == webhook.StateFailed
		return
	}
	r.endTurn()
	r.held, r.code, r.exhausted = false, code, x.Exhausted
	s.move(r, when)
	s.unparkHead(r.keyed, never)
}

// record adds an attempt to the history of a row.
func (s *Store) record(r *row, lease int64, a webhook.Attempt) {
	a.Start = a.Start.Round(0).UTC() // without the monotonic reading
	if t := s.hook(r.event.scope.name, r.webhook); t != nil {
		t.tally(&a)
	}
	a.Snippet = strings.Clone(a.Snippet) // a substring would keep a large string alive
	a.Header = slices.Clone(a.Header)
	grown := answerBytes(&a)
	if dropped := r.add(&attempt{Attempt: a, lease: lease}); dropped != nil {
		grown -= answerBytes(&dropped.Attempt)
	}
	r.bytes += grown
	s.bytes += grown
	if r.state == webhook.StatePending {
		s.count(r.event.scope, 0, grown, 0)
	}
}

// answerBytes is the size of the part of the answer that an attempt keeps.
func answerBytes(a *webhook.Attempt) int64 {
	n := len(a.Snippet)
	for _, f := range a.Header {
		n += fieldBytes + len(f.Name) + len(f.Value)
	}
	return int64(n)
}

const fieldBytes = 32 // of two strings, besides their text
