package scheduler

import "time"

// pace is the begin of a request to an endpoint, for claims ahead.
type pace struct {
	at time.Time
	ep *endpoint
}

// wait is the begin of a job's wait.
type wait struct {
	since time.Time
	job   *Job
}

// enqueue adds a job to the waiting ones of its lane.
func (s *Scheduler) enqueue(j *Job) {
	l := j.lane
	s.endIdle()
	j.phase, j.since = waiting, s.now
	l.limits = j.Limits
	l.waiting.push(j)
	l.ep.waiting++
	s.waiting++
	if l.on[toSend] {
		s.ready++
	}
	s.overdue.push(wait{s.now, j})
	s.push(toSend, l)
}

// dequeue removes the first waiting job of a lane.
func (s *Scheduler) dequeue(l *lane) *Job {
	j := l.waiting.pop()
	s.uncount(l)
	return j
}

// uncount subtracts a job from the counts of waiting jobs.
func (s *Scheduler) uncount(l *lane) {
	if l.on[toSend] {
		s.ready--
	}
	l.ep.waiting--
	s.waiting--
}

// pump starts requests, in turn, while there are slots.
func (s *Scheduler) pump() {
	if s.waiting > 0 && s.canSend() && s.healthStale() {
		s.readHealth() // another host may have changed it
	}
	for s.mayStart() {
		l := s.next(toSend)
		if l == nil {
			return
		}
		if s.c.HealthStore && s.now.Sub(s.healthAt) > healthAhead {
			s.readHealth() // in advance, so that requests need not wait
		}
		if s.turn(l) {
			s.endTurn(toSend, l)
		}
		s.passOn(l)
	}
}

// mayStart reports whether the bounds permit a request.
func (s *Scheduler) mayStart() bool {
	return s.canSend() && s.active < s.c.Capacity && s.inFlight+s.tests < s.c.MaxInFlight &&
		s.outcomes.count < maxUnwritten*s.c.Capacity && !(s.waiting > 0 && s.healthStale())
}

// turn makes one turn of a lane: it starts a request, or parks the lane at its block. It
// reports whether the turn was used.
func (s *Scheduler) turn(l *lane) bool {
	ep := l.ep
	for l.waiting.len() > 0 && s.tooLate(l.waiting.at(0)) {
		s.withdraw(l.waiting.at(0))
	}
	if l.waiting.len() == 0 || ep.rereading || ep.inFlight >= ep.window {
		return false // an answer, or the read, offers the lane again
	}
	j := l.waiting.at(0)
	if b, is := s.blocks(ep, j.Limits, true); is {
		s.park(l, b)
		return false
	}
	if s.stale(j) {
		ep.rereading = true
		s.do(Read{ep.id.scope, ep.id.webhook})
		return true
	}
	s.dequeue(l)
	s.begin(j)
	s.offerAll(ep)
	return true
}

// tooLate reports whether a job's lease could end during its request.
func (s *Scheduler) tooLate(j *Job) bool {
	return j.Until.Sub(s.storeNow())-s.uncertain < j.Timeout
}

// blocks returns the block of requests to an endpoint, apart from its window. With slot it also
// checks the slots for unproven requests.
func (s *Scheduler) blocks(ep *endpoint, limits []Limit, slot bool) (block, bool) {
	if until := ep.holdUntil(); until.After(s.storeNow()) {
		return block{kind: parkedUntil, until: s.processTime(until)}, true
	}
	if ep.unproven() && !s.mayStartUnproven(ep.scope) && (slot || !s.hasShare(ep.scope)) {
		return block{kind: parkedShare}, true
	}
	if at := ep.rate.next(s.now); at.After(s.now) {
		return block{kind: parkedUntil, until: at}, true
	}
	return s.blockedBy(limits)
}

