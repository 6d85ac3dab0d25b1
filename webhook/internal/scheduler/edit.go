package scheduler

import "time"

// edited follows a change of a webhook in this process. Jobs whose webhook was read before
// are sent only on a read of their own.
func (s *Scheduler) edited(e Edited) {
	ep := s.endpointOf(e.Scope, e.WebhookID)
	ep.edited = e.At
	ep.sealed, ep.sealedFor = time.Time{}, 0
	if e.Fresh || e.Gone {
		s.startAnew(ep, e.Gone)
	}
	s.held(ep)
	switch {
	case e.Gone:
		s.sweeps.due, s.sweeps.again = s.now, true
	case s.canSend():
		s.do(LookAt{e.Scope, e.WebhookID}) // it may have been switched on
	}
}

// startAnew clears the health of a webhook. Attempts that are under way do not count for it.
func (s *Scheduler) startAnew(ep *endpoint, gone bool) {
	ep.fresh = s.storeNow()
	ep.window, ep.prompt = 1, false
	if !gone {
		h := ep.healthy()
		h.Health = Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
		h.told, h.warned, h.disabled, h.tries = nil, false, false, 0
		if s.c.HealthStore && !h.writing && h.stored.ok() {
			h.stored.Failures = unknownFailures // another host may have written a record: a conflict tells
		}
		s.saveHealth(ep)
	} else if ep.health != nil && !ep.health.writing {
		ep.health = nil // the Store forgets it by itself
	}
}

// unknownFailures is no number of failures that a Store can have.
const unknownFailures = -1

// reread takes the answer to a read of a webhook for jobs that wait.
func (s *Scheduler) reread(e Reread) {
	ep := s.endpoints[hookID{e.Scope, e.WebhookID}]
	if ep == nil {
		return
	}
	ep.rereading = false
	for _, l := range ep.lanes {
		for range l.waiting.len() {
			j := s.dequeue(l)
			switch e.Verdict {
			case Usable:
				j.Hook, j.Read, j.Checked = e.Hook, e.Began, true
				s.enqueue(j)
			case Unusable:
				s.giveBack(j)
			case WebhookGone:
				s.bytes -= j.Size
				s.settle(j, Cancelled)
			}
		}
		s.offer(l)
	}
}
