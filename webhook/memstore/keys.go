package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// ordered is what a row has that has a key or an end, or was requeued, which most do not.
type ordered struct {
	key     string
	keyed   *keyed  // what is pending of the key, where the row is pending
	was     instant // the due time of a parked row
	expires instant
	keyPos  int32 // in keyed.pending
	earlier int32 // tries before the latest Requeue
}

// unordered stands for all others. It is not written to.
var unordered = &ordered{expires: never, keyPos: -1}

// keyName is what is kept in order: a key of a webhook, whatever the class.
type keyName struct{ scope, webhook, key string }

// keyed is what is pending of a key. All but the head are parked: their due time never comes, so
// what waits behind a head costs a claim nothing. When the head ends the next one becomes due.
type keyed struct {
	name    keyName
	pending heap[*row, bySequence]
	busy    *row               // taken as the head or as the newest, until its lease is settled
	units   map[unitName]*unit // what coalesces
}

func (k *keyed) of(r *row) *unit { return k.units[unitName{r.typ, r.class}] }

// unit is the deliveries of a key that are of one type and class.
type unit struct {
	newest *row  // the latest one, while it is pending
	taken  int64 // the greatest number of one that was leased, or has ended
}

type unitName struct{ typ, class string }

type bySequence struct{}

func (bySequence) less(a, b *row) bool    { return a.seq < b.seq }
func (bySequence) place(r *row, at int32) { r.keyPos = at }

// end is when a row is not worth sending any more.
func (r *row) end() instant {
	if r.expires == never {
		return forever
	}
	return r.expires
}

// join adds a row that becomes pending to its key, and parks it behind others.
func (s *Store) join(r *row) {
	if r.key == "" {
		return
	}
	name := keyName{r.event.scope.name, r.webhook, r.key}
	k := s.keys[name]
	if k == nil {
		k = &keyed{name: name, units: make(map[unitName]*unit, 1)}
		s.keys[name] = k
	}
	r.keyed = k
	if k.pending.len() > 0 && k.pending.top().seq < r.seq && !r.held {
		r.was, r.due = r.due, parked
	}
	k.pending.push(r)
	u := k.of(r)
	if u == nil {
		u = &unit{}
		k.units[unitName{r.typ, r.class}] = u
	}
	if u.newest == nil || u.newest.seq <= r.seq {
		u.newest = r
	}
	if r.lease > 0 {
		u.taken = max(u.taken, r.seq)
	}
}

// leave takes a row out of its key. The caller lets the next one go.
func (s *Store) leave(r *row) {
	k := r.keyed
	if k == nil {
		return
	}
	s.endTurn(r)
	k.pending.remove(r.keyPos)
	u := k.of(r)
	u.taken = max(u.taken, r.seq)
	if u.newest == r {
		u.newest = nil
	}
	r.keyed = nil // r is of a key, so it has an ordered of its own
	if k.pending.len() == 0 {
		delete(s.keys, k.name)
	}
}

// endTurn ends the turn of a row, if it has its key's.
func (s *Store) endTurn(r *row) {
	if r.keyed != nil && r.keyed.busy == r {
		r.keyed.busy = nil
	}
}

// unparkHead lets the head of a key go, no earlier than when. It may have been superseded, so it
// does not matter whether something of the key is held.
func (s *Store) unparkHead(k *keyed, when instant) {
	if k == nil || k.pending.len() == 0 {
		return
	}
	if r := k.pending.top(); r.due == parked {
		s.move(r, max(r.was, when))
	}
}

// unparkAll lets all of a webhook go, because it keeps no order any more.
func (s *Store) unparkAll(t *target) {
	for _, l := range t.lanes {
		for _, r := range l.rows() {
			if r.due == parked {
				s.move(r, r.was)
			}
		}
	}
}

// keyed reports whether the webhook keeps an order, or coalesces.
func (t *target) keyed() bool { return t.exists && (t.w.Order != webhook.OrderNone || t.w.Coalesce) }

// superseded reports whether a later row of the unit was leased, or has ended.
func (k *keyed) superseded(r *row) bool { return r.seq < k.of(r).taken }

