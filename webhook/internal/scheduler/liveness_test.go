package scheduler

import "time"

// rings checks that each lane, endpoint and scope that is marked as on a wheel is there exactly once.
func (c *Checker) rings() {
	s := c.s
	for w := range wheels {
		on := 0
		for i := range s.wheel[w].len() {
			sc := s.wheel[w].at(i)
			if sc.turns[w].len() == 0 {
				c.fail("scope %s is on wheel %d without a turn", sc.name, w)
			}
			for k := range sc.turns[w].len() {
				ep := sc.turns[w].at(k)
				if ep.turns[w].len() == 0 {
					c.fail("webhook %v is on wheel %d without a turn", ep.id, w)
				}
				for m := range ep.turns[w].len() {
					l := ep.turns[w].at(m)
					if !l.on[w] || s.lanes[l.id] != l {
						c.fail("lane %v is on wheel %d and does not know", l.id, w)
					}
					on++
				}
			}
		}
		for _, l := range s.lanes {
			if l.on[w] {
				on--
			}
		}
		if on != 0 {
			c.fail("%d lanes on wheel %d do not know", on, w)
		}
	}
}

// waiters checks that every parked lane will be unparked.
func (c *Checker) waiters() {
	s := c.s
	clear(c.batons)
	share := false
	for _, l := range s.lanes {
		if l.wokenBy != notParked {
			if !l.on[toSend] && !l.on[toClaim] && !l.claiming {
				c.fail("lane %v keeps a wake-up to itself", l.id)
			}
			c.batons[l.woken] = true
			share = share || l.wokenBy == parkedShare
		}
	}
	clear(c.timed)
	for _, t := range s.timers {
		k := any(t.lane)
		if t.kind == timerKey {
			k = t.key
		}
		if t.kind != timerRetry && (c.timed[k].IsZero() || t.at.Before(c.timed[k])) {
			c.timed[k] = t.at
		}
		if !t.at.After(c.now) && t.kind != timerKey {
			c.fail("a timer is over since %v", c.now.Sub(t.at))
		}
	}
	for name, k := range s.keys {
		if k.waiters.len() > 0 && !k.full() && !c.batons[k] {
			if c.timed[k].IsZero() {
				c.fail("lanes wait at key %s, which has room", name)
			}
		}
	}
	for _, l := range s.lanes {
		switch l.parked {
		case parkedUntil:
			at, ok := c.timed[l]
			if !ok || at.After(l.until) {
				c.fail("lane %v is parked until %v, and no timer lets it go", l.id, l.until)
			}
		case parkedShare:
			sc := l.ep.scope
			if !l.inShare || sc.place < 0 {
				c.fail("lane %v waits for a share that does not know", l.id)
			}
			if !share && s.mayStartUnproven(sc) && s.mayStartUnproven(s.blocked[0]) {
				c.fail("lane %v waits for a share with room: %d of %d", l.id, sc.unproven, s.share())
			}
			if !l.ep.unproven() {
				c.fail("lane %v waits for a share and needs none", l.id)
			}
		}
	}
}

// progress checks that every job that could start has started, and that a lane with room of its
// webhook has a turn.
func (c *Checker) progress() {
	s := c.s
	for _, l := range s.lanes {
		if l.parked != notParked || l.ep.rereading {
			continue
		}
		if l.waiting.len() > 0 && !l.on[toSend] && l.ep.inFlight < l.ep.window {
			c.fail("lane %v has a job, room, and no turn", l.id)
		}
		if !l.more || l.claiming || l.on[toClaim] {
			continue
		}
		here := l.ep.waiting + l.ep.reserved
		room := l.ep.window - l.ep.inFlight - here
		if l.ep.rate.every > 0 && here > 0 {
			continue // the end of a job offers the lane again
		}
		if room > 0 {
			c.fail("lane %v has more in the Store, room for %d, and no turn to claim", l.id, room)
		}
	}
	if !s.canSend() {
		c.want("waiting while nothing is sent", "", s.waiting, 0)
		return
	}
	unwritten := s.outcomes.count >= maxUnwritten*s.c.Capacity
	if s.active < s.c.Capacity && s.inFlight+s.tests < s.c.MaxInFlight && !unwritten && !(s.waiting > 0 && s.healthStale()) {
		c.want("scopes on the wheel while slots are free", "", s.wheel[toSend].len(), 0)
	}
	k := &s.claims
	if !k.underWay && !k.after.After(c.now) && !s.outcomes.recovering() && !unwritten && s.budget() > 0 {
		if k.repeat || s.wheel[toClaim].len() > 0 {
			c.fail("a claim could be made")
		}
	}
	if at := s.Wake(); !at.IsZero() {
		if !(at.After(c.now.Add(-time.Hour))) {
			c.fail("Wake is %v ago", c.now.Sub(at))
		}
	}
	if s.waiting > 0 && s.healthStale() {
		if !s.readingHealth {
			c.fail("health is stale, jobs wait, and nothing reads it")
		}
	}
}
