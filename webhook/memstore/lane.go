package memstore

import "github.com/postrider/postrider/webhook"

// lane is a unit of fairness. It has its turn while one of its queues has something due.
type lane struct {
	name       string
	queues     int                       // of all webhooks, empty and parked ones included
	heads      heap[*queue, byReadyHead] // queues of live webhooks with something due
	prev, next *lane                     // in the ring
	inRing     bool
	claim      int64 // the claim that took from it last
	taken      int   // how many that claim took
}

// queue is what is pending in one lane for one webhook. Most lanes have a single queue;
// the two are apart so that a webhook that is switched off takes its deliveries
// out of the way, and back again, in one step.
type queue struct {
	lane  *lane
	hook  *hook
	ready heap[*row, byDue] // due at the latest claim
	later heap[*row, byDue]
	// parked: the webhook was not live when a claim came by.
	parked    bool
	atWaiting int32 // index in Store.waiting, -1 when it is not there
	atHeads   int32 // index in lane.heads, likewise
}

type byLater struct{}

func (byLater) less(a, b *queue) bool    { return byDue{}.less(a.later.top(), b.later.top()) }
func (byLater) place(q *queue, at int32) { q.atWaiting = at }

type byReadyHead struct{}

func (byReadyHead) less(a, b *queue) bool    { return byDue{}.less(a.ready.top(), b.ready.top()) }
func (byReadyHead) place(q *queue, at int32) { q.atHeads = at }

// attach files a pending row where claims look for it.
func (s *Store) attach(r *row) {
	s.oldestQueued, s.latestDue = min(s.oldestQueued, r.queued), max(s.latestDue, r.due)
	h := s.hook(r.event.scope.name, r.webhook)
	switch {
	case h != nil:
		r.q = s.queue(h, r.lane)
		r.put()
		s.refile(r.q)
	case r.held:
		s.gone.push(r)
	case !r.adrift:
		r.adrift = true
		s.adrift = append(s.adrift, r)
	}
}

// detach takes a row out of where attach put it.
func (s *Store) detach(r *row) {
	switch q := r.q; {
	case q != nil:
		r.take()
		r.q = nil
		s.refile(q)
	case r.pos >= 0:
		s.gone.remove(r.pos)
	}
	// A row adrift stays in the list, which drops what is no longer pending.
}

// put and take move a row into and out of the later part of its queue.
func (r *row) put() {
	r.ready = false
	r.q.later.push(r)
}

func (r *row) take() {
	if r.ready {
		r.q.ready.remove(r.pos)
	} else {
		r.q.later.remove(r.pos)
	}
}

// queue returns the queue of a webhook in a lane, a new one if need be.
func (s *Store) queue(h *hook, name string) *queue {
	if q := h.queues[name]; q != nil {
		return q
	}
	l := s.lanes[name]
	if l == nil {
		l = &lane{name: name}
		s.lanes[name] = l
	}
	l.queues++
	q := &queue{lane: l, hook: h, atWaiting: -1, atHeads: -1}
	h.queues[name] = q
	return q
}

// refile puts a queue where its parts belong: into Store.waiting, its lane's heads, and the
// lane into the ring. It must follow every change of the queue.
func (s *Store) refile(q *queue) {
	switch want := !q.parked && q.later.len() > 0; {
	case want && q.atWaiting >= 0:
		s.waiting.fix(q.atWaiting)
	case want:
		s.waiting.push(q)
	case q.atWaiting >= 0:
		s.waiting.remove(q.atWaiting)
	}
	l := q.lane
	switch want := !q.parked && q.ready.len() > 0; {
	case want && q.atHeads >= 0:
		l.heads.fix(q.atHeads)
	case want:
		l.heads.push(q)
	case q.atHeads >= 0:
		l.heads.remove(q.atHeads)
	}
	if due := l.heads.len() > 0; due && !l.inRing {
		s.ring.pushBack(l)
	} else if !due && l.inRing {
		s.ring.remove(l)
	}
	// The last queue of a webhook stays: most come back with the next event.
	if q.later.len() == 0 && q.ready.len() == 0 && len(q.hook.queues) > 1 {
		s.drop(q)
	}
}

// drop forgets an empty queue.
func (s *Store) drop(q *queue) {
	delete(q.hook.queues, q.lane.name)
	if q.lane.queues--; q.lane.queues == 0 {
		delete(s.lanes, q.lane.name)
	}
}

// ring is the order of turns: a list of the lanes with something due.
type ring struct{ front, back *lane }

func (g *ring) pushBack(l *lane) {
	l.inRing, l.prev, l.next = true, g.back, nil
	if g.back != nil {
		g.back.next = l
	} else {
		g.front = l
	}
	g.back = l
}

func (g *ring) remove(l *lane) {
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		g.front = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	} else {
		g.back = l.prev
	}
	l.inRing, l.prev, l.next = false, nil, nil
}

// hook is a stored webhook. w is replaced as a whole, never changed.
type hook struct {
	w       webhook.Webhook
	expires instant
	queues  map[string]*queue // by lane
	listed  bool              // in Store.expired
	claim   int64             // the claim that took from it last
}

func (h *hook) live(now instant) bool {
	return h.w.Active && (h.expires == never || now < h.expires)
}

// hook returns a webhook of a scope, nil when there is none.
func (s *Store) hook(scope, id string) *hook {
	if h := s.hooks[id]; h != nil && h.w.Scope == scope {
		return h
	}
	return nil
}

// park takes everything of a webhook that is not live out of the way of claims.
func (s *Store) park(h *hook) {
	if h.w.Active && !h.listed {
		h.listed = true
		s.expired = append(s.expired, h)
	}
	for _, q := range h.queues {
		q.parked = true
		s.refile(q)
	}
}

// unpark brings it back. A later claim parks it again if it is still not live.
func (s *Store) unpark(h *hook) {
	for _, q := range h.queues {
		q.parked = false
		s.refile(q)
	}
}
