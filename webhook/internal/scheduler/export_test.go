package scheduler

import "time"

// InFlight, Active, Waits and Landed report the phase of a job.
func (j *Job) InFlight() bool { return j.phase == active || j.phase == slow }
func (j *Job) Active() bool   { return j.phase == active }
func (j *Job) Waits() bool    { return j.phase == waiting }
func (j *Job) Landed() bool   { return j.phase == answered }
func (j *Job) Reads() int     { return int(j.reads) }

// Since returns the time at which a job began to wait, or its request began.
func (j *Job) Since() time.Time { return j.since }

// Bounds of a Scheduler.
const (
	MaxAhead     = maxAhead
	MaxUnwritten = maxUnwritten
	MaxBytes     = maxBytes
	MaxReads     = mostReads
)

// Looked reports whether a full look has been completed.
func (s *Scheduler) Looked() bool { return s.looks.known }

// Uncertain returns the largest error of [Scheduler.Store].
func (s *Scheduler) Uncertain() time.Duration { return s.uncertain }

// Window returns how many requests a webhook may have in flight.
func (s *Scheduler) Window(scope, webhookID string) int {
	if ep := s.endpoints[hookID{scope, webhookID}]; ep != nil {
		return ep.window
	}
	return 0
}

// Share returns how many unproven requests a scope may have.
func (s *Scheduler) Share() int { return s.share() }

// Unproven returns the number of unproven requests in flight.
func (s *Scheduler) Unproven() int { return s.unproven }

// More reports whether the Store has more deliveries of a lane, and whether jobs of the lane wait here.
func (s *Scheduler) More(id Lane) (more, waits bool) {
	if l := s.lanes[id]; l != nil {
		return l.more, l.waiting.len() > 0
	}
	return false, false
}

// Parked reports whether a lane is parked.
func (s *Scheduler) Parked(id Lane) bool {
	l := s.lanes[id]
	return l != nil && l.parked != notParked
}

// Known reports how many lanes, webhooks and scopes the Scheduler remembers.
func (s *Scheduler) Known() (lanes, endpoints, scopes int) {
	return len(s.lanes), len(s.endpoints), len(s.scopes)
}

// Keep sets the number of lanes and webhooks at which idle ones are dropped.
func (s *Scheduler) Keep(n int) { s.kept = n }

// Expecting returns how many deliveries of transactions are remembered.
func (s *Scheduler) Expecting() int { return len(s.expected) }

// OnWheel adds the unblocked lanes on the wheel for sending or for claiming.
func (s *Scheduler) OnWheel(claim bool, into map[Lane]bool) {
	w := toSend
	if claim {
		w = toClaim
	}
	for i := range s.wheel[w].len() {
		sc := s.wheel[w].at(i)
		for k := range sc.turns[w].len() {
			ep := sc.turns[w].at(k)
			for m := range ep.turns[w].len() {
				if l := ep.turns[w].at(m); l.parked == notParked {
					into[l.id] = true
				}
			}
		}
	}
}

// Pending returns how many lanes are on the wheels, blocked or not.
func (s *Scheduler) Pending() (send, claim int) {
	for _, l := range s.lanes {
		if l.on[toSend] {
			send++
		}
		if l.on[toClaim] {
			claim++
		}
	}
	return send, claim
}
