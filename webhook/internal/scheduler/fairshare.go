package scheduler

import "container/heap"

// Requests to endpoints that are not known to answer promptly are unproven. They must leave
// room for requests to prompt endpoints. A scope may start an unproven request while it has
// fewer than its share, which shrinks with the number of all unproven requests (a dynamic
// threshold), but is at least 1. Unproven requests hold at most seven eighths of the slots, so a
// burst of them does not delay prompt endpoints.

func (s *Scheduler) share() int {
	return max(1, s.c.MaxInFlight-2*s.c.Capacity-s.unproven)
}

// mayStartUnproven reports whether a scope may start one more unproven request.
func (s *Scheduler) mayStartUnproven(sc *scope) bool {
	return s.hasShare(sc) && s.unprovenActive < s.c.Capacity-s.c.Capacity/8
}

// hasShare is mayStartUnproven without the check of slots, which are free again within SlowAfter.
func (s *Scheduler) hasShare(sc *scope) bool { return sc.unproven < s.share() }

// countUnproven adds n, which is 1 or -1, to the unproven requests of a job's scope.
func (s *Scheduler) countUnproven(j *Job, n int) {
	j.unproven = n > 0
	sc := j.lane.ep.scope
	sc.unproven += n
	s.unproven += n
	if sc.place >= 0 {
		heap.Fix(&s.blocked, sc.place)
	}
}

// unparkPrompt unparks the lanes of a prompt endpoint that wait for a share, which they no longer need.
func (s *Scheduler) unparkPrompt(ep *endpoint) {
	if ep.unproven() {
		return
	}
	for _, l := range ep.lanes {
		if l.parked == parkedShare {
			s.unpark(l, nil)
		}
	}
}

// waitForShare adds a lane to the waiters of its scope's share. A lane that [unparkPrompt] has
// unparked is still in the queue and keeps its place.
func (s *Scheduler) waitForShare(l *lane) {
	if !l.inShare {
		l.inShare = true
		l.ep.scope.waiters.push(l)
	}
	if l.ep.scope.place < 0 {
		heap.Push(&s.blocked, l.ep.scope)
	}
}

// wakeShare unparks one lane of the scope with the fewest unproven requests, if its
// share has room. The next lane follows after the turn of this one.
func (s *Scheduler) wakeShare() {
	for len(s.blocked) > 0 {
		sc := s.blocked[0]
		if !s.mayStartUnproven(sc) {
			return
		}
		var l *lane
		for l == nil && sc.waiters.len() > 0 {
			w := sc.waiters.pop()
			if w.inShare = false; w.parked == parkedShare {
				l = w
			}
		}
		if sc.waiters.len() == 0 {
			heap.Pop(&s.blocked)
		}
		if l != nil {
			s.unpark(l, nil)
			return
		}
	}
}

// blockedScopes is a heap of the scopes whose lanes wait for a share, fewest unproven first.
type blockedScopes []*scope

func (b blockedScopes) Len() int           { return len(b) }
func (b blockedScopes) Less(i, j int) bool { return b[i].unproven < b[j].unproven }
func (b blockedScopes) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].place, b[j].place = i, j
}
func (b *blockedScopes) Push(x any) {
	sc := x.(*scope)
	sc.place = len(*b)
	*b = append(*b, sc)
}
func (b *blockedScopes) Pop() any {
	old := *b
	sc := old[len(old)-1]
	sc.place = -1
	old[len(old)-1] = nil
	*b = old[:len(old)-1]
	return sc
}
