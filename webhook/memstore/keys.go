package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// rare holds the fields of rows that have a key, an end, variables or metadata, or were requeued.
// Most rows have none of these.
type rare struct {
	vars      map[string]string
	carry     map[string]string
	key       string
	keyed     *keyed  // the key, while the row is pending
	dueBefore instant // the due time of a parked row
	expires   instant // the end of the row, forever for none
	keyPos    int32   // in keyed.pending
	earlier   int32   // tries before the latest Requeue
}

// plain is shared by all other rows, and is read-only.
var plain = &rare{expires: forever}

// keyed holds the pending rows of a webhook's key. All but the head are parked: their due time never
// comes, so that rows behind a head cost a claim nothing. When the head ends, the next row becomes due.
type keyed struct {
	pending heap[*row, bySequence]
	busy    *row               // leased as the head or as the newest, until its lease is settled
	units   map[unitName]*unit // by type and class
}

func (k *keyed) unit(r *row) *unit { return k.units[unitName{r.typ, r.class}] }

// unit holds the deliveries of a key that have one type and class: those that coalesce.
type unit struct {
	newest *row  // the latest row, while it is pending
	taken  int64 // the greatest seq of the rows that were leased or have ended
}

type unitName struct{ typ, class string }

type bySequence struct{}

func (bySequence) less(a, b *row) bool    { return a.seq < b.seq }
func (bySequence) place(r *row, at int32) { r.keyPos = at }

// dueUnparked returns the due time that a row has once it is not parked.
func (r *row) dueUnparked() instant {
	if r.due == parked {
		return r.dueBefore
	}
	return r.due
}

// join adds a row that becomes pending to its key, and parks it if it is not the head.
func (r *row) join() {
	if r.key == "" {
		return
	}
	t := r.lane.t
	if t.keys == nil {
		t.keys = make(map[string]*keyed)
	}
	k := t.keys[r.key]
	if k == nil {
		k = &keyed{units: make(map[unitName]*unit, 1)}
		t.keys[r.key] = k
	}
	r.keyed = k
	if k.pending.len() > 0 && k.pending.top().seq < r.seq && !r.held {
		r.dueBefore, r.due = r.due, parked
	}
	k.pending.push(r)
	u := k.unit(r)
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

// leave removes a row from its key. The caller unparks the next one.
func (r *row) leave() {
	k := r.keyed
	if k == nil {
		return
	}
	r.endTurn()
	k.pending.remove(r.keyPos)
	u := k.unit(r)
	u.taken = max(u.taken, r.seq)
	if u.newest == r {
		u.newest = nil
	}
	r.keyed = nil // a row with a key does not share its rare
	if k.pending.len() == 0 {
		delete(r.lane.t.keys, r.key)
	}
}

// endTurn frees the key of a row that is its busy one.
func (r *row) endTurn() {
	if r.keyed != nil && r.keyed.busy == r {
		r.keyed.busy = nil
	}
}

// unparkHead makes the head of a key due, no earlier than when. It does so also while a row of the
// key is held, because the head may be superseded.
func (s *Store) unparkHead(k *keyed, when instant) {
	if k == nil || k.pending.len() == 0 {
		return
	}
	if r := k.pending.top(); r.due == parked {
		s.move(r, max(r.dueBefore, when))
	}
}

// unparkAll unparks all rows of a webhook, whose settings no longer ask for an order.
func (s *Store) unparkAll(t *target) {
	for _, l := range t.lanes {
		for _, r := range l.rows() {
			if r.due == parked {
				s.move(r, r.dueBefore)
			}
		}
	}
}

// keyed reports whether the webhook keeps an order, or coalesces.
func (t *target) keyed() bool { return t.exists && (t.w.Order != webhook.OrderNone || t.w.Coalesce) }

// superseded reports whether a later row of the unit was leased, or has ended.
func (k *keyed) superseded(r *row) bool { return r.seq < k.unit(r).taken }

// supersedes reports whether the claim is to hand out a row as superseded.
func (t *taking) supersedes(r *row) bool {
	return t.take == webhook.TakeNewest && r.keyed != nil && r.keyed.superseded(r)
}

// nextOfKey returns the row that a claim takes in the place of a due row. It returns nil where it has
// parked the due row, because another row of the key comes first, or has taken it as superseded.
func (t *taking) nextOfKey(r *row) *row {
	k := r.keyed
	if t.supersedes(r) {
		t.takeSuperseded(r)
		return nil
	}
	next := k.busy // no other row of the key goes meanwhile
	switch {
	case next != nil:
	case t.take == webhook.TakeNewest:
		next = k.unit(r).newest // pending, since r is not superseded
	default:
		next = k.pending.top()
	}
	if next != r && (t.take == webhook.TakeHeads || k.busy != nil || next.held && next.due > t.now) {
		t.park(r)
		return nil
	}
	k.busy = next
	k.unit(next).taken = max(k.unit(next).taken, next.seq)
	return next
}

// park makes a row wait until its key's head ends. A lease of the row has ended.
func (t *taking) park(r *row) {
	if r.held {
		r.held = false
		r.interrupted++
	}
	r.dueBefore = r.due
	t.s.move(r, parked)
}

// maxSuperseded bounds the superseded rows that one claim returns in addition to the rows that Most counts.
const maxSuperseded = 1000

// takeSuperseded takes a superseded row and the other superseded rows of its unit.
func (t *taking) takeSuperseded(r *row) {
	k := r.keyed
	for _, o := range append([]*row{r}, k.pending.items...) {
		switch {
		case t.extra == maxSuperseded, o.lane != r.lane || o.typ != r.typ || o.held && o.due > t.now || !k.superseded(o):
			continue
		case o.held:
			o.interrupted++
		}
		o.endTurn()
		t.extra++
		t.lease(o, max(o.lease+1, t.c.Lease), o.dueUnparked())
	}
}

// Ahead implements [webhook.KeyOrder].
func (s *Store) Ahead(ctx context.Context, scope, id string) (webhook.Delivery, error) {
	return s.related(ctx, "ahead of", scope, id, func(r *row) *row {
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
	return s.related(ctx, "newest of", scope, id, func(r *row) (found *row) {
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

func (s *Store) related(ctx context.Context, op, scope, id string, find func(*row) *row) (webhook.Delivery, error) {
	if err := s.lock(ctx); err != nil {
		return webhook.Delivery{}, err
	}
	defer s.mu.Unlock()
	r, err := s.row(op, scope, id)
	if err != nil {
		return webhook.Delivery{}, err
	}
	if r = find(r); r == nil {
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
