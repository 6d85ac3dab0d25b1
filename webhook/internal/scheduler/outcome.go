package scheduler

import "time"

// outcomes is the state of storing outcomes. During a write the next outcomes are gathered; a
// single outcome does not wait.
type outcomes struct {
	backOff
	count    int  // outcomes that are not stored, with those of the current write
	backlog  int  // the oldest of these, which a failure has delayed
	away     bool // the failure was an outage
	unsure   bool // several gathered outcomes may be of one delivery
	dropped  bool // the current write is not repeated: see abandon
	gathered queue[*Job]
	underWay bool
	began    time.Time // of the latest write
	doubtful []*Job    // jobs that perhaps were stored, to release again
	doubtAt  time.Time // time of the next release of these
}

const (
	maxGroup   = 500
	gatherFor  = 20 * time.Millisecond // interval of writes, unless many outcomes wait
	writeAt    = 2                     // times Capacity: this many outcomes do not wait
	doubtEvery = time.Second
	// maxDoubtful bounds the leases that are released repeatedly; other leases end by themselves.
	maxDoubtful = 1000
)

func (o *outcomes) failing() bool { return o.failures > 0 }

// recovering reports whether outcomes that an outage delayed are not stored yet. Their leases may
// have ended, so a claim would return the same deliveries again.
func (o *outcomes) recovering() bool { return o.away && o.backlog > 0 }

// freeBody subtracts a job's body from the bytes in memory.
func (s *Scheduler) freeBody(j *Job) {
	s.bytes -= j.Size
	j.Size = 0
}

// settle adds a job's outcome to those to store.
func (s *Scheduler) settle(j *Job, o Outcome) {
	if !j.Result.KeepsBody {
		s.freeBody(j)
	}
	j.phase, j.Outcome = answered, o
	s.outcomes.count++
	s.outcomes.gathered.push(j)
}

// due returns the earliest time of the next write, zero without outcomes.
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
	if len(o.doubtful) > 0 {
		at = sooner(at, o.doubtAt)
	}
	return at
}

// write begins a write of the gathered outcomes when it is due.
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

// group takes at most maxGroup outcomes, at most one of each delivery, because a Store names lost
// settlements by the delivery's ID. A delivery has two outcomes only after its lease has ended, or
// after an Enqueue with unknown result.
func (s *Scheduler) group() []*Job {
	o := &s.outcomes
	n := min(o.gathered.len(), maxGroup)
	group := make([]*Job, 0, n)
	twice, soon := o.unsure || o.backlog > 0, s.storeNow().Add(s.uncertain)
	for i := 0; i < n && !twice; i++ {
		twice = !o.gathered.at(i).Until.After(soon)
	}
	var seen map[string]bool
	if twice {
		seen = make(map[string]bool, n)
	}
	for range n {
		j := o.gathered.at(0)
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

// dropEnded drops outcomes whose lease has ended while the Store fails, because another process may
// have the delivery. A success is kept, because the Store accepts it also from an older lease.
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
		s.drop(j)
		return true
	})
	o.backlog = min(o.backlog, o.gathered.len())
	if o.gathered.len() == 0 {
		o.backOff, o.away = backOff{}, false
	}
}

func (s *Scheduler) settled(e Settled) {
	o := &s.outcomes
	dropped := o.dropped
	o.underWay, o.dropped = false, false
	if e.Failed && dropped {
		for _, j := range e.Jobs {
			s.drop(j)
		}
		return
	}
	if e.Failed {
		o.fail(s, o.began)
		s.storeFailed()
		rest := o.gathered
		o.gathered = queue[*Job]{}
		for _, j := range e.Jobs { // the oldest outcomes first
			o.gathered.push(j)
		}
		for rest.len() > 0 {
			o.gathered.push(rest.pop())
		}
		o.backlog, o.away = o.gathered.len(), o.away || o.outage()
		return
	}
	o.succeed(s)
	o.count -= len(e.Jobs)
	o.backlog = max(0, o.backlog-len(e.Jobs))
	o.away = o.away && o.backlog > 0
	for _, j := range e.Jobs {
		s.freeBody(j)
		s.stored(j, e.Lost[j.ID])
	}
}

// stored processes an outcome that the Store has answered.
func (s *Scheduler) stored(j *Job, lost bool) {
	switch {
	case j.unknown && lost && j.Until.After(s.storeNow()):
		o := &s.outcomes // the delivery may still be committed
		if len(o.doubtful) == 0 {
			o.doubtAt = s.now.Add(min(s.c.Poll, doubtEvery))
		}
		if len(o.doubtful) < maxDoubtful {
			o.doubtful = append(o.doubtful, j)
		}
	case lost, j.Outcome == Cancelled && !j.Keyed:
	case j.Outcome == GivenBack:
		s.becomesDue(s.laneOf(j.Lane), j.Due) // looks the lane up again, because it may have been dropped meanwhile
	case !j.Result.Retry.IsZero():
		if at := s.dueHere(j.Result.Retry); !at.After(s.now) {
			s.mayHaveMore(s.laneOf(j.Lane))
		} else if len(s.timers) < maxRetries {
			s.after(at, s.laneOf(j.Lane), timerRetry)
		}
	case j.Keyed: // the delivery has ended, so the next one of its key is claimed at once
		for _, l := range s.laneOf(j.Lane).ep.lanes {
			s.mayHaveMore(l)
		}
		s.looks.since = s.looks.since || s.classes // it may be in a lane that is not remembered
	}
}

// abandon drops the outcomes that are not stored when Run must return, and those of the current
// write if it fails.
func (s *Scheduler) abandon() {
	o := &s.outcomes
	for o.gathered.len() > 0 {
		s.drop(o.gathered.pop())
	}
	o.doubtful, o.dropped, o.backOff, o.backlog = nil, o.underWay, backOff{}, 0
}

// drop gives up an outcome.
func (s *Scheduler) drop(j *Job) {
	s.freeBody(j)
	s.outcomes.count--
	if j.Outcome == Written {
		s.do(Dropped{j})
	}
}
