package scheduler

import (
	"slices"
	"time"
)

// claims is the state of claiming. At most one claim is in progress.
type claims struct {
	backOff
	underWay bool
	asked    []LaneClaim   // of the current claim, or of the one to repeat
	coming   int           // the most deliveries that it may return
	bytes    int           // the most bytes that their bodies may have
	repeat   bool          // the answer was lost
	began    time.Time     // of the current claim
	took     time.Duration // smoothed duration of recent claims
}

const (
	maxLanesAsked       = 500
	maxClaimBytes       = 64 << 20
	leastClaimBytes     = 1 << 20
	claimAheadThreshold = 2 // the next claim ahead follows when half of the claimed deliveries are used up
	// The deliveries claimed ahead last for paceOf claims. maxPace bounds the period whose starts
	// are claimed ahead.
	paceOf  = 4
	maxPace = maxWait * 3 / 5
)

func (c *claims) wake(s *Scheduler) time.Time {
	if !c.underWay && s.mayClaim() && (c.repeat || s.wheel[toClaim].len() > 0) && c.after.After(s.now) {
		return c.after
	}
	return time.Time{}
}

// pace returns the recent period whose number of starts is claimed ahead. A slow Store needs a
// longer period.
func (s *Scheduler) pace() time.Duration {
	return max(s.c.SlowAfter, min(paceOf*s.claims.took, maxPace))
}

// startClaim claims as many deliveries as there are free slots, and ahead of them as many as
// have started recently. So the next deliveries of a fast endpoint are claimed before it
// answers, and those of a hanging endpoint are not.
func (s *Scheduler) startClaim() {
	c := &s.claims
	if c.underWay || !s.mayClaim() || c.after.After(s.now) || s.outcomes.recovering() || s.outcomes.count >= maxUnwritten*s.c.Capacity {
		return
	}
	if !c.repeat {
		c.asked = s.chooseLanes(s.budget())
		if len(c.asked) == 0 {
			return
		}
		c.bytes = min(max(maxBytes-s.bytes, leastClaimBytes), maxClaimBytes)
		for _, a := range c.asked {
			c.coming += a.Most
		}
	}
	c.underWay, c.began = true, s.now
	s.do(Claim{Repeat: c.repeat, Lanes: c.asked, MaxBytes: c.bytes})
}

// mayClaim reports whether a claim is permitted. A claim whose answer was lost is repeated also
// while sending is paused, so that its deliveries can be released.
func (s *Scheduler) mayClaim() bool {
	return s.canSend() || s.claims.repeat && s.running && !s.stopping
}

// budget returns the most deliveries that a claim may return now. It may be negative.
func (s *Scheduler) budget() int {
	most := maxAhead * s.c.Capacity
	if s.bytes >= maxBytes {
		return 0
	}
	free := max(0, min(s.c.Capacity-s.active, s.c.MaxInFlight-s.inFlight-s.tests))
	target := min(free+s.paces.len(), most)
	if free == 0 && claimAheadThreshold*s.ready > target {
		return 0
	}
	return min(target-s.ready, most-s.waiting-s.reserved)
}

// chooseLanes takes lanes off the wheel, in turn, until the budget is used up. First each lane gets
// the room of its window. The rest of the budget is divided for deliveries ahead, in the same order.
func (s *Scheduler) chooseLanes(budget int) []LaneClaim {
	var chosen []LaneClaim
	var ahead []int
	for budget > 0 && len(chosen) < maxLanesAsked {
		l := s.next(toClaim)
		if l == nil {
			break
		}
		room, extra := s.roomToClaim(l)
		if room <= 0 {
			s.passOn(l)
			continue // an answer, a start or the end of its block offers the lane again
		}
		s.endTurn(toClaim, l)
		l.claiming, l.asked = true, l.epoch
		n := min(room, budget)
		budget -= n
		chosen = append(chosen, LaneClaim{l.id, n, l.ep.take})
		ahead = append(ahead, room-n+extra)
	}
	for more := true; more && budget > 0; {
		more = false
		share := max(1, budget/max(1, len(chosen)))
		for i := range chosen {
			n := min(ahead[i], share, budget)
			chosen[i].Most += n
			ahead[i] -= n
			budget -= n
			more = more || ahead[i] > 0
		}
	}
	return chosen
}