// begin sends a job.
func (s *Scheduler) begin(j *Job) {
	ep := j.lane.ep
	if ep.unproven() {
		s.countUnproven(j, 1)
		s.unprovenActive++
	}
	j.phase, j.since = active, s.now
	ep.inFlight++
	ep.recent++
	s.inFlight++
	s.active++
	ep.rate.take(s.now)
	s.takeKeys(j.Limits)
	j.lane.starved = false
	s.starts.push(j)
	s.paces.push(pace{s.now, ep})
	s.do(Send{j})
}

// expireStarts counts requests that take longer than SlowAfter as slow: they continue without
// a slot.
func (s *Scheduler) expireStarts() {
	for s.paces.len() > 0 && s.now.Sub(s.paces.at(0).at) >= s.pace() {
		s.paces.pop().ep.recent--
	}
	for s.starts.len() > 0 {
		j := s.starts.at(0)
		if j.phase != active {
			s.starts.pop() // answered; a timer for it would cost a step for each request
			continue
		}
		if s.now.Sub(j.since) < s.c.SlowAfter {
			break
		}
		s.starts.pop()
		j.phase = slow
		s.active--
		j.lane.ep.slow++
		if j.unproven {
			s.unprovenActive--
		} else {
			s.countUnproven(j, 1)
		}
		s.wakeShare()
	}
}

// endRequest subtracts an ended request from the counts. A short request without an answer does not
// show whether the endpoint is prompt.
func (s *Scheduler) endRequest(j *Job, answer bool) {
	ep := j.lane.ep
	if j.phase == active {
		s.active--
		if j.unproven {
			s.unprovenActive--
		}
		ep.prompt = ep.prompt || answer
	} else {
		ep.slow--
		ep.prompt = false
	}
	s.inFlight--
	ep.inFlight--
	if j.unproven {
		s.countUnproven(j, -1)
		s.wakeShare()
	}
	s.releaseKeys(j.Limits)
	s.unparkPrompt(ep)
	s.offerAll(ep)
}

func (s *Scheduler) attempted(j *Job) {
	s.endRequest(j, true)
	s.judge(j)
	s.settle(j, Written)
}

// withdraw removes a waiting job from its lane and releases it. Other lanes of the webhook may use
// its room.
func (s *Scheduler) withdraw(j *Job) {
	l := j.lane
	if l.waiting.at(0) == j {
		s.dequeue(l)
	} else {
		l.waiting.drop(func(o *Job) bool { return o == j })
		s.uncount(l)
	}
	s.settle(j, GivenBack)
	s.offerAll(l.ep)
}

// returnOverdue releases jobs that waited too long for their turn, so that other hosts may send
// them. While the Store accepts no outcomes the jobs stay, since they cannot be released.
func (s *Scheduler) returnOverdue() {
	for s.overdue.len() > 0 && !s.outcomes.failing() {
		w := s.overdue.at(0)
		switch {
		case !w.waits():
		case s.now.Sub(w.since) < s.waitLimit():
			return
		case w.job.lane.ep.rereading: // the job stays until the answer enqueues it again
			w.job.since = s.now
			s.overdue.push(wait{s.now, w.job})
		default:
			w.job.lane.starved = true
			s.withdraw(w.job)
		}
		s.overdue.pop()
	}
}

// waits reports whether the same wait of the job continues.
func (w wait) waits() bool { return w.job.phase == waiting && w.job.since.Equal(w.since) }

// waitLimit returns how long a job may wait here.
func (s *Scheduler) waitLimit() time.Duration {
	if s.waiting+s.reserved >= maxAhead*s.c.Capacity && s.wheel[toClaim].len() > 0 {
		return min(s.c.SlowAfter, maxWait) // other lanes need the room
	}
	return maxWait
}

// returnAll releases all waiting jobs.
func (s *Scheduler) returnAll() {
	for s.overdue.len() > 0 {
		if w := s.overdue.pop(); w.waits() {
			s.withdraw(w.job)
		}
	}
}
