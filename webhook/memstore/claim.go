package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// Claim implements [webhook.Store]. One turn of a lane is one delivery, so the deliveries of a
// claim alternate between lanes, and the next claim goes on with the lane whose turn it
// is. A lane without room keeps its place; one that is out of due deliveries leaves the
// round and joins it again at its end.
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	switch {
	case c.Limit < 1:
		return webhook.Batch{}, fmt.Errorf("memstore: claim: Limit %d must be at least 1", c.Limit)
	case c.PerLane < 1:
		return webhook.Batch{}, fmt.Errorf("memstore: claim: PerLane %d must be at least 1", c.PerLane)
	case !c.Until.After(c.Now):
		return webhook.Batch{}, fmt.Errorf("memstore: claim: Until must be after Now")
	}
	if err := s.lock(ctx); err != nil {
		return webhook.Batch{}, err
	}
	b := s.claim(&c)
	s.mu.Unlock()
	unshare(b.Deliveries)
	for i := range b.Webhooks {
		b.Webhooks[i] = b.Webhooks[i].Clone()
	}
	return b, nil
}

func (s *Store) claim(c *webhook.Claim) webhook.Batch {
	now, until := at(c.Now), at(c.Until)
	s.seen = now
	s.claims++
	s.cancelGone(now)
	s.advance(now)

	var b webhook.Batch
	oldest := forever
	for l := s.ring.front; l != nil && len(b.Deliveries) < c.Limit; {
		if l.claim != s.claims {
			l.claim, l.taken = s.claims, 0
		}
		if l.taken >= c.RoomFor(l.name) {
			l = l.next
			continue
		}
		q := l.heads.top()
		next := l.next
		if !q.hook.live(now) {
			s.park(q.hook)
			if !l.inRing {
				if l = next; l == nil || !l.inRing {
					l = s.ring.front
				}
			}
			continue
		}
		r := q.ready.top()
		oldest = min(oldest, r.due)
		s.lease(r, until)
		if b.Deliveries == nil {
			b.Deliveries = make([]webhook.Delivery, 0, min(c.Limit, 8)) // one comes seldom alone
		}
		b.Deliveries = append(b.Deliveries, r.delivery())
		if q.hook.claim != s.claims {
			q.hook.claim = s.claims
			b.Webhooks = append(b.Webhooks, q.hook.w)
		}
		l.taken++
		if l.inRing {
			s.ring.remove(l)
			s.ring.pushBack(l)
		}
		if l = next; l == nil {
			l = s.ring.back // the lane itself, if something is left in it
		}
	}
	if oldest < forever {
		b.Oldest = oldest.time()
	}
	b.Next = s.nextDue(now).time()
	s.trim()
	return b
}

// lease hands out the oldest ready row of its queue.
func (s *Store) lease(r *row, until instant) {
	if r.held {
		r.interrupted++
	}
	r.take()
	r.held, r.due = true, until
	r.lease++
	r.put()
	s.latestDue = max(s.latestDue, until)
	s.refile(r.q)
}

// advance moves what has become due by now to the ready parts of the queues, and their lanes
// into the ring.
func (s *Store) advance(now instant) {
	if now < s.lastClaim {
		s.rewind(now)
	}
	s.lastClaim = now
	for s.waiting.len() > 0 && s.waiting.top().later.top().due <= now {
		q := s.waiting.top()
		if !q.hook.live(now) {
			s.park(q.hook)
			continue
		}
		for q.later.len() > 0 && q.later.top().due <= now {
			r := q.later.top()
			s.readyUpTo = max(s.readyUpTo, r.due)
			q.later.remove(0)
			r.ready = true
			q.ready.push(r)
		}
		s.refile(q)
	}
}

// rewind serves a claim whose time lies before that of the one before it: of two hosts' clocks,
// or after a clock was set back. Where that matters to anything, it looks at every queue.
func (s *Store) rewind(now instant) {
	for _, h := range s.expired {
		if h.expires > now {
			s.unpark(h)
		}
	}
	if s.readyUpTo <= now {
		return
	}
	s.readyUpTo = now
	for _, h := range s.hooks {
		for _, q := range h.queues {
			early := slices.DeleteFunc(slices.Clone(q.ready.items), func(r *row) bool { return r.due <= now })
			for _, r := range early {
				r.take()
				r.put()
			}
			s.refile(q)
		}
	}
}

// nextDue is the earliest time after now at which a delivery of a live webhook becomes due.
func (s *Store) nextDue(now instant) instant {
	for s.waiting.len() > 0 {
		q := s.waiting.top()
		if q.hook.live(now) {
			return q.later.top().due
		}
		s.park(q.hook)
	}
	return never
}

// cancelGone ends deliveries whose webhook is gone: those without a lease at once, the
// others when their lease has run out.
func (s *Store) cancelGone(now instant) {
	adrift := s.adrift
	s.adrift = nil
	for _, r := range adrift {
		r.adrift = false
		if !r.removed && r.state == webhook.StatePending && r.q == nil {
			s.cancel(r, now)
		}
	}
	for s.gone.len() > 0 && s.gone.top().due <= now {
		s.cancel(s.gone.top(), now)
	}
}

// cancel ends a row as cancelled, unless its webhook has come into being meanwhile.
func (s *Store) cancel(r *row, now instant) {
	if s.hook(r.event.scope.name, r.webhook) != nil {
		if r.pos >= 0 {
			s.gone.remove(r.pos)
		}
		s.attach(r)
		return
	}
	s.finish(r, webhook.StateFailed, webhook.CodeCancelled, now)
}
