package scheduler

import (
	"fmt"
	"time"
)

// Checker compares every counter of a Scheduler with one worked out anew, from the jobs that the
// caller knows to be here and to be offered, and looks for a lane that could go and that
// nothing would let go. It is kept from check to check for its maps.
type Checker struct {
	s        *Scheduler
	now      time.Time
	err      error
	mark     *int
	eps      map[*endpoint]*tally
	scopes   map[*scope]int
	keys     map[string][2]int
	claiming map[Lane]bool
	batons   map[*key]bool
	timed    map[any]time.Time
}

// NewChecker returns one.
func NewChecker() *Checker {
	return &Checker{
		eps: map[*endpoint]*tally{}, scopes: map[*scope]int{}, keys: map[string][2]int{}, claiming: map[Lane]bool{},
		batons: map[*key]bool{}, timed: map[any]time.Time{},
	}
}

// Check checks after a step at now.
func (c *Checker) Check(s *Scheduler, now time.Time, live, offers []*Job) error {
	c.s, c.now, c.err, c.mark = s, now, nil, new(int)
	c.jobs(live, offers)
	c.lanes()
	c.rings()
	c.waiters()
	c.progress()
	return c.err
}

func (c *Checker) reset() {
	for _, t := range c.eps {
		*t = tally{}
	}
	clear(c.scopes)
	clear(c.keys)
}

func (c *Checker) of(ep *endpoint) *tally {
	t := c.eps[ep]
	if t == nil {
		t = &tally{}
		c.eps[ep] = t
	}
	return t
}

// unknown reports whether something is counted for a webhook that is not remembered.
func (c *Checker) unknown(s *Scheduler) bool {
	for ep, t := range c.eps {
		if *t != (tally{}) && s.endpoints[ep.id] != ep {
			return true
		}
	}
	return false
}

func (c *Checker) want(what, name string, got, want int) {
	if got != want {
		c.fail("%s %s is %d, want %d", what, name, got, want)
	}
}

func (c *Checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

type tally struct{ inFlight, slow, waiting, offers, reserved, recent, timers, unproven int }

func (c *Checker) jobs(live, offers []*Job) {
	s := c.s
	var all tally
	actives, size := 0, 0
	c.reset()
	count := func(j *Job, i int) {
		for n, m := range j.Limits {
			if !named(j.Limits[:n], m.Key) {
				k := c.keys[m.Key]
				k[i]++
				c.keys[m.Key] = k
			}
		}
	}
	for _, j := range live {
		t := c.of(j.lane.ep)
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
			if !j.unproven {
				c.fail("slow job %s counts against no share", j.ID)
			}
		default:
			c.fail("job %s is here in phase %d", j.ID, j.phase)
		}
		t.inFlight++
		all.inFlight++
		count(j, 0)
		if j.unproven {
			all.unproven++
			c.scopes[j.lane.ep.scope]++
		}
	}
	for _, j := range offers {
		t := c.of(j.lane.ep)
		if t.offers++; j.phase == offered {
			t.reserved++
			all.reserved++
			size += j.Size
			count(j, 1)
		}
	}
	for i := range s.starts.len() {
		c.of(s.starts.at(i).job.lane.ep).recent++
	}
	for _, t := range s.timers {
		if t.lane != nil {
			c.of(t.lane.ep).timers++
		}
	}
	c.want("active", "", s.active, actives)
	c.want("inFlight", "", s.inFlight, all.inFlight)
	c.want("waiting", "", s.waiting, all.waiting)
	c.want("reserved", "", s.reserved, all.reserved)
	c.want("recent", "", s.recent, s.starts.len())
	c.want("unproven", "", s.unproven, all.unproven)
	c.want("bytes", "", s.bytes, size)
	known := 0
	for _, ep := range s.endpoints {
		c.endpoint(ep, c.of(ep))
		known++
	}
	if known != len(s.endpoints) || c.unknown(s) {
		c.fail("a webhook was forgotten while something of it was here")
	}
	for _, sc := range s.scopes {
		c.want("unproven of", sc.name, sc.unproven, c.scopes[sc])
	}
	for name, k := range s.keys {
		c.want("in use of key", name, k.inUse, c.keys[name][0])
		c.want("reserved of key", name, k.reserved, c.keys[name][1])
		if k.most > 0 && k.inUse > k.most {
			c.fail("key %s: %d of %d in use", name, k.inUse, k.most)
		}
	}
}

