package scheduler

import "time"

// Counts are what is under way.
type Counts struct {
	Active, InFlight, Tests int
	Waiting, Unwritten      int
	Known, Paused           bool // Known: a look at everything has been completed
	Pending                 bool // the Store has, or may have, something pending
}

// Counts returns what is under way.
func (s *Scheduler) Counts() Counts {
	return Counts{
		Active: s.active, InFlight: s.inFlight, Tests: s.tests, Waiting: s.waiting, Unwritten: s.outcomes.count,
		Known: s.looks.known, Paused: s.paused, Pending: s.pending(),
	}
}

// HealthOf returns what is known of a webhook's health, and false where nothing is held
// against it.
func (s *Scheduler) HealthOf(scope, webhookID string) (Health, bool) {
	if ep := s.endpoints[hookID{scope, webhookID}]; ep != nil && ep.health != nil {
		return ep.health.Health, true
	}
	return Health{Scope: scope, WebhookID: webhookID}, false
}

// HealthStale reports whether health was last read too long ago to be relied on.
func (s *Scheduler) HealthStale(now time.Time) bool {
	return s.c.HealthStore && (s.healthAt.IsZero() || now.Sub(s.healthAt) > healthEvery)
}

// Obstacle is what keeps a lane from sending, as far as this process knows.
type Obstacle struct {
	Window bool      // as many in flight as the webhook may have now
	Share  bool      // the scope has its share of requests that may hang
	Limit  bool      // a Limit has no room
	Sealed time.Time // the webhook could not be opened; in the Store's time
	Rate   time.Time // ahead of a rate until then; in the Store's time
	Slots  bool      // every slot is taken
}

// ObstacleOf tells what keeps a lane from sending at now.
func (s *Scheduler) ObstacleOf(id Lane, now time.Time) (o Obstacle) {
	s.now = now
	o.Slots = s.active >= s.c.Capacity || s.inFlight+s.tests >= s.c.MaxInFlight
	l := s.lanes[id]
	if l == nil {
		return o
	}
	ep := l.ep
	o.Window = ep.inFlight >= ep.window
	o.Share = ep.unproven() && !s.mayHang(ep.scope)
	if ep.sealed.After(s.storeNow()) {
		o.Sealed = ep.sealed
	}
	if at := ep.rate.next(now); at.After(now) {
		o.Rate = s.Store(at)
	} else if b, is := s.blockedBy(l.limits, now); is && b.until.IsZero() {
		o.Limit = true
	} else if is {
		o.Rate = s.Store(b.until)
	}
	return o
}
