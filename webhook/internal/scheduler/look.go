package scheduler

import "time"

// looks is the state of looks: queries of the Store for lanes with due deliveries.
type looks struct {
	backOff
	known            bool // a full look has been completed since Run began
	full             bool // the next look must be a full one
	since            bool // a look for new deliveries is wanted
	foreign          bool // another host has caused the wanted look
	underWay         bool
	isFull           bool // of the current or the latest look
	brought          bool
	cursor           string
	began            time.Time // of the current or the latest look
	latest           time.Time // begin of the latest complete look
	latestFull, next time.Time
	nextFound        time.Time // of the pages so far
	took             time.Duration
}

const (
	lookOverlap   = 2 * time.Second // a look with Since finds commits that are up to this late
	lookEvery     = 100 * time.Millisecond
	fullLookEvery = 5 * time.Second
	fullLookShare = 20 // times the duration of the latest full look
)

// due returns the time of the next look.
func (k *looks) due(s *Scheduler) time.Time {
	at := later(k.began.Add(lookEvery), k.after)
	if k.full || k.since {
		return at
	}
	poll := sooner(k.latest.Add(s.c.Poll), k.fullDue(s))
	return later(at, sooner(poll, k.next))
}

// fullDue returns the time of the next full look, which finds commits later than the overlap.
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
	return later(s.now, k.due(s))
}

// startLook begins a look when one is due.
func (s *Scheduler) startLook() {
	k := &s.looks
	if !s.canSend() || k.underWay || k.due(s).After(s.now) {
		return
	}
	k.isFull = k.full || k.latestFull.IsZero() || !k.fullDue(s).After(s.now)
	k.full, k.since = false, false
	k.underWay, k.brought, k.cursor, k.began, k.nextFound = true, false, "", s.now, time.Time{}
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
	s.haveMore(e.Lanes)
	k.brought = k.brought || len(e.Lanes) > 0
	if len(e.Lanes) > 0 || !e.Next.IsZero() {
		s.endIdle()
	}
	if e.Failed {
		k.fail(s, k.began)
		s.storeFailed()
		return
	}
	k.succeed(s)
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
		k.full = true // the other pages were not read
	}
}

// lookComplete processes the end of the last page.
func (s *Scheduler) lookComplete() {
	k := &s.looks
	k.latest, k.next = k.began, k.nextFound
	if k.isFull {
		k.known, k.latestFull = true, k.began
	} else if k.foreign && !k.brought {
		k.full = true // the other host's deliveries were committed late
	}
	k.foreign = k.foreign && k.since
}

// wokenUp processes a wake-up by the host or by another process.
func (s *Scheduler) wokenUp(foreign bool) {
	s.looks.since = true
	s.looks.foreign = s.looks.foreign || foreign
	if len(s.expected) > 0 {
		s.claimExpected()
	}
}

// storeFailed requests a full look and a sweep after an error.
func (s *Scheduler) storeFailed() {
	s.looks.full = true
	s.sweeps.due = s.now
}

// sweeps is the state of sweeping.
type sweeps struct {
	underWay bool
	again    bool
	idle     bool // no pending delivery is known, so the next sweep may be late
	due      time.Time
}

// sweepIdle is the interval of sweeps while no pending delivery is known.
const sweepIdle = time.Hour

// endIdle returns to the usual interval of sweeps, because a delivery is pending.
func (s *Scheduler) endIdle() {
	if w := &s.sweeps; w.idle {
		w.idle = false
		w.due = sooner(w.due, s.now.Add(s.c.Lease))
	}
}

func (w *sweeps) wake(s *Scheduler) time.Time {
	if !s.c.Sweeper || w.underWay {
		return time.Time{}
	}
	return w.due
}

func (s *Scheduler) startSweep() {
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
	if !e.More {
		s.kept = min(s.kept, maxKept) // after a peak many webhooks have become idle
		s.forgetIdle()
	}
	switch {
	case e.Failed:
		w.due = s.now.Add(mostRetry)
	case e.More || w.again:
		w.due = s.now
	case s.pending():
		w.due = s.now.Add(s.c.Lease)
	default:
		w.idle = true
		w.due = s.now.Add(sweepIdle)
	}
}

// pending reports whether the Store has, or may have, pending deliveries.
func (s *Scheduler) pending() bool {
	return s.waiting+s.inFlight+s.outcomes.count+len(s.timers) > 0 || !s.looks.next.IsZero() || s.looks.brought || len(s.expected) > 0
}
