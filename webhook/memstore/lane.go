package memstore

import (
	"slices"

	"github.com/postrider/postrider/webhook"
)

// lane holds the pending rows of one [webhook.Lane].
type lane struct {
	webhook.Lane
	t         *target
	id        int64             // counts the lanes; the order of the pages of Due
	ready     heap[*row, byDue] // due up to readyUpTo
	later     heap[*row, byDue] // due after it
	readyUpTo instant
	newest    instant // no row in ready is due later
	lease     int64   // the greatest lease number of the lane's rows so far
	head      instant // the earliest due time as of the last refile; forever for a lane that is not in Store.due
	pos       int32   // in Store.due
}

type byHead struct{}

func (byHead) less(a, b *lane) bool    { return a.head < b.head }
func (byHead) place(l *lane, at int32) { l.pos = at }

// target is a webhook, or the rest of a deleted one while deliveries name it.
type target struct {
	w       webhook.Webhook
	exists  bool
	expires instant             // forever for none
	lanes   []*lane             // in the order of their ids
	keys    map[string]*keyed   // that have pending rows, over all classes
	counts  []webhook.HourCount // by hour; see tally
}

type targetKey struct{ scope, webhook string }

// hook returns an existing webhook of a scope, or nil.
func (s *Store) hook(scope, id string) *target {
	if t := s.targets[targetKey{scope, id}]; t != nil && t.exists {
		return t
	}
	return nil
}

// target returns a webhook, or a new rest of one where there is none.
func (s *Store) target(scope, id string) *target {
	key := targetKey{scope, id}
	t := s.targets[key]
	if t == nil {
		t = &target{w: webhook.Webhook{ID: id, Scope: scope}}
		s.targets[key] = t
	}
	return t
}

// live reports whether deliveries of the target may be claimed. Deliveries of a deleted webhook
// may, so that the caller ends them.
func (t *target) live(now instant) bool {
	return !t.exists || t.w.Active && now < t.expires
}

// lane returns a lane, a new one where there is none.
func (s *Store) lane(name webhook.Lane) *lane {
	if l := s.lanes[name]; l != nil {
		return l
	}
	t := s.target(name.Scope, name.WebhookID)
	s.laneIDs++
	l := &lane{Lane: name, t: t, id: s.laneIDs, readyUpTo: never, newest: never, head: forever}
	s.lanes[name] = l
	t.lanes = append(t.lanes, l)
	return l
}

// put adds a pending row to its lane.
func (s *Store) put(r *row) {
	r.lane = s.lane(webhook.Lane{Scope: r.event.scope.name, WebhookID: r.webhook, Class: r.class})
	r.lane.lease = max(r.lane.lease, r.lease)
	s.oldestQueued, s.earliestEnd = min(s.oldestQueued, r.queued), min(s.earliestEnd, r.expires)
	s.latestDue = max(s.latestDue, r.due)
	r.join()
	r.lane.advance(min(r.due, r.created)) // a new row is due when it is created, and goes to ready at once
	r.lane.push(r)
	s.refile(r.lane)
}

// move changes the due time of a pending row.
func (s *Store) move(r *row, due instant) {
	r.lane.pull(r)
	r.due = due
	if due != parked && !r.exhausted {
		s.latestDue = max(s.latestDue, due)
	}
	r.lane.push(r)
	s.refile(r.lane)
}

func (l *lane) push(r *row) {
	if r.due > l.readyUpTo {
		l.later.push(r)
		return
	}
	l.newest = max(l.newest, r.due)
	l.ready.push(r)
}

func (l *lane) pull(r *row) {
	if r.due > l.readyUpTo {
		l.later.remove(r.pos)
		return
	}
	if l.ready.remove(r.pos); l.ready.len() == 0 {
		l.newest = never
	}
}

// take removes a row from its lane. An empty lane goes too, unless it has no Class: such a lane is
// soon needed again.
func (s *Store) take(r *row) {
	l := r.lane
	r.leave()
	l.pull(r)
	r.lane = nil
	s.refile(l)
	if l.empty() && (!l.t.exists || l.Class != "") {
		s.drop(l)
	}
}

func (s *Store) drop(l *lane) {
	delete(s.lanes, l.Lane)
	l.t.lanes = slices.DeleteFunc(l.t.lanes, func(o *lane) bool { return o == l })
	if len(l.t.lanes) == 0 && !l.t.exists {
		delete(s.targets, targetKey{l.Scope, l.WebhookID})
	}
}

// refile updates the place of a lane in Store.due after its earliest row or its webhook has changed.
func (s *Store) refile(l *lane) {
	was := l.head
	l.head = forever
	if !l.t.exists || l.t.w.Active {
		l.head = l.earliest()
	}
	switch {
	case l.head == was:
	case l.head == forever:
		s.due.remove(l.pos)
	case was == forever:
		s.due.push(l)
	default:
		s.due.fix(l.pos)
	}
}

// earliest returns the due time of the first row, forever where there is none but parked ones.
func (l *lane) earliest() instant {
	switch {
	case l.ready.len() > 0:
		return l.ready.top().due
	case l.later.len() > 0 && l.later.top().due != parked:
		return l.later.top().due
	}
	return forever
}

// advance moves the rows that are due by now from later to ready.
func (l *lane) advance(now instant) {
	if now <= l.readyUpTo {
		return
	}
	l.readyUpTo = now
	for l.later.len() > 0 && l.later.top().due <= now {
		r := l.later.top()
		l.later.remove(0)
		l.push(r)
	}
}

func (l *lane) empty() bool { return l.ready.len()+l.later.len() == 0 }

// rows returns the pending rows of the lane, in no order.
func (l *lane) rows() []*row { return slices.Concat(l.ready.items, l.later.items) }