// roomToClaim returns how many deliveries of a lane are wanted now, and how many more may be
// claimed ahead. It parks a blocked lane.
func (s *Scheduler) roomToClaim(l *lane) (room, extra int) {
	ep := l.ep
	if !l.more || l.claiming || ep.rereading {
		return 0, 0
	}
	if b, is := s.blocks(ep, l.limits, true); is {
		s.park(l, b)
		return 0, 0
	}
	here := ep.waiting + ep.reserved
	room = ep.window - ep.inFlight - here
	if !ep.unproven() && !l.starved {
		extra = ep.recent + min(room, 0)
	}
	tokens := ep.rate.tokens(s.now) - here
	room = min(room, tokens)
	extra = max(0, min(extra, tokens-max(0, room)))
	if room <= 0 && extra > 0 {
		if claimAheadThreshold*here > ep.recent {
			return 0, 0 // a later start offers the lane again, and one claim then returns many
		}
		return 1, extra - 1
	}
	return max(0, room), extra
}

// leased processes the answer of a claim.
func (s *Scheduler) leased(e Leased) {
	c := &s.claims
	c.underWay = false
	switch {
	case e.Failed:
		s.claimFailed()
		return
	case e.GivenUp:
		s.release(Leased{Partial: true})
		return
	}
	c.took = max(s.now.Sub(c.began), (3*c.took+s.now.Sub(c.began))/4)
	s.learnTakes(e.Takes)
	for _, j := range e.Jobs {
		s.addLeased(j)
		j.lane.ep.sealedFor = 0
		s.enqueue(j)
	}
	s.settleLeased(e.Mistaken, GivenBack)
	s.settleLeased(e.Ended, Written)
	s.settleLeased(e.Sealed, GivenBack)
	for _, j := range e.Sealed {
		s.seal(j.lane.ep)
	}
	if e.Partial {
		c.fail(s, c.began)
	} else {
		c.succeed(s)
	}
	s.release(e)
	if !s.canSend() {
		s.returnAll()
	}
}

// learnTakes stores the Take of each webhook.
func (s *Scheduler) learnTakes(takes []HookTake) {
	if !s.c.KeyOrder {
		return
	}
	for _, t := range takes {
		s.endpointOf(t.Scope, t.WebhookID).take = t.Take
	}
}

// addLeased adds a leased job to its lane and to the bytes in memory.
func (s *Scheduler) addLeased(j *Job) {
	j.lane = s.laneOf(j.Lane)
	s.bytes += j.Size
	delete(s.expected, j.ID)
}

// settleLeased settles leased jobs that are not sent.
func (s *Scheduler) settleLeased(jobs []*Job, o Outcome) {
	for _, j := range jobs {
		s.addLeased(j)
		s.settle(j, o)
	}
}

// release ends the claim for its lanes. A lane that returned less than Most has no more deliveries, unless
// some were stored meanwhile.
func (s *Scheduler) release(e Leased) {
	got := make(map[Lane]int, len(s.claims.asked))
	for _, jobs := range [][]*Job{e.Jobs, e.Ended, e.Sealed, e.Mistaken} {
		for _, j := range jobs {
			got[j.Lane]++
		}
	}
	for _, a := range s.claims.asked {
		l := s.laneOf(a.Lane)
		l.claiming = false
		if got[a.Lane] < a.Most && l.epoch == l.asked && !e.Partial && !slices.Contains(e.Short, a.Lane) {
			l.more = false
		}
		s.offer(l)
		if !l.on[toSend] {
			s.passOn(l)
		}
	}
	s.claims.asked, s.claims.repeat, s.claims.coming, s.claims.bytes = nil, false, 0, 0
}

// claimFailed keeps the claim to repeat it, because the Store may have leased its deliveries. Else
// they would wait for the end of the lease.
func (s *Scheduler) claimFailed() {
	s.claims.repeat = true
	s.claims.fail(s, s.claims.began)
	s.storeFailed()
	for _, a := range s.claims.asked {
		s.passOn(s.laneOf(a.Lane))
	}
}

// seal holds back a webhook that cannot be opened, for 1 minute at first and 10 minutes at most.
func (s *Scheduler) seal(ep *endpoint) {
	if ep.sealed.After(s.storeNow()) {
		return // sealed already by the same answer
	}
	ep.sealedFor = min(max(2*ep.sealedFor, time.Minute), 10*time.Minute)
	ep.sealed = s.storeNow().Add(ep.sealedFor)
}
