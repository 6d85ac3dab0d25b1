package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Mark implements [webhook.Marks]. What has passed is judged by the latest time that a
// claim, a sweep or a delivery told the Store; only before the first of them by the clock. With
// Options.MaxMarks marks that have not expired it answers [webhook.ErrFull].
func (s *Store) Mark(ctx context.Context, scope, key string, until time.Time) (first bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	now := s.now()
	if sc := s.scopes[scope]; sc != nil {
		if old, ok := sc.marks[key]; ok {
			if old > now {
				return false, nil
			}
			sc.marks[key] = at(until)
			return true, nil
		}
	}
	// Expired marks are cleared whenever they may be half of all, so a mark costs the same in the
	// mean however many there are.
	if s.marks >= min(2*s.marksSwept+64, s.opts.MaxMarks) {
		s.clearMarks(now)
	}
	if s.marks >= s.opts.MaxMarks {
		return false, fmt.Errorf("memstore: mark %q: %w", key, webhook.ErrFull)
	}
	s.scope(scope).marks[key] = at(until)
	s.marks++
	return true, nil
}

// clearMarks removes what has expired.
func (s *Store) clearMarks(now instant) {
	for _, sc := range s.scopes {
		for key, until := range sc.marks {
			if until <= now {
				delete(sc.marks, key)
				s.marks--
			}
		}
		s.release(sc)
	}
	s.marksSwept = s.marks
}

// Unmark implements [webhook.Marks].
func (s *Store) Unmark(ctx context.Context, scope, key string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	sc := s.scopes[scope]
	if sc == nil {
		return nil
	}
	if _, ok := sc.marks[key]; ok {
		delete(sc.marks, key)
		s.marks--
	}
	s.release(sc)
	return nil
}
