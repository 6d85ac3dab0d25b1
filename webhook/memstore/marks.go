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
	if old, ok := s.mark(scope, key); ok {
		if old > at(now) {
			return false, nil
		}
		s.scopes[scope].marks[key] = at(until)
		return true, nil
	}
	// Expired marks are cleared when they may be half of all marks, so that the mean cost of a
	// mark does not depend on the number of marks.
	if s.marks >= min(2*s.marksSwept+64, s.opts.MaxMarks) {
		s.clearMarks(at(now))
	}
	sc := s.scope(scope)
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
	until, ok := s.mark(scope, key)
	return ok && until > at(now), nil
}

// mark returns the end of a mark, expired or not, and whether there is one.
func (s *Store) mark(scope, key string) (until instant, ok bool) {
	if sc := s.scopes[scope]; sc != nil {
		until, ok = sc.marks[key]
	}
	return until, ok
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
	if _, ok := s.mark(scope, key); ok {
		sc := s.scopes[scope]
		delete(sc.marks, key)
		s.marks--
		s.release(sc)
	}
	return nil
}
