package memstore

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// Enqueue implements [webhook.Enqueuer]. Every new delivery is pending: its State, Tries and
// similar fields are ignored. [webhook.ErrFull] means that the deliveries exceed Options.MaxDeliveries
// or Options.MaxBytes, or their scope's share of them, even without any history. Two
// deliveries of one ID that differ in (Scope, EventID, WebhookID) are refused.
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	fresh := make([]*row, len(ds))
	for i := range ds {
		fresh[i] = newRow(&ds[i])
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for i := range ds {
		if sc := s.scopes[ds[i].Scope]; ds[i].Seen != 0 && (sc == nil || sc.changes != ds[i].Seen) {
			return nil, fmt.Errorf("memstore: enqueue: scope %q: %w", ds[i].Scope, webhook.ErrStale)
		}
	}
	added := make([]bool, len(ds))
	rows := fresh[:0]
	for i, r := range fresh {
		sc := s.scope(ds[i].Scope)
		e := sc.events[ds[i].EventID]
		if e != nil && e.find(r.webhook) != nil {
			continue
		}
		if s.rows[r.id] != nil {
			s.release(sc)
			s.undo(rows)
			return nil, fmt.Errorf("memstore: enqueue %s: the ID is taken by another scope, event or webhook", r.id)
		}
		if e == nil {
			e = &event{scope: sc, id: ds[i].EventID, pos: -1, posScope: -1}
			sc.events[e.id] = e
		}
		s.index(e, r)
		rows, added[i] = append(rows, r), true
	}
	if full := s.full(rows); full != "" {
		s.undo(rows)
		return nil, fmt.Errorf("memstore: enqueue %d deliveries: %s: %w", len(rows), full, webhook.ErrFull)
	}
	for _, r := range rows {
		s.sequence++
		r.seq = s.sequence
		r.event.scope.append(r)
		s.put(r)
	}
	return added, nil
}

// undo removes the rows that were indexed last.
func (s *Store) undo(rows []*row) {
	for i := len(rows) - 1; i >= 0; i-- {
		sc := rows[i].event.scope
		s.unindex(rows[i])
		s.release(sc)
	}
}

// full names the bound that new rows exceed. Before, it forgets history where that makes enough space.
func (s *Store) full(rows []*row) string {
	if len(rows) == 0 {
		return ""
	}
	switch {
	case s.pending > s.opts.MaxDeliveries:
		return "Options.MaxDeliveries"
	case s.pendingBytes > s.opts.MaxBytes:
		return "Options.MaxBytes"
	}
	for _, r := range rows {
		switch sc := r.event.scope; {
		case sc.pending > share(s.opts.MaxDeliveries):
			return "its scope's share of Options.MaxDeliveries"
		case sc.pendingBytes > byteShare(s.opts.MaxBytes):
			return "its scope's share of Options.MaxBytes"
		}
	}
	s.trim(rows[0].event.scope)
	switch {
	case s.bytes > s.opts.MaxBytes:
		return "Options.MaxBytes"
	case s.pending+s.ended > s.opts.MaxDeliveries+s.opts.KeepEnded:
		return "Options.MaxDeliveries and KeepEnded"
	}
	return ""
}
