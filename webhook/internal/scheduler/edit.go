package scheduler

import "time"

// edited follows a change of a webhook in this process. Jobs whose webhook was read before
// are sent only on a read of their own.
func (s *Scheduler) edited(e Edited) {
	ep := s.endpointOf(e.Scope, e.WebhookID)
	ep.edited = e.At
	ep.sealed, ep.sealedFor = time.Time{}, 0
	s.learnTakes(e.Takes)
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
	} else if h := ep.health; h != nil && !h.writing {
		ep.health = nil // the Store forgets it by itself
	} else if h != nil {
		h.Health = Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
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
			switch {
			case e.Verdict == WebhookGone:
				s.shed(j)
				s.settle(j, Cancelled)
			case e.Verdict == Unusable, !s.canSend():
				s.giveBack(j)
			default:
				j.Hook, j.Read, j.Checked = e.Hook, e.Began, true
				j.reads = min(j.reads+1, mostReads)
				s.enqueue(j)
			}
		}
	}
	s.offerAll(ep)
}

// mostReads is after how many reads of its own a job is sent however long it waited since the
// latest, so that a slow Store cannot keep it from being sent.
const mostReads = 3

// stale reports whether a job's webhook has to be read again before the job is sent: it was read
// before an edit here, or so long ago that an edit elsewhere must count. A read that was made for
// the job may be as old as it took, but no turn may have been long in coming since; one that began
// in the instant of the edit was asked for after it.
func (s *Scheduler) stale(j *Job) bool {
	switch edited := j.lane.ep.edited; {
	case j.Read.Before(edited), j.Read.Equal(edited) && !j.Checked:
		return true
	case s.now.Sub(j.Read) <= maxAge:
		return false
	}
	return !j.Checked || j.reads < mostReads && s.now.Sub(j.since) > s.c.SlowAfter
}
