package scheduler

import (
	"slices"
	"time"
)

const maxConflicts = 3

// saveHealth writes a change to the HealthStore, one write at a time for each webhook.
func (s *Scheduler) saveHealth(ep *endpoint) {
	h := ep.health
	if h == nil {
		return
	}
	if !s.c.HealthStore {
		h.stored = h.Health
		s.forgetHealth(ep)
		return
	}
	if h.writing || h.tries >= maxConflicts || h.stored.Equal(h.Health) {
		return // the answer to the write that is under way is looked at
	}
	h.writing = true
	s.do(SaveHealth{Old: h.stored, New: h.Health})
}

func (s *Scheduler) healthSaved(e HealthSaved) {
	ep := s.endpoints[hookID{e.Stored.Scope, e.Stored.WebhookID}]
	if ep == nil || ep.health == nil || !ep.health.writing {
		return
	}
	h := ep.health
	h.writing = false
	if e.Failed {
		return // the next change tries again
	}
	h.stored = e.Stored
	if e.Conflict {
		h.tries++
		if !h.ok() {
			h.merge(s.believable(e.Stored))
			s.held(ep)
		}
	} else {
		h.tries = 0
	}
	s.saveHealth(ep)
	s.forgetHealth(ep)
}

// merge takes over what another host knows worse.
func (h *health) merge(o Health) {
	if h.FailingSince.IsZero() || !o.FailingSince.IsZero() && o.FailingSince.Before(h.FailingSince) {
		h.FailingSince = o.FailingSince
	}
	h.Failures = max(h.Failures, o.Failures)
	h.Opened = max(h.Opened, o.Opened)
	h.OpenUntil = later(h.OpenUntil, o.OpenUntil)
	h.PausedUntil = later(h.PausedUntil, o.PausedUntil)
}

// believable drops times that lie further ahead than any hold may last: a clock that has
// since been set back wrote them, and they would hold the webhook for as long as it jumped.
func (s *Scheduler) believable(h Health) Health {
	now := s.storeNow().Add(time.Minute) // hosts without a common clock differ a little
	if h.PausedUntil.After(now.Add(s.c.MaxPause)) {
		h.PausedUntil = time.Time{}
	}
	if h.OpenUntil.After(now.Add(s.c.Breaker.MaxOpen)) {
		h.OpenUntil = now
	}
	return h
}

// learn takes over what other hosts, or this one before a restart, have written.
func (s *Scheduler) learn(e HealthRead) {
	s.readingHealth = false
	s.healthAt = s.now // after a failure too: what was claimed goes on, on what is known
	if e.Failed {
		return
	}
	seen := make(map[hookID]bool, len(e.All))
	for _, o := range e.All {
		id := hookID{o.Scope, o.WebhookID}
		seen[id] = true
		ep := s.endpointOf(o.Scope, o.WebhookID)
		h := ep.healthy()
		if h.writing {
			continue
		}
		h.stored = o
		h.merge(s.believable(o))
		h.Health = s.believable(h.Health)
		s.hold(h)
		if h.Opened > 0 {
			ep.window = 1 // the next request is a probe
		}
	}
	var better []*endpoint
	for id, ep := range s.endpoints { // another host saw it recover
		if h := ep.health; h != nil && !seen[id] && !h.writing && !h.stored.ok() {
			better = append(better, ep)
		}
	}
	slices.SortFunc(better, func(a, b *endpoint) int { return a.laneID().compare(b.laneID()) })
	for _, ep := range better {
		ep.health.stored = Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
		s.recovered(ep, s.storeNow())
	}
}

const (
	healthEvery = 30 * time.Second
	healthAhead = 20 * time.Second // when it is read ahead, while something is sent
)

// keepHealth reads health again while a webhook is held back that another host may have
// seen recover.
func (s *Scheduler) keepHealth() {
	if s.canSend() && s.heldTo.After(s.storeNow()) && s.healthStale() {
		s.readHealth()
	}
}

// hold notes that a webhook is held back.
func (s *Scheduler) hold(h *health) { s.heldTo = later(s.heldTo, h.holdUntil()) }

// healthStale reports whether another host may have written what this one must know before
// it sends.
func (s *Scheduler) healthStale() bool {
	return s.c.HealthStore && (s.healthAt.IsZero() || s.now.Sub(s.healthAt) > healthEvery)
}

func (s *Scheduler) readHealth() {
	if !s.readingHealth {
		s.readingHealth = true
		s.do(ReadHealth{})
	}
}
