package scheduler

import "time"

// A wheel gives lanes their turns: round the scopes, in a scope round its webhooks, in a
// webhook round its lanes. There are two, one for sending and one for claiming.
type wheel int

const (
	toSend  wheel = iota // lanes with jobs that wait
	toClaim              // lanes of which the Store has more
	wheels
)

// turns is a ring of those that wait for a turn, and whether the ring itself has a place in
// the ring above.
type turns[T any] struct {
	ring queue[T]
	on   bool
}

// push gives a lane a place on the wheel, unless it has one or is parked.
func (s *Scheduler) push(w wheel, l *lane) {
	if l.parked != notParked || l.on[w] {
		return
	}
	l.on[w] = true
	if w == toSend {
		s.ready += l.waiting.len()
	}
	ep, sc := l.ep, l.ep.scope
	ep.turns[w].ring.push(l)
	if !ep.turns[w].on {
		ep.turns[w].on = true
		sc.turns[w].ring.push(ep)
	}
	if !sc.turns[w].on {
		sc.turns[w].on = true
		s.wheel[w].push(sc)
	}
}

// next takes the lane whose turn it is off the wheel; nil when the wheel is empty. Its scope and its
// webhook stay where they are until the turn is used, so lanes that are blocked cost them none.
func (s *Scheduler) next(w wheel) *lane {
	for s.wheel[w].len() > 0 {
		sc := *s.wheel[w].at(0)
		ep := *sc.turns[w].ring.at(0)
		l := ep.turns[w].ring.pop()
		if ep.turns[w].ring.len() == 0 {
			ep.turns[w].on = false
			sc.turns[w].ring.pop()
		}
		if sc.turns[w].ring.len() == 0 {
			sc.turns[w].on = false
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

// used ends the turn of a lane that next has returned: it is the next scope's, and in the scope the
// next webhook's.
func (s *Scheduler) used(w wheel, l *lane) {
	sc := l.ep.scope
	if ring := &sc.turns[w].ring; ring.len() > 1 && *ring.at(0) == l.ep {
		ring.push(ring.pop())
	}
	if ring := &s.wheel[w]; ring.len() > 1 && *ring.at(0) == sc {
		ring.push(ring.pop())
	}
}

// offer puts a lane on the wheels that it has something for.
func (s *Scheduler) offer(l *lane) {
	if l.waiting.len() > 0 {
		s.push(toSend, l)
	}
	if l.more && !l.claiming {
		s.push(toClaim, l)
	}
}

// offerAll does so for all lanes of a webhook, after a change of the room that they share.
func (s *Scheduler) offerAll(ep *endpoint) {
	for _, l := range ep.lanes {
		s.offer(l)
	}
}

// park takes a lane out of its turns until the thing that blocks it lets it go. Where it still
// has a place on a wheel, next skips it.
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

// unpark lets a lane go that waited at by, a key, or at its scope's share where by is nil.
// The room that it was woken for is looked at again after its turn; see passOn.
func (s *Scheduler) unpark(l *lane, by *key) {
	l.wokenBy, l.woken = l.parked, by
	l.parked = notParked
	s.offer(l)
	if !l.on[toSend] && !l.on[toClaim] {
		s.passOn(l)
	}
}

// passOn wakes the next lane that waits for the room for which l was woken, if there is room
// left. It follows l's turn, whatever came of it, so no wake-up is lost.
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

// block is what keeps a lane from going.
type block struct {
	kind  parking
	key   *key
	until time.Time // of parkedUntil, and of parkedKey where a token is what is missing
}
