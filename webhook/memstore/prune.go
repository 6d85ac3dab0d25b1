package memstore

import (
	"context"
	"time"
)

// Prune implements [webhook.Pruner], the events that ended first first. An event with more
// than limit deliveries goes alone, so that it does not stay for ever.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	n := 0
	for s.done.len() > 0 && n < limit {
		e := s.done.top()
		if e.finished >= at(before) || n > 0 && n+int(e.count) > limit {
			break
		}
		n += int(e.count)
		s.forget(e)
	}
	return n, nil
}
