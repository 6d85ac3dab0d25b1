package scheduler

import "time"

// outcomes is the state of storing outcomes. While a write is on its way the next group
// gathers; a lone outcome does not wait.
type outcomes struct {
	count    int  // not stored, those of the write under way included
	backlog  int  // how many of them, the oldest, an outage has held up
	unsure   bool // some that are gathered may be of one delivery
	dropped  bool // the write under way is not made again: see abandon
	gathered queue[*Job]
	underWay bool
	began    time.Time // the latest write
	after    time.Time // not before, because the Store failed
	wait     time.Duration
	doubtful []*Job    // give back what may have been stored
	doubtAt  time.Time // when that is tried again
}

const (
	maxGroup     = 500
	gatherFor    = 20 * time.Millisecond // writes begin so far apart, unless many outcomes wait
	writeAt      = 2                     // times Capacity: so many outcomes do not wait
	leastRewrite = 50 * time.Millisecond
	// maxDoubtful bounds the leases that are given back again and again; others end by themselves.
	maxDoubtful = 1000
)

func (o *outcomes) failing() bool { return o.wait > 0 }

// recovering reports whether outcomes that an outage held up are not stored yet. Their leases may
// have ended, so a claim would bring the same deliveries again.
func (o *outcomes) recovering() bool { return o.failing() || o.backlog > 0 }

// shed notes that a job's body is not in memory any more.
func (s *Scheduler) shed(j *Job) {
	s.bytes -= j.Size
	j.Size = 0
}

// settle takes a job's outcome.
func (s *Scheduler) settle(j *Job, o Outcome) {
	j.phase, j.Outcome = answered, o
	s.outcomes.count++
	s.outcomes.gathered.push(j)
}

// due is when the next write may begin.
func (o *outcomes) due(s *Scheduler) time.Time {
	switch {
	case o.underWay || o.gathered.len() == 0:
		return time.Time{}
	case o.failing():
		return o.after
	case o.gathered.len() >= min(writeAt*s.c.Capacity, maxGroup) || s.stopping || !s.running:
		return s.now
	}
	return later(s.now, o.began.Add(gatherFor))
}

func (o *outcomes) wake(s *Scheduler) time.Time {
	at := o.due(s)
	if len(o.doubtful) > 0 && (at.IsZero() || o.doubtAt.Before(at)) {
		return o.doubtAt
	}
	return at
}

// write stores what has gathered, when it is time.
func (s *Scheduler) write() {
	o := &s.outcomes
	if len(o.doubtful) > 0 && !o.doubtAt.After(s.now) {
		for _, j := range o.doubtful {
			s.settle(j, GivenBack)
		}
		o.doubtful, o.unsure = nil, true
	}
	if at := o.due(s); at.IsZero() || at.After(s.now) {
		return
	}
	group := s.group()
	o.underWay, o.began = true, s.now
	s.do(Settle{group})
}

// group takes at most maxGroup outcomes, none of them twice for a delivery: a Store names what was
// lost by the delivery's ID. A delivery comes here twice only after its lease has ended, or where
// it is not known whether it was stored.
func (s *Scheduler) group() []*Job {
	o := &s.outcomes
	n := min(o.gathered.len(), maxGroup)
	group := make([]*Job, 0, n)
	twice, soon := o.unsure || o.recovering(), s.storeNow().Add(s.uncertain)
	for i := 0; i < n && !twice; i++ {
		twice = !(*o.gathered.at(i)).Until.After(soon)
	}
	var seen map[string]bool
	if twice {
		seen = make(map[string]bool, n)
	}
	for range n {
		j := *o.gathered.at(0)
		if seen != nil {
			if seen[j.ID] {
				break
			}
			seen[j.ID] = true
		}
		group = append(group, o.gathered.pop())
	}
	o.unsure = o.unsure && o.gathered.len() > 0
	return group
}

// dropEnded gives up on outcomes whose lease is over while the Store fails: another process
// has the delivery by now. A success is kept, because the Store takes it from anybody.
func (s *Scheduler) dropEnded() {
	o := &s.outcomes
	if at := o.due(s); !o.failing() || at.IsZero() || at.After(s.now) {
		return
	}
	now := s.storeNow()
	o.gathered.drop(func(j *Job) bool {
		if j.Until.After(now) || j.Outcome == Written && j.Result.Delivered {
			return false
		}
		s.drop([]*Job{j})
		return true
	})
	o.backlog = min(o.backlog, o.gathered.len())
	if o.gathered.len() == 0 {
		o.wait = 0
	}
}

func (s *Scheduler) settled(e Settled) {
	o := &s.outcomes
	o.underWay = false
	if e.Failed && o.dropped {
		o.dropped = false
		s.drop(e.Jobs)
		return
	}
	o.dropped = false
	if e.Failed {
		o.wait = min(max(2*o.wait, leastRewrite), mostRetry)
		o.after = s.now.Add(o.wait)
		s.storeFailed()
		rest := o.gathered
		o.gathered = queue[*Job]{}
		for _, j := range e.Jobs { // oldest first, again
			o.gathered.push(j)
		}
		for rest.len() > 0 {
			o.gathered.push(rest.pop())
		}
		o.backlog = o.gathered.len()
		return
	}
	o.wait, o.after = 0, time.Time{}
	o.count -= len(e.Jobs)
	o.backlog = max(0, o.backlog-len(e.Jobs))
	for _, j := range e.Jobs {
		s.shed(j)
		s.stored(j, e.Lost[j.ID])
	}
}

// stored follows up on an outcome that the Store has.
func (s *Scheduler) stored(j *Job, lost bool) {
	switch {
	case j.unknown && lost && j.Until.After(s.storeNow()):
		o := &s.outcomes // its commit may still be on the way
		if len(o.doubtful) == 0 {
			o.doubtAt = s.now.Add(s.c.Poll)
		}
		if len(o.doubtful) < maxDoubtful {
			o.doubtful = append(o.doubtful, j)
		}
	case lost, j.Outcome == Cancelled && !j.Keyed:
	case j.Outcome == GivenBack:
		s.becomesDue(s.laneOf(j.Lane), j.Due) // the lane may have been forgotten meanwhile
	case !j.Result.Retry.IsZero():
		if at := s.dueHere(j.Result.Retry); !at.After(s.now) {
			s.mayHaveMore(s.laneOf(j.Lane))
		} else if len(s.timers) < maxRetries {
			s.after(at, s.laneOf(j.Lane), timerRetry)
		}
	case j.Keyed: // it has ended, so the next of its key is claimed at once
		for _, l := range s.laneOf(j.Lane).ep.lanes {
			s.mayHaveMore(l)
		}
	}
}

// abandon drops what could not be stored before Run has to return, and the write under way
// should it fail.
func (s *Scheduler) abandon() {
	o := &s.outcomes
	for o.gathered.len() > 0 {
		s.drop([]*Job{o.gathered.pop()})
	}
	o.doubtful, o.dropped, o.wait, o.backlog = nil, o.underWay, 0, 0
}

func (s *Scheduler) drop(jobs []*Job) {
	for _, j := range jobs {
		s.shed(j)
		if s.outcomes.count--; j.Outcome == Written {
			s.do(Dropped{j})
		}
	}
}
