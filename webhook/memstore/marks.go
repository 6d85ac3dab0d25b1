package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Mark implements [webhook.Marks]. It returns [webhook.ErrFull] where Options.MaxMarks marks, or the
// scope's share of them, have not expired at now.
func (s *Store) Mark(ctx context.Context, scope, key string, now, until time.Time) (first bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	sc := s.scopes[scope]
	if sc != nil {
		if old, ok := sc.marks[key]; ok {
			if old > at(now) {
				return false, nil
			}
			sc.marks[key] = at(until)
			return true, nil
		}
	}
	// Expired marks are cleared when they may be half of all marks, so that the mean cost of a
	// mark does not depend on the number of marks.
	if s.marks >= min(2*s.marksSwept+64, s.opts.MaxMarks) {
		s.clearMarks(at(now))
	}
	sc = s.scope(scope)
	if len(sc.marks) >= share(s.opts.MaxMarks) {
		s.clearScope(sc, at(now))
	}
	if s.marks >= s.opts.MaxMarks || len(sc.marks) >= share(s.opts.MaxMarks) {
		s.release(sc)
		return false, fmt.Errorf("memstore: mark %q: %w", key, webhook.ErrFull)
	}
	sc.marks[key] = at(until)
	s.marks++
	return true, nil
}

// Marked implements [webhook.Marks].
func (s *Store) Marked(ctx context.Context, scope, key string, now time.Time) (bool, error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	sc := s.scopes[scope]
	if sc == nil {
		return false, nil
	}
	until, ok := sc.marks[key]
	return ok && until > at(now), nil
}

// clearMarks removes expired marks.
func (s *Store) clearMarks(now instant) {
	for _, sc := range s.scopes {
		s.clearScope(sc, now)
		s.release(sc)
	}
	s.marksSwept = s.marks
}

func (s *Store) clearScope(sc *scope, now instant) {
	for key, until := range sc.marks {
		if until <= now {
			delete(sc.marks, key)
			s.marks--
		}
	}
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
