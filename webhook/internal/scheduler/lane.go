package scheduler

import "time"

// scope is a tenant.
type scope struct {
	name      string
	endpoints int
	unproven  int // unproven requests in flight
	tests     int
	turns     [wheels]queue[*endpoint] // those that have lanes on the wheel
	waiters   queue[*lane]             // unproven lanes beyond the scope's share
	place     int                      // index in Scheduler.blocked, or -1
}

// endpoint is the state of a webhook, over all its classes.
type endpoint struct {
	id    hookID
	scope *scope
	lanes []*lane
	turns [wheels]queue[*lane]

	inFlight int // active and slow
	slow     int
	waiting  int
	offers   int  // jobs that are about to be stored
	reserved int  // offers that are to be handed off
	recent   int  // entries of Scheduler.paces
	timers   int  // entries of Scheduler.timers
	window   int  // bounds inFlight: 1, 2, 4 ... PerLane
	prompt   bool // the latest request ended within SlowAfter
	rate     bucket

	health    *health   // nil for good health
	edited    time.Time // reads of the webhook before this time are stale
	fresh     time.Time // attempts that began before do not count for health (Store's time)
	rereading bool
	sealed    time.Time // no claims before this time, because the webhook cannot be opened
	sealedFor time.Duration
	take      Take // of the latest read; before it TakeHeads, which is right for every webhook
}

func (ep *endpoint) laneID() Lane { return Lane{Scope: ep.id.scope, WebhookID: ep.id.webhook} }

type hookID struct{ scope, webhook string }

// lane is the state of one class of deliveries.
type lane struct {
	id      Lane
	ep      *endpoint
	waiting queue[*Job]
	on      [wheels]bool // whether the lane is on the wheel

	more     bool   // the Store has, or may have, due deliveries
	epoch    uint64 // counts signs of due deliveries; a claim cannot clear more after a change
	asked    uint64 // epoch at the beginning of the current claim
	claiming bool
	starved  bool // a job waited too long: no claims ahead before the lane's next request

	parked  parking
	inShare bool      // is in scope.waiters
	until   time.Time // of parkedUntil
	limits  []Limit   // of the latest job
	woken   *key      // the key that woke the lane, which after its turn wakes the next
	wokenBy parking
}

// parking is the reason for which a lane waits.
type parking uint8

const (
	notParked   parking = iota
	parkedKey           // a slot, or a token, of a Limit
	parkedUntil         // a time: the end of a pause or an open breaker, or a token of the webhook's rate
	parkedShare         // the scope's share of unproven requests
)

// unproven reports whether the endpoint is not known to answer promptly.
func (ep *endpoint) unproven() bool { return !ep.prompt || ep.slow > 0 }

func (s *Scheduler) idle(ep *endpoint) bool {
	switch {
	case ep.inFlight+ep.waiting+ep.offers+ep.recent+ep.timers > 0, ep.health != nil, ep.rereading:
		return false
	case ep.rate.full.After(s.now), ep.sealed.After(s.storeNow()):
		return false
	case !ep.edited.IsZero() && s.now.Sub(ep.edited) < s.c.Lease: // jobs with an older read may still arrive
		return false
	}
	for _, l := range ep.lanes {
		if l.more || l.claiming || l.parked != notParked || l.on[toSend] || l.on[toClaim] {
			return false
		}
	}
	return true
}

func (s *Scheduler) laneOf(id Lane) *lane {
	if l := s.lanes[id]; l != nil {
		return l
	}
	ep := s.endpointOf(id.Scope, id.WebhookID)
	l := &lane{id: id, ep: ep}
	s.classes = s.classes || id.Class != ""
	ep.lanes = append(ep.lanes, l)
	s.lanes[id] = l
	return l
}

func (s *Scheduler) endpointOf(scopeName, webhookID string) *endpoint {
	id := hookID{scopeName, webhookID}
	if ep := s.endpoints[id]; ep != nil {
		return ep
	}
	s.forgetIdle()
	sc := s.scopeOf(scopeName)
	sc.endpoints++
	ep := &endpoint{id: id, scope: sc, window: 1, rate: newBucket(s.c.Rate, s.c.Burst)}
	if s.c.KeyOrder {
		ep.take = TakeHeads
	}
	s.endpoints[id] = ep
	return ep
}

func (s *Scheduler) scopeOf(name string) *scope {
	sc := s.scopes[name]
	if sc == nil {
		sc = &scope{name: name, place: -1}
		s.scopes[name] = sc
	}
	return sc
}

// forgetScope drops a scope without state.
func (s *Scheduler) forgetScope(sc *scope) {
	if sc.endpoints+sc.tests+sc.unproven == 0 {
		delete(s.scopes, sc.name)
	}
}

// forgetIdle drops webhooks without state when there are many.
func (s *Scheduler) forgetIdle() {
	if len(s.lanes)+len(s.endpoints) < s.kept {
		return
	}
	for id, ep := range s.endpoints {
		if !s.idle(ep) {
			continue
		}
		for _, l := range ep.lanes {
			delete(s.lanes, l.id)
		}
		delete(s.endpoints, id)
		ep.scope.endpoints--
		s.forgetScope(ep.scope)
	}
	s.kept = max(maxKept, 2*(len(s.lanes)+len(s.endpoints)))
}
