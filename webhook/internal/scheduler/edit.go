package scheduler

import "time"

// edited processes a change of a webhook in this process. Jobs whose webhook was read before
// the change are sent only after another read.
func (s *Scheduler) edited(e Edited) {
	ep := s.endpointOf(e.Scope, e.WebhookID)
	ep.edited = e.At
	ep.sealed, ep.sealedFor = time.Time{}, 0
	s.learnTakes(e.Takes)
	if e.Fresh || e.Gone {
		s.resetHealth(ep, e.Gone)
	}
	s.recheckHold(ep)
	switch {
	case e.Gone:
		s.sweeps.due, s.sweeps.again = s.now, true
	case s.canSend():
		s.do(LookAt{e.Scope, e.WebhookID}) // the edit may have switched it on
	}
}

// resetHealth clears the health of a webhook. Current attempts do not count for the new health.
func (s *Scheduler) resetHealth(ep *endpoint, gone bool) {
	ep.fresh = s.storeNow()
	ep.window, ep.prompt = 1, false
	if !gone {
		h := ep.ensureHealth()
		h.Health = Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
		h.raised, h.warned, h.disabled, h.tries = nil, false, false, 0
		if s.c.HealthStore && !h.writing && h.stored.ok() {
			h.stored.Failures = unknownFailures // a conflict shows whether another host has written a record
		}
		s.saveHealth(ep)
	} else if h := ep.health; h != nil && !h.writing {
		ep.health = nil // the Store itself deletes the record
	} else if h != nil {
		h.Health = Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
	}
}

// unknownFailures differs from every number of failures in a Store.
const unknownFailures = -1

// reread processes the answer to a read of a webhook for waiting jobs.
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
				s.settle(j, Cancelled)
			case e.Verdict == Unusable, !s.canSend():
				s.settle(j, GivenBack)
			default:
				j.Hook, j.Read = e.Hook, e.Began
				j.reads = min(j.reads+1, mostReads)
				s.enqueue(j)
			}
		}
	}
	s.offerAll(ep)
}

// mostReads bounds the reads for one job. After them the job is sent even if its latest read is
// old, so that a slow Store cannot prevent the request.
const mostReads = 3

// stale reports whether a job's webhook must be read again before the job is sent: it was read
// before an edit in this process, or longer ago than maxAge, so that an edit elsewhere is noticed.
// A read for this job may be older, because the read itself takes time, unless the job has since
// waited longer than SlowAfter. A read for this job that began at the instant of an edit was
// requested after the edit.
func (s *Scheduler) stale(j *Job) bool {
	switch edited := j.lane.ep.edited; {
	case j.Read.Before(edited), j.Read.Equal(edited) && j.reads == 0:
		return true
	case s.now.Sub(j.Read) <= maxAge:
		return false
	}
	return j.reads == 0 || j.reads < mostReads && s.now.Sub(j.since) > s.c.SlowAfter
}
