package memstore

import "github.com/postrider/postrider/webhook"

// event holds the deliveries of one event, which the Store forgets together.
type event struct {
	scope    *scope
	id       string
	first    *row            // the deliveries, linked by nextOfEvent
	byHook   map[string]*row // filled when count passes wide
	finished instant         // when the last delivery ended, once all have
	count    int32
	pending  int32
	pos      int32 // in Store.done, -1 while a delivery is pending
	posScope int32 // in scope.done, likewise
}

// wide is the number of deliveries from which an event has an index of them.
const wide = 16

type byLastFinished struct{}

func (byLastFinished) less(a, b *event) bool    { return a.finished < b.finished }
func (byLastFinished) place(e *event, at int32) { e.pos = at }

// byLastOfScope is the same order in the heap of the scope.
type byLastOfScope struct{ byLastFinished }

func (byLastOfScope) place(e *event, at int32) { e.posScope = at }

// find returns the event's delivery to a webhook, or nil.
func (e *event) find(webhook string) *row {
	if e.byHook != nil {
		return e.byHook[webhook]
	}
	for r := e.first; r != nil; r = r.nextOfEvent {
		if r.webhook == webhook {
			return r
		}
	}
	return nil
}

// index adds a new row to the indexes by its identifiers.
func (s *Store) index(e *event, r *row) {
	r.event = e
	r.nextOfEvent, e.first = e.first, r
	e.count++
	if e.byHook != nil {
		e.byHook[r.webhook] = r
	} else if e.count > wide {
		e.byHook = make(map[string]*row, 2*wide)
		for r := e.first; r != nil; r = r.nextOfEvent {
			e.byHook[r.webhook] = r
		}
	}
	s.rows[r.id] = r
	s.bytes += r.bytes
	s.opened(r)
}

// unindex undoes the latest index of the row's event.
func (s *Store) unindex(r *row) {
	e := r.event
	e.first = r.nextOfEvent
	e.count--
	delete(e.byHook, r.webhook)
	delete(s.rows, r.id)
	s.bytes -= r.bytes
	s.count(e.scope, -1, -r.bytes, 0)
	if e.pending--; e.count == 0 {
		delete(e.scope.events, e.id)
	} else if e.pending == 0 {
		s.complete(e)
	}
}

// opened counts a row that has become pending.
func (s *Store) opened(r *row) {
	e := r.event
	s.count(e.scope, 1, r.bytes, 0)
	if e.pending++; e.pos >= 0 {
		s.done.remove(e.pos)
		e.scope.done.remove(e.posScope)
	}
}

// count adds to the numbers of the Store and of a scope.
func (s *Store) count(sc *scope, pending int, bytes int64, ended int) {
	for _, n := range [...]*load{&s.load, &sc.load} {
		n.pending += pending
		n.pendingBytes += bytes
		n.ended += ended
	}
}

// finish ends a pending row. Its lease, if any, is over.
func (s *Store) finish(r *row, state webhook.State, code webhook.Code, when instant) {
	k := r.keyed
	s.take(r)
	s.unparkHead(k, when)
	r.state, r.code, r.finished, r.due, r.held = state, code, when, when, false
	s.count(r.event.scope, -1, -r.bytes, 1)
	if r.event.pending--; r.event.pending == 0 {
		s.complete(r.event)
	}
}

// complete adds an event whose deliveries have all ended to the history.
func (s *Store) complete(e *event) {
	e.finished = never
	for r := e.first; r != nil; r = r.nextOfEvent {
		e.finished = max(e.finished, r.finished)
	}
	s.done.push(e)
	e.scope.done.push(e)
}

// trim forgets the oldest history beyond its bounds: history of the changed scope where that has
// more than its share, else the oldest of all. A method calls it last, because it may forget the
// delivery that the method has just ended.
func (s *Store) trim(sc *scope) {
	for s.done.len() > 0 && (s.ended > s.opts.KeepEnded || s.bytes > s.opts.MaxBytes) {
		e := s.done.top()
		if sc != nil && sc.ended > share(s.opts.KeepEnded) && sc.done.len() > 0 {
			e = sc.done.top()
		}
		s.forget(e)
	}
}

// forget removes a whole event, with deliveries in any state.
func (s *Store) forget(e *event) {
	sc := e.scope
	if e.pos >= 0 {
		s.done.remove(e.pos)
		sc.done.remove(e.posScope)
	}
	for r := e.first; r != nil; r = r.nextOfEvent {
		if r.state == webhook.StatePending {
			k := r.keyed
			s.take(r)
			s.unparkHead(k, never)
			s.count(sc, -1, -r.bytes, 0)
		} else {
			s.count(sc, 0, 0, -1)
		}
		s.bytes -= r.bytes
		delete(s.rows, r.id)
		// The scope's log keeps the row for a while, without its contents.
		*r = row{removed: true, rare: plain, created: r.created, seq: r.seq, nextOfEvent: r.nextOfEvent}
		sc.removed++
	}
	delete(sc.events, e.id)
	sc.compact()
	s.release(sc)
}
