package scheduler

import "time"

// InFlight, Waits, Slow and Unproven tell what a job counts as.
func (j *Job) InFlight() bool { return j.phase == active || j.phase == slow }
func (j *Job) Active() bool   { return j.phase == active }
func (j *Job) Waits() bool    { return j.phase == waiting }
func (j *Job) Landed() bool   { return j.phase == answered }
func (j *Job) Reads() int     { return int(j.reads) }

// Since is when a job began to wait, or to be sent.
func (j *Job) Since() time.Time { return j.since }

// Bounds of what a Scheduler holds.
const (
	MaxAhead     = maxAhead
	MaxUnwritten = maxUnwritten
	MaxBytes     = maxBytes
	MaxReads     = mostReads
)

// Window is how many requests a webhook may have in flight.
func (s *Scheduler) Window(scope, webhookID string) int {
	if ep := s.endpoints[hookID{scope, webhookID}]; ep != nil {
		return ep.window
	}
	return 0
}

// Share is how many unproven requests a scope may have.
func (s *Scheduler) Share() int { return s.share() }

// Unproven is how many requests in flight may hang.
func (s *Scheduler) Unproven() int { return s.unproven }

// More reports whether the Store is known to have more of a lane, and whether something waits here.
func (s *Scheduler) More(id Lane) (more, waits bool) {
	if l := s.lanes[id]; l != nil {
		return l.more, l.waiting.len() > 0
	}
	return false, false
}

// Parked reports whether something blocks a lane.
func (s *Scheduler) Parked(id Lane) bool {
	l := s.lanes[id]
	return l != nil && l.parked != notParked
}

// Known reports how many lanes, webhooks and scopes the Scheduler remembers.
func (s *Scheduler) Known() (lanes, endpoints, scopes int) {
	return len(s.lanes), len(s.endpoints), len(s.scopes)
}

// Keep sets how many lanes and webhooks are remembered.
func (s *Scheduler) Keep(n int) { s.kept = n }

// Expecting is how many deliveries of transactions are remembered.
func (s *Scheduler) Expecting() int { return len(s.expected) }

// OnWheel adds the unblocked lanes with a turn to come, for sending or for claiming.
func (s *Scheduler) OnWheel(claim bool, into map[Lane]bool) {
	w := toSend
	if claim {
		w = toClaim
	}
	for i := range s.wheel[w].len() {
		sc := *s.wheel[w].at(i)
		for k := range sc.turns[w].ring.len() {
			ep := *sc.turns[w].ring.at(k)
			for m := range ep.turns[w].ring.len() {
				if l := *ep.turns[w].ring.at(m); l.parked == notParked {
					into[l.id] = true
				}
			}
		}
	}
}

// Pending is how many turns are on the wheels, blocked or not.
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
