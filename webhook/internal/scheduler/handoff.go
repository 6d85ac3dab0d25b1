package scheduler

import (
	"maps"
	"slices"
	"time"
)

// A hand-off is a claim that Enqueue makes: the delivery is stored leased to this process, which
// sends it after the commit without a claim.

// offered decides which jobs may be handed off. It reserves room among the waiting jobs, but no slot.
func (s *Scheduler) offered(jobs []*Job) {
	for _, j := range jobs {
		l := s.laneOf(j.Lane)
		j.lane, j.phase = l, refused
		l.ep.offers++ // keeps the lane until enqueued
		if !s.mayHandOff(j) {
			continue
		}
		j.phase = offered
		l.ep.reserved++
		s.reserved++
		s.bytes += j.Size
		s.reserveKeys(j.Limits, 1)
	}
}

func (s *Scheduler) mayHandOff(j *Job) bool {
	l := j.lane
	ep := l.ep
	switch {
	case !s.canSend(), !s.looks.known, j.ClaimFirst, j.Keyed, s.healthStale():
		return false
	case !j.Read.After(ep.edited), s.now.Sub(j.Read) > maxAge:
		return false
	case l.waiting.len() > 0, l.more, l.claiming, l.parked != notParked, ep.rereading:
		return false // the job would overtake others
	case ep.inFlight+ep.waiting+ep.reserved >= ep.window:
		return false
	case s.waiting+s.reserved+s.claims.coming >= maxAhead*s.c.Capacity, s.outcomes.count >= maxUnwritten*s.c.Capacity, s.outcomes.recovering():
		return false
	case s.bytes+s.claims.bytes+j.Size > maxBytes, s.inFlight+s.tests >= s.c.MaxInFlight:
		return false
	}
	if ep.rate.tokens(s.now) <= ep.waiting+ep.reserved || !s.keysLeaveRoom(j.Limits) {
		return false
	}
	_, blocked := s.blocks(ep, nil, false)
	return !blocked
}

// enqueued processes the result of the Enqueue that follows every offer.
func (s *Scheduler) enqueued(e Enqueued) {
	tell := false
	if e.Stored == IsStored {
		s.answered = s.now
	}
	for i, j := range e.Jobs {
		l := j.lane
		l.ep.offers--
		held := j.phase == offered
		if held {
			l.ep.reserved--
			s.reserved--
			s.reserveKeys(j.Limits, -1)
		}
		added := e.Stored == IsStored && e.Added[i]
		switch {
		case held && added && s.canSend():
			s.enqueue(j)
		case held && added: // Run has ended meanwhile, or sending is paused
			s.settle(j, GivenBack)
			tell = true
		case held && e.Stored == StoredUnknown:
			j.unknown, s.outcomes.unsure = true, true
			s.settle(j, GivenBack)
		case held:
			s.freeBody(j)
		case e.Stored == StoredUnknown: // it may be committed later
			s.expect(Expected{[]string{j.ID}, []Lane{j.Lane}})
			fallthrough
		case added:
			s.becomesDue(l, j.Due)
			tell = true
		}
		if held && j.phase != waiting {
			s.offerAll(l.ep) // the reserved room is free
		}
	}
	if tell {
		s.notify()
	}
}

// expectation is a delivery that a transaction of the host may commit.
type expectation struct {
	lane  Lane
	until time.Time
}

const expectEvery = 5 * time.Second

func (s *Scheduler) expect(e Expected) {
	until := s.now.Add(s.c.Lease)
	for i, id := range e.IDs {
		if len(s.expected) >= maxExpected {
			break // a look finds the others
		}
		s.expected[id] = expectation{e.Lanes[i], until}
	}
	if s.expectAt.IsZero() { // a later transaction does not delay the others
		s.waitForExpected()
	}
}

func (s *Scheduler) waitForExpected() {
	s.expectAt = time.Time{}
	if len(s.expected) > 0 {
		s.expectAt = s.now.Add(min(s.c.Poll, expectEvery))
	}
}

func (s *Scheduler) expectedDue() {
	if s.canSend() && !s.expectAt.IsZero() && !s.expectAt.After(s.now) {
		s.claimExpected()
	}
}

// claimExpected claims the lanes of deliveries that are still expected, without a look.
func (s *Scheduler) claimExpected() {
	lanes := make(map[Lane]bool)
	for id, x := range s.expected {
		lanes[x.lane] = true
		if !x.until.After(s.now) {
			delete(s.expected, id)
		}
	}
	s.haveMore(slices.SortedFunc(maps.Keys(lanes), Lane.compare))
	s.waitForExpected()
}
