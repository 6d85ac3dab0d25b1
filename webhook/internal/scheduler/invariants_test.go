package scheduler

import (
	"fmt"
	"time"
)

// Check compares every counter with one worked out anew, from the jobs that the caller knows to be
// here and to be offered, and looks for a lane that could go and that nothing would let go.
func (s *Scheduler) Check(now time.Time, live, offers []*Job) error {
	c := checker{s: s, now: now}
	c.jobs(live, offers)
	c.lanes()
	c.rings()
	c.waiters()
	c.progress()
	return c.err
}

type checker struct {
	s   *Scheduler
	now time.Time
	err error
}

func (c *checker) want(what string, got, want int) {
	if got != want && c.err == nil {
		c.err = fmt.Errorf("%s is %d, want %d", what, got, want)
	}
}

func (c *checker) must(ok bool, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

type tally struct{ inFlight, slow, waiting, offers, reserved, recent, timers, unproven int }

func (c *checker) jobs(live, offers []*Job) {
	s := c.s
	var all tally
	actives, size := 0, 0
	eps, scopes, keys := map[*endpoint]*tally{}, map[*scope]int{}, map[string][2]int{}
	of := func(ep *endpoint) *tally {
		if eps[ep] == nil {
			eps[ep] = &tally{}
		}
		return eps[ep]
	}
	count := func(j *Job, i int) {
		for n, m := range j.Limits {
			if !named(j.Limits[:n], m.Key) {
				k := keys[m.Key]
				k[i]++
				keys[m.Key] = k
			}
		}
	}
	for _, j := range live {
		t := of(j.lane.ep)
		size += j.Size
		switch j.phase {
		case waiting:
			t.waiting++
			all.waiting++
			continue
		case active:
			actives++
		case slow:
			t.slow++
			c.must(j.unproven, "slow job %s counts against no share", j.ID)
		default:
			c.must(false, "job %s is here in phase %d", j.ID, j.phase)
		}
		t.inFlight++
		all.inFlight++
		count(j, 0)
		if j.unproven {
			all.unproven++
			scopes[j.lane.ep.scope]++
		}
	}
	for _, j := range offers {
		t := of(j.lane.ep)
		if t.offers++; j.phase == offered {
			t.reserved++
			all.reserved++
			size += j.Size
			count(j, 1)
		}
	}
	for i := range s.starts.len() {
		of(s.starts.at(i).job.lane.ep).recent++
	}
	for _, t := range s.timers {
		if t.lane != nil {
			of(t.lane.ep).timers++
		}
	}
	c.want("active", s.active, actives)
	c.want("inFlight", s.inFlight, all.inFlight)
	c.want("waiting", s.waiting, all.waiting)
	c.want("reserved", s.reserved, all.reserved)
	c.want("recent", s.recent, s.starts.len())
	c.want("unproven", s.unproven, all.unproven)
	c.want("bytes", s.bytes, size)
	for _, ep := range s.endpoints {
		c.endpoint(ep, of(ep))
		delete(eps, ep)
	}
	for ep := range eps {
		c.must(false, "webhook %v was forgotten while something of it was here", ep.id)
	}
	for _, sc := range s.scopes {
		c.want("unproven of "+sc.name, sc.unproven, scopes[sc])
	}
	for name, k := range s.keys {
		c.want("in use of key "+name, k.inUse, keys[name][0])
		c.want("reserved of key "+name, k.reserved, keys[name][1])
		c.must(k.most == 0 || k.inUse <= k.most, "key %s: %d of %d in use", name, k.inUse, k.most)
	}
}

func (c *checker) endpoint(ep *endpoint, t *tally) {
	name := ep.id.webhook
	c.want("in flight of "+name, ep.inFlight, t.inFlight)
	c.want("slow of "+name, ep.slow, t.slow)
	c.want("waiting of "+name, ep.waiting, t.waiting)
	c.want("offers of "+name, ep.offers, t.offers)
	c.want("reserved of "+name, ep.reserved, t.reserved)
	c.want("recent of "+name, ep.recent, t.recent)
	c.want("timers of "+name, ep.timers, t.timers)
	c.must(ep.window >= 1 && ep.window <= c.s.c.PerLane, "window of %s is %d", name, ep.window)
	c.must(c.s.scopes[ep.id.scope] == ep.scope, "scope of %s is not the one that is known", name)
	held := 0
	for _, l := range ep.lanes {
		held += l.waiting.len()
		c.must(c.s.lanes[l.id] == l, "lane %v is not the one that is known", l.id)
	}
	c.want("jobs in the lanes of "+name, held, ep.waiting)
}

func (c *checker) lanes() {
	s, ready := c.s, 0
	claiming := map[Lane]bool{}
	for _, a := range s.claims.asked {
		c.must(!claiming[a.Lane], "lane %v is in a claim twice", a.Lane)
		claiming[a.Lane] = true
	}
	for _, l := range s.lanes {
		if l.on[toSend] {
			ready += l.waiting.len()
		}
		c.must(l.claiming == claiming[l.id], "lane %v: claiming is %v", l.id, l.claiming)
	}
	c.want("ready", s.ready, ready)
	for i := range s.overdue.len() {
		if w := *s.overdue.at(i); w.waits() {
			w.job.Value = c // marked as having a time at which it goes back
		}
	}
	for _, l := range s.lanes {
		for i := range l.waiting.len() {
			j := *l.waiting.at(i)
			c.must(j.Value == c, "job %s never goes back", j.ID)
			c.must(j.phase == waiting && j.lane == l, "job %s stands in lane %v in phase %d", j.ID, l.id, j.phase)
		}
	}
}

// rings checks that what says it has a place on a wheel has one, once.
func (c *checker) rings() {
	s := c.s
	for w := range wheels {
		on := 0
		for i := range s.wheel[w].len() {
			sc := *s.wheel[w].at(i)
			c.must(sc.turns[w].on && sc.turns[w].ring.len() > 0, "scope %s is on wheel %d without a turn", sc.name, w)
			for k := range sc.turns[w].ring.len() {
				ep := *sc.turns[w].ring.at(k)
				c.must(ep.turns[w].on && ep.turns[w].ring.len() > 0, "webhook %v is on wheel %d without a turn", ep.id, w)
				for m := range ep.turns[w].ring.len() {
					l := *ep.turns[w].ring.at(m)
					c.must(l.on[w] && s.lanes[l.id] == l, "lane %v is on wheel %d and does not know", l.id, w)
					on++
				}
			}
		}
		for _, l := range s.lanes {
			if l.on[w] {
				on--
			}
		}
		c.want(fmt.Sprintf("lanes on wheel %d beyond those that know", w), on, 0)
	}
}

// waiters checks that everything that is parked will be let go.
func (c *checker) waiters() {
	s := c.s
	batons := map[*key]bool{}
	share := false
	for _, l := range s.lanes {
		if l.wokenBy != notParked {
			c.must(l.on[toSend] || l.on[toClaim] || l.claiming, "lane %v keeps a wake-up to itself", l.id)
			batons[l.woken] = true
			share = share || l.wokenBy == parkedShare
		}
	}
	timed := map[any]time.Time{}
	for _, t := range s.timers {
		k := any(t.lane)
		if t.kind == timerKey {
			k = t.key
		}
		if t.kind != timerRetry && (timed[k].IsZero() || t.at.Before(timed[k])) {
			timed[k] = t.at
		}
		c.must(t.at.After(c.now) || t.kind == timerKey, "a timer is over since %v", c.now.Sub(t.at))
	}
	for _, k := range s.keys {
		if k.waiters.len() > 0 && !k.full() && !batons[k] {
			c.must(!timed[k].IsZero(), "lanes wait at key %s, which has room", k.name)
		}
	}
	for _, l := range s.lanes {
		switch l.parked {
		case parkedUntil:
			at, ok := timed[l]
			c.must(ok && !at.After(l.until), "lane %v is parked until %v, and no timer lets it go", l.id, l.until)
		case parkedShare:
			sc := l.ep.scope
			c.must(l.inShare && sc.place >= 0, "lane %v waits for a share that does not know", l.id)
			c.must(share || sc.unproven >= s.share() || s.blocked[0].unproven >= s.share(), "lane %v waits for a share with room: %d of %d", l.id, sc.unproven, s.share())
			c.must(l.ep.unproven(), "lane %v waits for a share and needs none", l.id)
		}
	}
}

// progress checks that what could go has gone, and that what waits for room of its webhook has a
// turn when there is room.
func (c *checker) progress() {
	s := c.s
	for _, l := range s.lanes {
		if l.parked != notParked || l.ep.rereading {
			continue
		}
		c.must(l.waiting.len() == 0 || l.on[toSend] || l.ep.inFlight >= l.ep.window, "lane %v has a job, room, and no turn", l.id)
		if !l.more || l.claiming || l.on[toClaim] {
			continue
		}
		here := l.ep.waiting + l.ep.reserved
		room := l.ep.window - l.ep.inFlight - here
		if l.ep.rate.every > 0 && here > 0 {
			continue // a job that is here looks again when it leaves
		}
		c.must(room <= 0, "lane %v has more in the Store, room for %d, and no turn to claim", l.id, room)
	}
	if !s.canSend() {
		c.want("waiting while nothing is sent", s.waiting, 0)
		return
	}
	unwritten := s.outcomes.count >= maxUnwritten*s.c.Capacity
	if s.active < s.c.Capacity && s.inFlight+s.tests < s.c.MaxInFlight && !unwritten && !(s.waiting > 0 && s.healthStale()) {
		c.want("scopes on the wheel while slots are free", s.wheel[toSend].len(), 0)
	}
	k := &s.claims
	if !k.underWay && !k.after.After(c.now) && !s.outcomes.recovering() && !unwritten && s.budget() > 0 {
		c.must(!k.repeat && s.wheel[toClaim].len() == 0, "a claim could be made")
	}
	if at := s.Wake(); !at.IsZero() {
		c.must(at.After(c.now.Add(-time.Hour)), "Wake is %v ago", c.now.Sub(at))
	}
	if s.waiting > 0 && s.healthStale() {
		c.must(s.readingHealth, "health is stale, jobs wait, and nothing reads it")
	}
}
