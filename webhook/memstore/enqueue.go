package memstore

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// Enqueue implements [webhook.Enqueuer]. Every new delivery starts as pending, whatever its State,
// Tries, Lease and the like say. [webhook.ErrFull] means that it would pass Options.MaxDeliveries
// or Options.MaxBytes even if all history were forgotten. Two deliveries of one ID that differ in
// (Scope, EventID, WebhookID) are refused.
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	fresh := make([]*row, len(ds))
	for i := range ds {
		fresh[i] = newRow(&ds[i])
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	added := make([]bool, len(ds))
	var rows []*row
	undo := func() {
		for i := len(rows) - 1; i >= 0; i-- {
			sc := rows[i].event.scope
			s.unindex(rows[i])
			s.release(sc)
		}
	}
	for i, r := range fresh {
		sc := s.scope(ds[i].Scope)
		e := sc.events[ds[i].EventID]
		if e != nil && e.find(r.webhook) != nil {
			continue
		}
		if s.rows[r.id] != nil {
			s.release(sc)
			undo()
			return nil, fmt.Errorf("memstore: enqueue %s: the ID is taken by another scope, event or webhook", r.id)
		}
		if e == nil {
			e = &event{scope: sc, id: ds[i].EventID, pos: -1}
			sc.events[e.id] = e
		}
		s.index(sc, e, r)
		rows, added[i] = append(rows, r), true
	}
	if len(rows) > 0 && !s.fits() {
		undo()
		return nil, fmt.Errorf("memstore: enqueue %d deliveries: %w", len(rows), webhook.ErrFull)
	}
	for _, r := range rows {
		s.sequence++
		r.seq = s.sequence
		r.event.scope.append(r)
		s.saw(r.created)
		s.attach(r)
	}
	return added, nil
}

// fits reports whether what is stored is within the bounds, and forgets history where that helps.
func (s *Store) fits() bool {
	if s.pending > s.opts.MaxDeliveries || s.pendingBytes > s.opts.MaxBytes {
		return false
	}
	s.trim()
	return s.bytes <= s.opts.MaxBytes && s.pending+s.ended <= s.opts.MaxDeliveries+s.opts.KeepEnded
}