func (c *Checker) endpoint(ep *endpoint, t *tally) {
	name := ep.id.webhook
	c.want("in flight of", name, ep.inFlight, t.inFlight)
	c.want("slow of", name, ep.slow, t.slow)
	c.want("waiting of", name, ep.waiting, t.waiting)
	c.want("offers of", name, ep.offers, t.offers)
	c.want("reserved of", name, ep.reserved, t.reserved)
	c.want("recent of", name, ep.recent, t.recent)
	c.want("timers of", name, ep.timers, t.timers)
	if ep.window < 1 || ep.window > c.s.c.PerLane {
		c.fail("window of %s is %d", name, ep.window)
	}
	if c.s.scopes[ep.id.scope] != ep.scope {
		c.fail("scope of %s is not the one that is known", name)
	}
	held := 0
	for _, l := range ep.lanes {
		held += l.waiting.len()
		if c.s.lanes[l.id] != l {
			c.fail("lane %v is not the one that is known", l.id)
		}
	}
	c.want("jobs in the lanes of", name, held, ep.waiting)
}

func (c *Checker) lanes() {
	s, ready := c.s, 0
	clear(c.claiming)
	for _, a := range s.claims.asked {
		if c.claiming[a.Lane] {
			c.fail("lane %v is in a claim twice", a.Lane)
		}
		c.claiming[a.Lane] = true
	}
	for _, l := range s.lanes {
		if l.on[toSend] {
			ready += l.waiting.len()
		}
		if l.claiming != c.claiming[l.id] {
			c.fail("lane %v: claiming is %v", l.id, l.claiming)
		}
	}
	c.want("ready", "", s.ready, ready)
	for i := range s.overdue.len() {
		if w := *s.overdue.at(i); w.waits() {
			w.job.Value = c.mark // marked as having a time at which it goes back
		}
	}
	for _, l := range s.lanes {
		for i := range l.waiting.len() {
			j := *l.waiting.at(i)
			if j.Value != any(c.mark) {
				c.fail("job %s never goes back", j.ID)
			}
			if j.phase != waiting || j.lane != l {
				c.fail("job %s stands in lane %v in phase %d", j.ID, l.id, j.phase)
			}
		}
	}
}

// rings checks that what says it has a place on a wheel has one, once.
func (c *Checker) rings() {
	s := c.s
	for w := range wheels {
		on := 0
		for i := range s.wheel[w].len() {
			sc := *s.wheel[w].at(i)
			if !sc.turns[w].on || sc.turns[w].ring.len() == 0 {
				c.fail("scope %s is on wheel %d without a turn", sc.name, w)
			}
			for k := range sc.turns[w].ring.len() {
				ep := *sc.turns[w].ring.at(k)
				if !ep.turns[w].on || ep.turns[w].ring.len() == 0 {
					c.fail("webhook %v is on wheel %d without a turn", ep.id, w)
				}
				for m := range ep.turns[w].ring.len() {
					l := *ep.turns[w].ring.at(m)
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

// waiters checks that everything that is parked will be let go.
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
	for _, k := range s.keys {
		if k.waiters.len() > 0 && !k.full() && !c.batons[k] {
			if c.timed[k].IsZero() {
				c.fail("lanes wait at key %s, which has room", k.name)
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
			if !share && sc.unproven < s.share() && s.blocked[0].unproven < s.share() {
				c.fail("lane %v waits for a share with room: %d of %d", l.id, sc.unproven, s.share())
			}
			if !l.ep.unproven() {
				c.fail("lane %v waits for a share and needs none", l.id)
			}
		}
	}
}

// progress checks that what could go has gone, and that what waits for room of its webhook has a
// turn when there is room.
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
			continue // a job that is here looks again when it leaves
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
