package scheduler

import "time"

// Counts are the numbers of current work.
type Counts struct {
	Active, InFlight, Tests int
	Waiting, Unwritten      int
	Paused                  bool
	Pending                 bool // the Store has, or may have, pending deliveries
}

// Counts returns the numbers of current work.
func (s *Scheduler) Counts() Counts {
	return Counts{
		Active: s.active, InFlight: s.inFlight, Tests: s.tests, Waiting: s.waiting, Unwritten: s.outcomes.count,
		Paused: s.paused, Pending: s.pending(),
	}
}

// HealthOf returns the known health of a webhook, and false for good health.
func (s *Scheduler) HealthOf(scope, webhookID string) (Health, bool) {
	if ep := s.endpoints[hookID{scope, webhookID}]; ep != nil && ep.health != nil {
		return ep.health.Health, true
	}
	return Health{Scope: scope, WebhookID: webhookID}, false
}

// HealthStale reports whether the latest read of health is too old to rely on.
func (s *Scheduler) HealthStale(now time.Time) bool {
	return s.c.HealthStore && (s.healthAt.IsZero() || now.Sub(s.healthAt) > healthEvery)
}

// Obstacle describes why a lane cannot send, as far as this process knows.
type Obstacle struct {
	Window bool      // the webhook's window is full
	Share  bool      // the scope has used its share of unproven requests
	Limit  bool      // a Limit has no room
	Sealed time.Time // the webhook, which could not be opened, is held back until then; in the Store's time
	Rate   time.Time // the time of the next token; in the Store's time
	Slots  bool      // every slot is taken
}

// ObstacleOf returns the obstacles of a lane at now.
func (s *Scheduler) ObstacleOf(id Lane, now time.Time) (o Obstacle) {
	s.now = now
	o.Slots = s.active >= s.c.Capacity || s.inFlight+s.tests >= s.c.MaxInFlight
	l := s.lanes[id]
	if l == nil {
		return o
	}
	ep := l.ep
	o.Window = ep.inFlight >= ep.window
	o.Share = ep.unproven() && !s.mayStartUnproven(ep.scope)
	o.Sealed = ep.sealed
	if at := ep.rate.next(now); at.After(now) {
		o.Rate = s.Store(at)
	} else if b, is := s.blockedBy(l.limits); is && b.until.IsZero() {
		o.Limit = true
	} else if is {
		o.Rate = s.Store(b.until)
	}
	return o
}
