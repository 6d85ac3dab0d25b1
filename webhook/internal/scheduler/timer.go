package scheduler

import (
	"container/heap"
	"time"
)

type timerKind uint8

const (
	timerUnpark timerKind = iota // a lane that is parkedUntil continues
	timerRetry                   // a delivery of the lane becomes due in the Store
	timerKey                     // a key has a token for a lane that waits there
)

// timed is a timer of a lane or a key, in the process's time.
type timed struct {
	at   time.Time
	lane *lane
	key  *key
	kind timerKind
}

// timers is a heap, earliest first.
type timers []timed

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timed)) }
func (t *timers) Pop() any {
	old := *t
	x := old[len(old)-1]
	old[len(old)-1] = timed{}
	*t = old[:len(old)-1]
	return x
}

func (s *Scheduler) after(at time.Time, l *lane, kind timerKind) {
	l.ep.timers++
	heap.Push(&s.timers, timed{at: at, lane: l, kind: kind})
}

func (s *Scheduler) timeKey(k *key, at time.Time) {
	k.timed = true
	heap.Push(&s.timers, timed{at: at, key: k, kind: timerKey})
}

// fire processes the timers that are due.
func (s *Scheduler) fire() {
	for len(s.timers) > 0 && !s.timers[0].at.After(s.now) {
		t := heap.Pop(&s.timers).(timed)
		if t.kind == timerKey {
			t.key.timed = false
			s.wakeKey(t.key)
			continue
		}
		l := t.lane
		l.ep.timers--
		switch {
		case t.kind == timerRetry:
			s.mayHaveMore(l)
		case l.parked == parkedUntil && !l.until.After(s.now):
			l.parked = notParked
			s.offer(l)
		}
	}
}

// mayHaveMore records that the Store has, or may have, due deliveries of a lane. A process in which
// Run is not under way claims nothing and records nothing: Run begins with a full look, and until then
// such lanes would never become idle.
func (s *Scheduler) mayHaveMore(l *lane) {
	if !s.running {
		return
	}
	s.endIdle()
	l.more = true
	l.epoch++
	s.offer(l)
}

func (s *Scheduler) haveMore(lanes []Lane) {
	for _, id := range lanes {
		s.mayHaveMore(s.laneOf(id))
	}
}

// becomesDue records that the Store has a delivery of a lane that is due at a time of the Store. A
// claim within the uncertainty of that time may find nothing, so a timer starts another one.
func (s *Scheduler) becomesDue(l *lane, due time.Time) {
	s.mayHaveMore(l)
	if at := s.dueHere(due); at.After(s.now) && len(s.timers) < maxRetries {
		s.after(at, l, timerRetry)
	}
}
