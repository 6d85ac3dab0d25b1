package scheduler

import (
	"fmt"
	"time"
)

// Checker compares every counter of a Scheduler with a recount of the caller's live and offered
// jobs, and searches for lanes that could go but that no event will wake. It is reused from check to
// check because of its maps.
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

func (c *Checker) tallyOf(ep *endpoint) *tally {
	t := c.eps[ep]
	if t == nil {
		t = &tally{}
		c.eps[ep] = t
	}
	return t
}

// unknown reports whether a tally has counts for a webhook that the Scheduler does not remember.
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
			if !hasKey(j.Limits[:n], m.Key) {
				k := c.keys[m.Key]
				k[i]++
				c.keys[m.Key] = k
			}
		}
	}
	for _, j := range live {
		t := c.tallyOf(j.lane.ep)
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
		t := c.tallyOf(j.lane.ep)
		if t.offers++; j.phase == offered {
			t.reserved++
			all.reserved++
			size += j.Size
			count(j, 1)
		}
	}
	for i := range s.paces.len() {
		c.tallyOf(s.paces.at(i).ep).recent++
	}
	for _, t := range s.timers {
		if t.lane != nil {
			c.tallyOf(t.lane.ep).timers++
		}
	}
	c.want("active", "", s.active, actives)
	c.want("inFlight", "", s.inFlight, all.inFlight)
	c.want("waiting", "", s.waiting, all.waiting)
	c.want("reserved", "", s.reserved, all.reserved)
	c.want("unproven", "", s.unproven, all.unproven)
	c.want("bytes", "", s.bytes, size)
	known := 0
	for _, ep := range s.endpoints {
		c.endpoint(ep, c.tallyOf(ep))
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
		if w := s.overdue.at(i); w.waits() {
			w.job.Value = c.mark // marks a job that has a time for its release
		}
	}
	for _, l := range s.lanes {
		for i := range l.waiting.len() {
			j := l.waiting.at(i)
			if j.Value != any(c.mark) {
				c.fail("job %s never goes back", j.ID)
			}
			if j.phase != waiting || j.lane != l {
				c.fail("job %s stands in lane %v in phase %d", j.ID, l.id, j.phase)
			}
		}
	}
}
