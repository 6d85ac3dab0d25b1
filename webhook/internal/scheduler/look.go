package scheduler

import "time"

// looks is the state of looking: asking the Store which lanes have something due.
type looks struct {
	known            bool // a look at everything has been completed since Run began
	full             bool // the next one is to be at everything
	since            bool // one is wanted at what is new
	foreign          bool // because of another host
	underWay         bool
	isFull           bool // the one that is under way, or the latest
	brought          bool
	cursor           string
	began            time.Time // of the one under way, or the latest
	latest           time.Time // when the latest complete one began
	latestFull, next time.Time
	nextFound        time.Time // by the pages so far
	took             time.Duration
	after            time.Time // not before, because the Store failed
	wait             time.Duration
}

const (
	lookOverlap   = 2 * time.Second // commits that are this late are found by a look with Since
	lookEvery     = 100 * time.Millisecond
	fullLookEvery = 5 * time.Second
	fullLookShare = 20 // times what the latest one took
)

// due is when the next look is wanted.
func (k *looks) due(s *Scheduler) time.Time {
	var at time.Time
	switch {
	case k.full || k.since:
		at = k.began.Add(lookEvery)
	default:
		at = k.latest.Add(s.c.Poll)
		if !k.next.IsZero() && k.next.Before(at) {
			at = k.next
		}
		if full := k.fullDue(s); full.Before(at) {
			at = full
		}
		if soon := k.began.Add(lookEvery); at.Before(soon) {
			at = soon
		}
	}
	if k.after.After(at) {
		return k.after
	}
	return at
}

// fullDue is when everything is looked at again: commits can be later than the overlap.
func (k *looks) fullDue(s *Scheduler) time.Time {
	every := s.c.Lease
	if !s.c.Notifier {
		every = min(every, max(fullLookEvery, fullLookShare*k.took))
	}
	return k.latestFull.Add(every)
}

func (k *looks) wake(s *Scheduler) time.Time {
	if k.underWay {
		return time.Time{}
	}
	if at := k.due(s); at.After(s.now) {
		return at
	}
	return s.now
}

// lookAround asks for a look when one is due.
func (s *Scheduler) lookAround() {
	k := &s.looks
	if !s.canSend() {
		return
	}
	if k.underWay || k.due(s).After(s.now) {
		return
	}
	k.isFull = k.full || k.latestFull.IsZero() || !k.fullDue(s).After(s.now)
	k.full, k.since = false, false
	k.underWay, k.brought, k.cursor, k.began = true, false, "", s.now
	k.nextFound = time.Time{}
	if k.isFull {
		k.took = 0
	}
	s.look()
}

func (s *Scheduler) look() {
	k := &s.looks
	var since time.Time
	if !k.isFull {
		since = s.Store(k.latest).Add(-lookOverlap)
	}
	s.do(Look{Since: since, Cursor: k.cursor})
}

func (s *Scheduler) listed(e Listed) {
	k := &s.looks
	k.underWay = false
	for _, id := range e.Lanes {
		s.mayHaveMore(s.laneOf(id))
	}
	k.brought = k.brought || len(e.Lanes) > 0
	if len(e.Lanes) > 0 || !e.Next.IsZero() {
		s.working()
	}
	if e.Failed {
		k.wait = min(max(2*k.wait, leastRetry), mostRetry)
		k.after = s.now.Add(k.wait)
		s.storeFailed()
		return
	}
	k.wait, k.after = 0, time.Time{}
	if k.isFull {
		k.took += e.Took
	}
	if !e.Next.IsZero() {
		k.nextFound = sooner(k.nextFound, s.dueHere(e.Next))
	}
	switch {
	case e.Cursor == "":
		s.lookComplete()
	case s.canSend():
		k.underWay, k.cursor = true, e.Cursor
		s.look()
	default:
		k.full = true // the rest of it was not seen
	}
}

// lookComplete follows the last page.
func (s *Scheduler) lookComplete() {
	k := &s.looks
	k.latest, k.next = k.began, k.nextFound
	if k.isFull {
		k.known, k.latestFull = true, k.began
	} else if k.foreign && !k.brought {
		k.full = true // what the other host told of was committed late
	}
	k.foreign = k.foreign && k.since
}

// found takes the answer to a look at one webhook.
func (s *Scheduler) found(e Found) {
	for _, id := range e.Lanes {
		s.mayHaveMore(s.laneOf(id))
	}
	if e.Failed {
		s.storeFailed()
	}
}

// wokenUp follows a wake-up by the host or by another process.
func (s *Scheduler) wokenUp(foreign bool) {
	s.looks.since = true
	s.looks.foreign = s.looks.foreign || foreign
	if len(s.expected) > 0 {
		s.claimExpected()
	}
}

// storeFailed: after an error everything is looked at again.
func (s *Scheduler) storeFailed() {
	s.looks.full = true
	s.sweeps.due = s.now
}

// sweeps is the state of sweeping.
type sweeps struct {
	underWay bool
	again    bool
	rests    bool // nothing pending is known, so the next one may be late
	due      time.Time
}

// sweepRest is how far apart sweeps are while nothing pending is known.
const sweepRest = time.Hour

// working ends the rest of sweeps: something is pending.
func (s *Scheduler) working() {
	if w := &s.sweeps; w.rests {
		w.rests = false
		w.due = sooner(w.due, s.now.Add(s.c.Lease))
	}
}

func (w *sweeps) wake(s *Scheduler) time.Time {
	if !s.c.Sweeper || w.underWay {
		return time.Time{}
	}
	return w.due
}

func (s *Scheduler) sweepUp() {
	w := &s.sweeps
	if !s.c.Sweeper || w.underWay || !s.canSend() || w.due.After(s.now) {
		return
	}
	w.underWay, w.again = true, false
	s.do(Sweep{})
}

func (s *Scheduler) swept(e Swept) {
	w := &s.sweeps
	w.underWay = false
	switch {
	case e.Failed:
		w.due = s.now.Add(mostRetry)
	case e.More || w.again:
		w.due = s.now
	case s.pending():
		w.due = s.now.Add(s.c.Lease)
	default:
		w.rests = true
		w.due = s.now.Add(sweepRest)
	}
}

// pending reports whether the Store has, or may have, something pending.
func (s *Scheduler) pending() bool {
	return s.waiting+s.inFlight+s.outcomes.count+len(s.timers) > 0 || !s.looks.next.IsZero() || s.looks.brought || len(s.expected) > 0
}
