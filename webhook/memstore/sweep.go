package memstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// Sweep implements [webhook.Sweeper]. Claims of this Store miss nothing, so what is left for
// it are the two limits of a [webhook.Sweep]. While nothing can exceed them
// it costs next to nothing, else one look at everything pending.
func (s *Store) Sweep(ctx context.Context, sw webhook.Sweep) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	now, queuedBefore, latestDue := at(sw.Now), at(sw.QueuedBefore), at(sw.LatestDue)
	if latestDue == never {
		latestDue = forever
	}
	s.seen = now
	s.cancelGone(now)
	if s.oldestQueued >= queuedBefore && s.latestDue <= latestDue {
		return nil
	}
	var pending []*row
	for _, h := range s.hooks {
		for _, q := range h.queues {
			pending = append(append(pending, q.ready.items...), q.later.items...)
		}
	}
	s.oldestQueued, s.latestDue = forever, never
	for _, r := range append(pending, s.gone.items...) {
		switch {
		case (!r.held || r.due <= now) && r.queued < queuedBefore:
			if r.held {
				r.interrupted++
			}
			s.finish(r, webhook.StateFailed, webhook.CodeExpired, now)
			continue
		case r.due > latestDue && r.claimed():
			s.detach(r)
			r.due = latestDue
			s.attach(r)
		}
		s.oldestQueued, s.latestDue = min(s.oldestQueued, r.queued), max(s.latestDue, r.due)
	}
	s.trim()
	return nil
}

// claimed reports whether a pending row was claimed since it was queued: its due time is
// then that of a retry or a lease, not the one it was queued with.
func (r *row) claimed() bool {
	return r.held || r.tries > 0 || r.lease > 0 && r.due != r.queued
}