// supersedes reports whether the claim is to hand out a row as superseded.
func (t *taking) supersedes(r *row) bool {
	return t.take == webhook.TakeNewest && r.keyed != nil && r.keyed.superseded(r)
}

// ofKey returns what a claim takes in the place of a row that is due; nil where it is not that
// row's turn, which is parked, or where it was superseded and has been taken.
func (t *taking) ofKey(r *row, take webhook.Take) *row {
	k := r.keyed
	if take == webhook.TakeNewest && k.superseded(r) {
		t.superseded(r)
		return nil
	}
	next := k.busy // which lets nothing else of the key go
	switch {
	case next != nil:
	case take == webhook.TakeNewest:
		next = k.of(r).newest // it is pending, or r would be superseded
	default:
		next = k.pending.top()
	}
	if next != r && (take == webhook.TakeHeads || k.busy != nil || next.held && next.due > t.now) {
		t.park(r)
		return nil
	}
	k.busy = next
	k.of(next).taken = max(k.of(next).taken, next.seq)
	return next
}

// park puts a row aside until its key's head ends. A lease of it has ended.
func (t *taking) park(r *row) {
	if r.held {
		r.held = false
		r.interrupted++
	}
	r.was = r.due
	t.s.move(r, parked)
}

// maxSuperseded is how many superseded rows one claim brings beside what was asked for.
const maxSuperseded = 1000

// superseded takes a row that a later one has superseded, and others of its unit.
func (t *taking) superseded(r *row) {
	k := r.keyed
	for _, o := range append([]*row{r}, k.pending.items...) {
		switch {
		case t.beside == maxSuperseded, o.lane != r.lane || o.typ != r.typ || o.held && o.due > t.now || !k.superseded(o):
			continue
		case o.held:
			o.interrupted++
		}
		t.s.endTurn(o)
		t.beside++
		due := o.due
		if due == parked {
			due = o.was
		}
		t.lease(o, max(o.lease+1, t.c.Lease), due)
	}
}

// Ahead implements [webhook.KeyOrder].
func (s *Store) Ahead(ctx context.Context, scope, id string) (webhook.Delivery, error) {
	return s.ofKey(ctx, "ahead of", scope, id, func(r *row) *row {
		switch k := r.keyed; {
		case k == nil || k.busy == r:
			return nil
		case k.busy != nil:
			return k.busy
		case k.pending.top() != r:
			return k.pending.top()
		}
		return nil
	})
}

// Newest implements [webhook.KeyOrder].
func (s *Store) Newest(ctx context.Context, scope, id string) (webhook.Delivery, error) {
	return s.ofKey(ctx, "newest of", scope, id, func(r *row) (found *row) {
		if r.key == "" {
			return nil
		}
		for o := range s.scopes[scope].rows(false, nil) {
			if o.webhook == r.webhook && o.key == r.key && o.typ == r.typ && o.seq > r.seq && (found == nil || o.seq > found.seq) {
				found = o
			}
		}
		return found
	})
}

func (s *Store) ofKey(ctx context.Context, op, scope, id string, of func(*row) *row) (webhook.Delivery, error) {
	if err := s.lock(ctx); err != nil {
		return webhook.Delivery{}, err
	}
	defer s.mu.Unlock()
	r, err := s.row(op, scope, id)
	if err != nil {
		return webhook.Delivery{}, err
	}
	if r = of(r); r == nil {
		return webhook.Delivery{}, fmt.Errorf("memstore: %s %s: %w", op, id, webhook.ErrNotFound)
	}
	return r.bodiless(), nil
}

// HeldBack implements [webhook.KeyOrder].
func (s *Store) HeldBack(ctx context.Context, scope, webhookID string, limit int) ([]webhook.Delivery, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	t := s.targets[targetKey{scope, webhookID}]
	if t == nil {
		return nil, nil
	}
	var rows []*row
	for _, l := range t.lanes {
		for _, r := range l.rows() {
			if r.exhausted {
				rows = append(rows, r)
			}
		}
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.seq, b.seq) })
	ds := make([]webhook.Delivery, min(len(rows), max(limit, 0)))
	for i := range ds {
		ds[i] = rows[i].bodiless()
	}
	return ds, nil
}
