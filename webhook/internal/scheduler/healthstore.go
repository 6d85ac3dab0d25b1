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
		return // the answer to the current write calls saveHealth again
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
		return // the next change writes again
	}
	if e.Conflict {
		h.tries++
		if !h.ok() {
			h.merge(s.believable(e.Stored))
			s.recheckHold(ep)
		}
	} else {
		h.tries = 0
	}
	h.stored = e.Stored
	s.saveHealth(ep)
	s.forgetHealth(ep)
}

// merge takes the worse value of each field from another host's record. A record that begins later
// than the stored one shows that an attempt has succeeded there: only what failed here since then counts.
func (h *health) merge(o Health) {
	if was := h.stored; !was.FailingSince.IsZero() && (o.FailingSince.IsZero() || o.FailingSince.After(was.FailingSince)) {
		h.Health = Health{Scope: h.Scope, WebhookID: h.WebhookID, Failures: max(0, h.Failures-was.Failures), PausedUntil: h.PausedUntil}
		if h.warned = false; h.Failures > 0 {
			h.FailingSince = h.latest
		}
	}
	h.FailingSince = sooner(h.FailingSince, o.FailingSince)
	h.Failures = max(h.Failures, o.Failures)
	h.Opened = max(h.Opened, o.Opened)
	h.OpenUntil = later(h.OpenUntil, o.OpenUntil)
	h.PausedUntil = later(h.PausedUntil, o.PausedUntil)
}

// believable drops times that are further in the future than any hold can last. They were written
// with a clock that was ahead, and would hold the webhook until the real time reaches them.
func (s *Scheduler) believable(h Health) Health {
	now := s.storeNow().Add(time.Minute) // clocks of hosts differ a little
	if h.PausedUntil.After(now.Add(s.c.MaxPause)) {
		h.PausedUntil = time.Time{}
	}
	if h.OpenUntil.After(now.Add(s.c.Breaker.MaxOpen)) {
		h.OpenUntil = now
	}
	return h
}

// healthRead merges the records of other hosts, or of this host before a restart.
func (s *Scheduler) healthRead(e HealthRead) {
	s.readingHealth = false
	s.healthAt = s.now // also after a failure, so that claimed jobs continue with the known health
	if e.Failed {
		return
	}
	seen := make(map[hookID]bool, len(e.All))
	for _, o := range e.All {
		id := hookID{o.Scope, o.WebhookID}
		seen[id] = true
		ep := s.endpointOf(o.Scope, o.WebhookID)
		h := ep.ensureHealth()
		if h.writing {
			continue
		}
		h.merge(s.believable(o))
		h.stored, h.Health = o, s.believable(h.Health)
		s.extendHold(h)
		s.recheckHold(ep)
		if h.Opened > 0 {
			ep.window = 1 // the next request is a probe
		}
	}
	var better []*endpoint
	for id, ep := range s.endpoints { // another host has recorded the recovery of these
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
	healthAhead = 20 * time.Second // age at which it is read in advance, while requests are sent
)

// keepHealth reads health again while a webhook is held back, because another host may have
// recorded its recovery.
func (s *Scheduler) keepHealth() {
	if s.canSend() && s.heldTo.After(s.storeNow()) && s.healthStale() {
		s.readHealth()
	}
}

// extendHold extends heldTo to the end of a webhook's hold.
func (s *Scheduler) extendHold(h *health) { s.heldTo = later(s.heldTo, h.holdUntil()) }

// healthStale reports whether health must be read before a request, because another host may
// have written it.
func (s *Scheduler) healthStale() bool { return s.HealthStale(s.now) }

func (s *Scheduler) readHealth() {
	if !s.readingHealth {
		s.readingHealth = true
		s.do(ReadHealth{})
	}
}
