package scheduler

import (
	"time"
)

// Health is the record of a webhook that is kept over restarts and hosts. All times are
// the Store's. The zero value, apart from the names, is good health.
type Health struct {
	Scope, WebhookID string
	FailingSince     time.Time // end of the first of the failures in a row
	Failures         int
	PausedUntil      time.Time // the endpoint asked for patience
	OpenUntil        time.Time // the breaker is open, then one probe
	Opened           int       // how often in a row
}

// Equal compares to the microsecond, the precision that SQL stores keep.
func (h Health) Equal(o Health) bool {
	same := func(a, b time.Time) bool {
		return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
	}
	return h.Scope == o.Scope && h.WebhookID == o.WebhookID && h.Failures == o.Failures && h.Opened == o.Opened &&
		same(h.FailingSince, o.FailingSince) && same(h.PausedUntil, o.PausedUntil) && same(h.OpenUntil, o.OpenUntil)
}

func (h Health) ok() bool { return h.Equal(Health{Scope: h.Scope, WebhookID: h.WebhookID}) }

func (h Health) holdUntil() time.Time { return later(h.OpenUntil, h.PausedUntil) }

// sooner returns the earlier time, where zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// health is what this process knows of a webhook against which something is held.
type health struct {
	Health
	stored   Health          // what the HealthStore has, as far as this process knows
	told     map[string]bool // Attention was raised for these
	warned   bool            // and because of DisableAfter
	writing  bool            // a SaveHealth is under way
	tries    int             // conflicts of it
	disabled bool            // a SwitchOff was asked for
}

func (ep *endpoint) healthy() *health {
	if ep.health == nil {
		h := Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
		ep.health = &health{Health: h, stored: h}
	}
	return ep.health
}

// judge takes note of an attempt: window, breaker, pause, and what its owner should know.
func (s *Scheduler) judge(j *Job) {
	ep, r := j.lane.ep, &j.Result
	switch {
	case r.Delivered:
		ep.window = min(2*ep.window, s.c.PerLane)
	case r.Overload:
		ep.window = max(1, ep.window/2)
	}
	if !r.Counts || r.Start.Before(ep.fresh) {
		return // it says nothing about the webhook as it is now
	}
	if r.Delivered {
		if ep.health != nil {
			ep.health.tries = 0
			s.recovered(ep, r.End)
			s.saveHealth(ep)
		}
		return
	}
	h := ep.healthy()
	h.tries = 0
	s.failed(ep, h, r)
	s.raise(j, h, r)
	s.saveHealth(ep)
}

// recovered closes the breaker. A pause that the endpoint asked for lasts, because the
// success may be of a request that was under way before.
func (s *Scheduler) recovered(ep *endpoint, at time.Time) {
	h := ep.health
	was := h.Health
	h.Health = Health{Scope: h.Scope, WebhookID: h.WebhookID}
	if was.PausedUntil.After(at) {
		h.PausedUntil = was.PausedUntil
	}
	h.told, h.warned = nil, false
	s.held(ep)
	s.forgetHealth(ep)
}

// Why a webhook is switched off.
const (
	ReasonGone    = "The endpoint answered 410 Gone."
	ReasonFailing = "Every attempt has failed since "
)

// forgetHealth drops a record against which nothing is left.
func (s *Scheduler) forgetHealth(ep *endpoint) {
	if h := ep.health; h != nil && h.ok() && !h.writing && h.stored.Equal(h.Health) {
		ep.health = nil
	}
}

func (s *Scheduler) failed(ep *endpoint, h *health, r *Result) {
	h.Failures++
	if h.FailingSince.IsZero() {
		h.FailingSince = r.End
	}
	if r.Patience > 0 {
		until := r.End.Add(r.Patience)
		if !r.Retry.IsZero() && until.After(r.Retry) {
			until = r.Retry // the policy's window ends before: the pause must not hold the retry
		}
		h.PausedUntil = later(h.PausedUntil, until)
		s.hold(h)
		return
	}
	b := s.c.Breaker
	if b.Failures < 0 || h.Failures < b.Failures || h.OpenUntil.After(r.End) {
		return // what was under way when it opened does not open it again
	}
	wait := b.Open
	for range h.Opened {
		if wait *= 2; wait >= b.MaxOpen {
			wait = b.MaxOpen
			break
		}
	}
	h.Opened++
	h.OpenUntil = r.End.Add(wait)
	s.hold(h)
	ep.window = 1 // one probe
	s.do(BreakerOpened{Health: h.Health, Code: r.Code, Wait: wait})
}

// raise tells the owner, or switches the webhook off, where the Profile wants that.
func (s *Scheduler) raise(j *Job, h *health, r *Result) {
	failing := r.End.Sub(h.FailingSince)
	tell := r.Attention != "" && !h.told[r.Attention]
	if tell {
		if h.told == nil {
			h.told = make(map[string]bool)
		}
		h.told[r.Attention] = true
	}
	if s.c.DisableAfter > 0 && failing >= s.c.DisableAfter/2 && !h.warned {
		h.warned, tell = true, true
	}
	if tell {
		s.do(Attention{Job: j})
	}
	switch {
	case h.disabled:
	case r.Gone:
		h.disabled = true
		s.do(SwitchOff{j, ReasonGone})
	case s.c.DisableAfter > 0 && failing >= s.c.DisableAfter:
		h.disabled = true
		s.do(SwitchOff{j, ReasonFailing + h.FailingSince.UTC().Format(time.RFC3339) + "."})
	}
}

// holdUntil is when an endpoint may be sent to again, in the Store's time.
func (ep *endpoint) holdUntil() time.Time {
	if ep.health == nil {
		return ep.sealed
	}
	return later(ep.health.holdUntil(), ep.sealed)
}

// held looks again at lanes that were parked for a hold, because it may have ended early.
func (s *Scheduler) held(ep *endpoint) {
	if ep.holdUntil().After(s.storeNow()) {
		return
	}
	for _, l := range ep.lanes {
		if l.parked == parkedUntil {
			l.parked = notParked
			s.offer(l)
		}
	}
}
