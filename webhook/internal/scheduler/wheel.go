package scheduler

import "time"

// A wheel gives lanes their turns: over the scopes, in a scope over its webhooks, in a
// webhook over its lanes. There is one wheel for sending and one for claiming.
type wheel int

const (
	toSend  wheel = iota // lanes with waiting jobs
	toClaim              // lanes with more deliveries in the Store
	wheels
)

// push puts a lane on the wheel, unless it is there or is parked. A webhook is in the ring of its
// scope, and a scope on the wheel, while it has lanes there.
func (s *Scheduler) push(w wheel, l *lane) {
	if l.parked != notParked || l.on[w] {
		return
	}
	l.on[w] = true
	if w == toSend {
		s.ready += l.waiting.len()
	}
	ep, sc := l.ep, l.ep.scope
	if sc.turns[w].len() == 0 {
		s.wheel[w].push(sc)
	}
	if ep.turns[w].len() == 0 {
		sc.turns[w].push(ep)
	}
	ep.turns[w].push(l)
}

// next takes the lane of the next turn off the wheel, nil for an empty wheel. Its scope and its
// webhook keep their places until endTurn, so a blocked lane costs them no turn.
func (s *Scheduler) next(w wheel) *lane {
	for s.wheel[w].len() > 0 {
		sc := s.wheel[w].at(0)
		ep := sc.turns[w].at(0)
		l := ep.turns[w].pop()
		if ep.turns[w].len() == 0 {
			sc.turns[w].pop()
		}
		if sc.turns[w].len() == 0 {
			s.wheel[w].pop()
		}
		l.on[w] = false
		if w == toSend {
			s.ready -= l.waiting.len()
		}
		if l.parked == notParked {
			return l
		}
	}
	return nil
}

// endTurn ends the turn of a lane that next has returned: the next turn is the next scope's, and in
// the scope the next webhook's.
func (s *Scheduler) endTurn(w wheel, l *lane) {
	sc := l.ep.scope
	if ring := &sc.turns[w]; ring.len() > 1 && ring.at(0) == l.ep {
		ring.push(ring.pop())
	}
	if ring := &s.wheel[w]; ring.len() > 1 && ring.at(0) == sc {
		ring.push(ring.pop())
	}
}

// offer puts a lane on the wheel for sending if it has waiting jobs, and on the wheel for claiming if
// the Store has more.
func (s *Scheduler) offer(l *lane) {
	if l.waiting.len() > 0 {
		s.push(toSend, l)
	}
	if l.more && !l.claiming {
		s.push(toClaim, l)
	}
}

// offerAll offers all lanes of a webhook after a change of their common room.
func (s *Scheduler) offerAll(ep *endpoint) {
	for _, l := range ep.lanes {
		s.offer(l)
	}
}

// park keeps a lane from turns until its block ends. While the lane is still on a wheel, next
// skips it.
func (s *Scheduler) park(l *lane, b block) {
	if l.parked != notParked {
		return
	}
	switch l.parked = b.kind; b.kind {
	case parkedKey:
		s.waitForKey(b.key, l)
	case parkedShare:
		s.waitForShare(l)
	case parkedUntil:
		l.until = b.until
		s.after(b.until, l, timerUnpark)
	}
}

// unpark unparks a lane that waits at the key by, or at its scope's share where by is nil.
// After the lane's turn passOn checks the room again.
func (s *Scheduler) unpark(l *lane, by *key) {
	l.wokenBy, l.woken = l.parked, by
	l.parked = notParked
	s.offer(l)
	if !l.on[toSend] && !l.on[toClaim] {
		s.passOn(l)
	}
}

// passOn wakes the next lane that waits for the room for which l was woken, if there is room
// left. It follows every turn of l, so no wake-up is lost.
func (s *Scheduler) passOn(l *lane) {
	by, k := l.wokenBy, l.woken
	l.wokenBy, l.woken = notParked, nil
	switch by {
	case parkedKey:
		s.wakeKey(k)
	case parkedShare:
		s.wakeShare()
	}
}

// block is the reason why a lane cannot go.
type block struct {
	kind  parking
	key   *key
	until time.Time // of parkedUntil, and of parkedKey without a token
}
