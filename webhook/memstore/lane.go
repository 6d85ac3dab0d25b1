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
	later     heap[*row, byDue]
	readyUpTo instant
	newest    instant // no row in ready is due later
	lease     int64   // the greatest lease number of the lane's rows so far
	head      instant // the earliest due time, as of the last refile
	pos       int32   // in Store.due; -1 where nothing is pending or the webhook is inactive
}

type byHead struct{}

func (byHead) less(a, b *lane) bool    { return a.head < b.head }
func (byHead) place(l *lane, at int32) { l.pos = at }

// target is a webhook, or the rest of a deleted one while deliveries name it.
type target struct {
	w       webhook.Webhook
	exists  bool
	expires instant
	lanes   []*lane             // in the order of their ids
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

// live reports whether deliveries of the target may be claimed. Deliveries of a deleted webhook
// may, so that the caller ends them.
func (t *target) live(now instant) bool {
	return !t.exists || t.w.Active && (t.expires == never || now < t.expires)
}

// lane returns a lane, a new one where there is none.
func (s *Store) lane(name webhook.Lane) *lane {
	if l := s.lanes[name]; l != nil {
		return l
	}
	key := targetKey{name.Scope, name.WebhookID}
	t := s.targets[key]
	if t == nil {
		t = &target{w: webhook.Webhook{ID: name.WebhookID, Scope: name.Scope}}
		s.targets[key] = t
	}
	s.laneIDs++
	l := &lane{Lane: name, t: t, id: s.laneIDs, readyUpTo: never, newest: never, head: forever, pos: -1}
	s.lanes[name] = l
	t.lanes = append(t.lanes, l)
	return l
}

// put adds a pending row to its lane.
func (s *Store) put(r *row) {
	r.lane = s.lane(webhook.Lane{Scope: r.event.scope.name, WebhookID: r.webhook, Class: r.class})
	r.lane.lease = max(r.lane.lease, r.lease)
	s.oldestQueued, s.earliestEnd = min(s.oldestQueued, r.queued), min(s.earliestEnd, r.end())
	s.latestDue = max(s.latestDue, r.due)
	s.join(r)
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
	if r.ready = r.due <= l.readyUpTo; r.ready {
		l.newest = max(l.newest, r.due)
		l.ready.push(r)
	} else {
		l.later.push(r)
	}
}

func (l *lane) pull(r *row) {
	if !r.ready {
		l.later.remove(r.pos)
	} else if l.ready.remove(r.pos); l.ready.len() == 0 {
		l.newest = never
	}
}

// take removes a row from its lane. An empty lane goes too, unless it has no Class: such a lane is
// soon needed again.
func (s *Store) take(r *row) {
	l := r.lane
	s.leave(r)
	l.pull(r)
	r.lane = nil
	s.refile(l)
	if l.ready.len()+l.later.len() == 0 && (!l.t.exists || l.Class != "") {
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
	head := forever
	if !l.t.exists || l.t.w.Active {
		head = l.earliest()
	}
	if head == parked {
		head = forever // all rows are parked
	}
	switch {
	case head == l.head && l.pos >= 0:
	case head == forever && l.pos >= 0:
		s.due.remove(l.pos)
	case head == forever:
	case l.pos < 0:
		l.head = head
		s.due.push(l)
	default:
		l.head = head
		s.due.fix(l.pos)
	}
}

func (l *lane) earliest() instant {
	first := forever
	if l.ready.len() > 0 {
		first = l.ready.top().due
	}
	if l.later.len() > 0 {
		first = min(first, l.later.top().due)
	}
	return first
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

// rows returns the pending rows of the lane, in no order.
func (l *lane) rows() []*row { return slices.Concat(l.ready.items, l.later.items) }
