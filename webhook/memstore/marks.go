package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// mark is a key of a scope that is remembered until a time.
type mark struct {
	scope *scope
	key   string
	until instant
	pos   int32 // in Store.marks
}

// byEnd is the order in which marks expire, so that the expired ones are found without the others.
type byEnd struct{}

func (byEnd) less(a, b *mark) bool    { return a.until < b.until }
func (byEnd) place(m *mark, at int32) { m.pos = at }

// Mark implements [webhook.Marks]. It returns [webhook.ErrFull] where Options.MaxMarks marks, or the
// scope's share of them, have not expired at now.
func (s *Store) Mark(ctx context.Context, scope, key string, now, until time.Time) (first bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if old := s.mark(scope, key); old != nil {
		if old.until > at(now) {
			return false, nil
		}
		old.until = at(until)
		s.marks.fix(old.pos)
		return true, nil
	}
	// Expired marks are cleared when they may be half of all marks, or in the way of a new one.
	if s.marks.len() >= min(2*s.marksSwept+64, s.opts.MaxMarks) || len(s.scope(scope).marks) >= share(s.opts.MaxMarks) {
		s.clearMarks(at(now))
	}
	sc := s.scope(scope)
	if s.marks.len() >= s.opts.MaxMarks || len(sc.marks) >= share(s.opts.MaxMarks) {
		s.release(sc)
		return false, fmt.Errorf("memstore: mark %q: %w", key, webhook.ErrFull)
	}
	m := &mark{scope: sc, key: key, until: at(until)}
	sc.marks[key] = m
	s.marks.push(m)
	return true, nil
}

// Marked implements [webhook.Marks].
func (s *Store) Marked(ctx context.Context, scope, key string, now time.Time) (bool, error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	m := s.mark(scope, key)
	return m != nil && m.until > at(now), nil
}

// mark returns a mark, expired or not, or nil.
func (s *Store) mark(scope, key string) *mark {
	if sc := s.scopes[scope]; sc != nil {
		return sc.marks[key]
	}
	return nil
}

// clearMarks removes expired marks.
func (s *Store) clearMarks(now instant) {
	for s.marks.len() > 0 && s.marks.top().until <= now {
		s.unmark(s.marks.top())
	}
	s.marksSwept = s.marks.len()
}

// unmark removes a mark, and its scope if that is empty then.
func (s *Store) unmark(m *mark) {
	s.marks.remove(m.pos)
	delete(m.scope.marks, m.key)
	s.release(m.scope)
}

// Unmark implements [webhook.Marks].
func (s *Store) Unmark(ctx context.Context, scope, key string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if m := s.mark(scope, key); m != nil {
		s.unmark(m)
	}
	return nil
}
