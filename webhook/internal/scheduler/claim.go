package scheduler

import (
	"slices"
	"time"
)

// claims is the state of claiming. One claim is under way at a time.
type claims struct {
	underWay bool
	asked    []LaneClaim // of the claim that is under way, or is to be repeated
	coming   int         // how many deliveries it may bring
	bytes    int         // and how large they may be together
	repeat   bool        // its answer was lost
	after    time.Time   // not before, because the Store failed
	wait     time.Duration
	began    time.Time     // the one that is under way
	took     time.Duration // of late
}

const (
	maxLanesAsked       = 500
	leastRetry          = 100 * time.Millisecond
	mostRetry           = 5 * time.Second
	maxClaimBytes       = 64 << 20
	leastClaimBytes     = 1 << 20
	claimAheadThreshold = 2 // a claim ahead follows when half of what may wait is used up
	// paceOf is for how many claims it would be enough what is claimed ahead, and maxPace bounds the
	// time of which the starts are claimed.
	paceOf  = 4
	maxPace = maxWait * 3 / 5
)

func (c *claims) wake(s *Scheduler) time.Time {
	if !c.underWay && s.mayClaim() && (c.repeat || s.wheel[toClaim].len() > 0) && c.after.After(s.now) {
		return c.after
	}
	return time.Time{}
}

func (s *Scheduler) backOff() {
	c := &s.claims
	c.wait = min(max(2*c.wait, leastRetry), mostRetry)
	c.after = s.now.Add(c.wait)
}

// pace is how far back the starts lie of which as many are claimed ahead: a Store that answers late
// needs more of them here.
func (s *Scheduler) pace() time.Duration {
	return max(s.c.SlowAfter, min(paceOf*s.claims.took, maxPace))
}

// ask claims what can be sent soon: as much as there are free slots, and ahead of them what
// started of late. So the next deliveries of a fast endpoint are here before it
// answers, and those of a hanging one are not.
func (s *Scheduler) ask() {
	c := &s.claims
	if c.underWay || !s.mayClaim() || c.after.After(s.now) || s.outcomes.recovering() || s.outcomes.count >= maxUnwritten*s.c.Capacity {
		return
	}
	if c.repeat {
		c.underWay, c.began = true, s.now
		s.do(Claim{Repeat: true, Lanes: c.asked, MaxBytes: c.bytes})
		return
	}
	budget := s.budget()
	if budget <= 0 {
		return
	}
	c.asked = s.chooseLanes(budget)
	if len(c.asked) == 0 {
		return
	}
	c.underWay, c.bytes, c.began = true, s.claimBytes(), s.now
	for _, a := range c.asked {
		c.coming += a.Most
	}
	s.do(Claim{Lanes: c.asked, MaxBytes: c.bytes})
}

// mayClaim reports whether anything may be claimed. A claim whose answer was lost is made again
// while sending is paused, so that what it leased can go back.
func (s *Scheduler) mayClaim() bool {
	return s.canSend() || s.claims.repeat && s.running && !s.stopping
}

func (s *Scheduler) claimBytes() int {
	return min(max(maxBytes-s.bytes, leastClaimBytes), maxClaimBytes)
}

// budget is how many deliveries a claim may bring now.
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

// chooseLanes takes lanes off the wheel, in turn, until the budget is used up. First each gets
// what its window has room for; what is left is shared out for deliveries ahead, in the same order.
func (s *Scheduler) chooseLanes(budget int) []LaneClaim {
	var chosen []LaneClaim
	var ahead []int
	for left := budget; left > 0 && len(chosen) < maxLanesAsked; {
		l := s.next(toClaim)
		if l == nil {
			break
		}
		room, extra := s.roomToClaim(l)
		if room <= 0 {
			s.passOn(l)
			continue // an answer, a start, or the thing that it is parked at puts it back
		}
		s.used(toClaim, l)
		l.claiming, l.asked = true, l.epoch
		n := min(room, left)
		left -= n
		chosen = append(chosen, LaneClaim{l.id, n, l.ep.take})
		ahead = append(ahead, room-n+extra)
		budget = left
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

// roomToClaim is how many deliveries of a lane are wanted now, and how many more may come
// ahead. A lane that is blocked is parked.
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
		extra = ep.recent
		if room < 0 {
			extra += room
		}
	}
	tokens := ep.rate.tokens(s.now) - here
	room = min(room, tokens)
	extra = max(0, min(extra, tokens-max(0, room)))
	if room <= 0 && extra > 0 {
		if claimAheadThreshold*here > ep.recent {
			return 0, 0 // a start puts it back; many come with one claim then
		}
		return 1, extra - 1
	}
	return max(0, room), extra
}

// leased takes the answer of a claim.
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
		s.arrive(j)
		j.lane.ep.sealedFor = 0
		s.enqueue(j)
	}
	for _, j := range e.Mistaken {
		s.arrive(j)
		s.shed(j)
		s.settle(j, GivenBack)
	}
	for _, j := range e.Ended {
		s.arrive(j)
		s.settle(j, Written)
		s.shed(j)
	}
	for _, j := range e.Sealed {
		s.arrive(j)
		s.seal(j)
		s.shed(j)
		s.settle(j, GivenBack)
	}
	if e.Partial {
		s.backOff()
	} else {
		c.wait, c.after = 0, time.Time{}
	}
	s.release(e)
	if !s.canSend() {
		s.returnAll()
	}
}

// learnTakes notes how webhooks are to be claimed.
func (s *Scheduler) learnTakes(takes []HookTake) {
	if !s.c.KeyOrder {
		return
	}
	for _, t := range takes {
		s.endpointOf(t.Scope, t.WebhookID).take = t.Take
	}
}

// arrive gives a leased job its lane.
func (s *Scheduler) arrive(j *Job) {
	j.lane = s.laneOf(j.Lane)
	s.bytes += j.Size
	s.seen(j.ID)
}

// release ends the claim for its lanes, and believes a "no more" where nothing was stored meanwhile.
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

// claimFailed keeps the claim to be made again, so that what it leased meanwhile is not
// lost until the end of the lease.
func (s *Scheduler) claimFailed() {
	s.claims.repeat = true
	s.backOff()
	s.storeFailed()
	for _, a := range s.claims.asked {
		s.passOn(s.laneOf(a.Lane))
	}
}

// seal holds a webhook that cannot be opened, for 1 minute at first and 10 at most.
func (s *Scheduler) seal(j *Job) {
	ep := j.lane.ep
	if ep.sealed.After(s.storeNow()) {
		return // of the same answer
	}
	ep.sealedFor = min(max(2*ep.sealedFor, time.Minute), 10*time.Minute)
	ep.sealed = s.storeNow().Add(ep.sealedFor)
}
