package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Sweep implements [webhook.Sweeper]. It costs next to nothing while no row can exceed the limits of
// the [webhook.Sweep] and no webhook with pending deliveries is deleted. Else it reads pending rows
// until it has ended limit of them.
func (s *Store) Sweep(ctx context.Context, sw webhook.Sweep, limit int) (ended []webhook.Delivery, more bool, err error) {
	if limit < 1 {
		return nil, false, fmt.Errorf("memstore: sweep: limit %d must be at least 1", limit)
	}
	if err := s.lock(ctx); err != nil {
		return nil, false, err
	}
	defer s.mu.Unlock()
	w := sweep{now: at(sw.Now), gone: sw.Gone, queuedBefore: at(sw.QueuedBefore), latestRetry: at(sw.LatestRetry).orForever(), latestLease: at(sw.LatestLease).orForever()}
	all := s.oldestQueued < w.queuedBefore || s.earliestEnd <= w.now || s.latestDue > min(w.latestRetry, w.latestLease)
	oldest, latest, end := forever, never, forever
	for _, l := range s.lanes {
		if !all && (!w.gone || l.t.exists) {
			continue
		}
		for _, r := range l.rows() {
			code := w.ends(r)
			switch {
			case code == "":
				if due := w.newDue(r); due != r.due {
					s.move(r, due)
				}
				if oldest, end = min(oldest, r.queued), min(end, r.expires); r.due != parked && !r.exhausted {
					latest = max(latest, r.due)
				}
				continue
			case len(ended) == limit:
				return ended, true, nil
			case r.held:
				r.interrupted++
			}
			s.finish(r, webhook.StateFailed, code, w.now)
			ended = append(ended, r.bodiless())
		}
	}
	if all {
		s.oldestQueued, s.latestDue, s.earliestEnd = oldest, latest, end
	}
	s.trim(nil)
	return ended, false, nil
}

// sweep is a [webhook.Sweep].
type sweep struct {
	now, queuedBefore, latestRetry, latestLease instant
	gone                                        bool
}

// ends returns the code with which a sweep ends a pending row, "" for a row that stays.
func (w *sweep) ends(r *row) webhook.Code {
	switch {
	case r.held && r.due > w.now:
		return ""
	case w.gone && !r.lane.t.exists:
		return webhook.CodeCancelled
	case r.queued < w.queuedBefore, r.expires <= w.now:
		return webhook.CodeExpired
	}
	return ""
}

// newDue returns the due time of a row after a sweep.
func (w *sweep) newDue(r *row) instant {
	switch {
	case r.due == parked, !r.held && r.exhausted:
	case r.held && r.due > w.latestLease:
		return w.latestLease
	case !r.held && r.tries > 0 && r.due > w.latestRetry:
		return w.latestRetry
	case !r.held && r.tries == 0 && r.due == r.created && r.due > w.latestLease:
		return w.now
	}
	return r.due
}

// Prune implements [webhook.Pruner]. Events that ended earlier are pruned first. A single event with
// more than limit deliveries is pruned alone, so that it does not stay for ever.
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
