package scheduler

import (
	"time"
)

// Health is the record of a webhook that is kept across restarts and hosts. All times are
// the Store's. The zero value, apart from the names, is good health.
type Health struct {
	Scope, WebhookID string
	FailingSince     time.Time // end of the first of the failures in a row
	Failures         int
	PausedUntil      time.Time // the endpoint sent Retry-After
	OpenUntil        time.Time // the breaker is open, then one probe
	Opened           int       // how often since the last success
}

// Equal compares times to the microsecond, the precision of SQL stores.
func (h Health) Equal(o Health) bool {
	same := func(a, b time.Time) bool {
		return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
	}
	return h.Scope == o.Scope && h.WebhookID == o.WebhookID && h.Failures == o.Failures && h.Opened == o.Opened &&
		same(h.FailingSince, o.FailingSince) && same(h.PausedUntil, o.PausedUntil) && same(h.OpenUntil, o.OpenUntil)
}

func (h Health) ok() bool { return h.Equal(Health{Scope: h.Scope, WebhookID: h.WebhookID}) }

func (h Health) holdUntil() time.Time { return later(h.OpenUntil, h.PausedUntil) }

// sooner returns the earlier time; the zero time means never.
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

// health is this process's state of a webhook that is not in good health, or whose record is
// not yet stored.
type health struct {
	Health
	stored   Health          // the last known record of the HealthStore
	latest   time.Time       // end of the latest failure
	raised   map[string]bool // the values of Attention that were reported
	warned   bool            // Attention was reported because of DisableAfter
	writing  bool            // a SaveHealth is in progress
	tries    int             // conflicts of SaveHealth since the last attempt
	disabled bool            // a SwitchOff was requested
}

func (ep *endpoint) ensureHealth() *health {
	if ep.health == nil {
		h := Health{Scope: ep.id.scope, WebhookID: ep.id.webhook}
		ep.health = &health{Health: h, stored: h}
	}
	return ep.health
}

// judge updates window, breaker and pause after an attempt, and reports to the webhook's owner.
func (s *Scheduler) judge(j *Job) {
	ep, r := j.lane.ep, &j.Result
	switch {
	case r.Delivered:
		ep.window = min(2*ep.window, s.c.PerLane)
	case r.Overload:
		ep.window = max(1, ep.window/2)
	}
	if !r.Counts || r.Start.Before(ep.fresh) {
		return // the result does not concern the current webhook
	}
	if r.Delivered {
		if ep.health == nil && s.c.HealthStore && j.Tries > 0 {
			// Another host may have failed before, and its record is not read yet: this is what it wrote if
			// nothing else has failed. A conflict shows another one.
			ep.ensureHealth().stored = Health{Scope: ep.id.scope, WebhookID: ep.id.webhook, Failures: j.Tries, FailingSince: j.FirstFailure}
		}
		if ep.health != nil {
			ep.health.tries = 0
			s.recovered(ep, r.End)
			s.saveHealth(ep)
		}
		return
	}
	h := ep.ensureHealth()
	h.tries = 0
	s.failed(ep, h, r)
	s.raise(j, h, r)
	s.saveHealth(ep)
}

// recovered closes the breaker. A pause by Retry-After stays, because the successful request
// may have begun before the pause.
func (s *Scheduler) recovered(ep *endpoint, at time.Time) {
	h := ep.health
	was := h.Health
	h.Health = Health{Scope: h.Scope, WebhookID: h.WebhookID}
	if was.PausedUntil.After(at) {
		h.PausedUntil = was.PausedUntil
	}
	h.raised, h.warned = nil, false
	s.recheckHold(ep)
	s.forgetHealth(ep)
}

// Reasons for switching a webhook off.
const (
	ReasonGone    = "The endpoint is gone for good."
	ReasonFailing = "Every attempt has failed since "
)

// forgetHealth drops a record that is good and stored.
func (s *Scheduler) forgetHealth(ep *endpoint) {
	if h := ep.health; h != nil && h.ok() && !h.writing && h.stored.Equal(h.Health) {
		ep.health = nil
	}
}

func (s *Scheduler) failed(ep *endpoint, h *health, r *Result) {
	h.Failures++
	h.latest = r.End
	if h.FailingSince.IsZero() {
		h.FailingSince = r.End
	}
	if r.Patience > 0 {
		until := r.End.Add(r.Patience)
		if !r.Retry.IsZero() && until.After(r.Retry) {
			until = r.Retry // the policy's window ends earlier, so the pause must not delay the retry
		}
		h.PausedUntil = later(h.PausedUntil, until)
		s.extendHold(h)
		return
	}
	b := s.c.Breaker
	if b.Failures < 0 || h.Failures < b.Failures || h.OpenUntil.After(r.End) {
		return // requests that began before the breaker opened do not open it again
	}
	wait := b.Open
	for n := h.Opened; n > 0 && wait < b.MaxOpen; n-- {
		wait = min(2*wait, b.MaxOpen)
	}
	h.Opened++
	h.OpenUntil = r.End.Add(wait)
	s.extendHold(h)
	ep.window = 1 // one probe
	s.do(BreakerOpened{Health: h.Health, Code: r.Code, Wait: wait})
}

// raise reports to the owner, or switches the webhook off, as the Profile requires.
func (s *Scheduler) raise(j *Job, h *health, r *Result) {
	failing := r.End.Sub(h.FailingSince)
	tell := r.Attention != "" && !h.raised[r.Attention]
	if tell {
		if h.raised == nil {
			h.raised = make(map[string]bool)
		}
		h.raised[r.Attention] = true
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

// holdUntil returns the time from which requests to an endpoint are permitted, in the Store's time.
func (ep *endpoint) holdUntil() time.Time {
	if ep.health == nil {
		return ep.sealed
	}
	return later(ep.health.holdUntil(), ep.sealed)
}

// recheckHold unparks lanes that wait for the end of a hold, if it has ended early.
func (s *Scheduler) recheckHold(ep *endpoint) {
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
