package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// claimSQLite takes rows inside a write transaction, which no other writer is in.
func (s *Store) claimSQLite(ctx context.Context, conn Conn, t *taking) error {
	t.reset()
	leased, err := s.leasedSQLite(ctx, conn, t)
	if err != nil {
		return err
	}
	size, first := 0, true
	var fresh, heads, again []int64
	for i := range t.Lanes {
		rows, err := s.candidatesSQLite(ctx, conn, t, i, leased[i])
		if err != nil {
			return err
		}
		for k := range rows {
			d := &rows[k]
			if d.Superseded {
				d.Body = nil
			}
			if !first && t.MaxBytes > 0 && size+len(d.Body) > t.MaxBytes {
				t.short, size = append(t.short, t.Lanes[i].Lane), t.MaxBytes+1 // nothing more fits
				rows = rows[:k]
				break
			}
			first, size = false, size+len(d.Body)
			if t.again(d) {
				again = append(again, d.seq)
				continue
			}
			if d.alone = t.Lanes[i].Take != webhook.TakeAny && d.Key != "" && !d.Superseded; d.alone {
				heads = append(heads, d.seq)
			} else {
				fresh = append(fresh, d.seq)
			}
			s.keyed.Store(s.keyed.Load() || d.Key != "")
			if d.was = micros(d.Due); d.Held {
				d.Interrupted++
			}
			d.Held, d.Lease = true, max(d.Lease+1, t.Lease)
		}
		t.rows[i] = rows
	}
	if err := s.execAll(ctx, conn, leaseSQLite, fresh, t.until, t.Lease, false); err != nil {
		return err
	}
	if err := s.execAll(ctx, conn, leaseSQLite, heads, t.until, t.Lease, true); err != nil {
		return err
	}
	return s.execAll(ctx, conn, prolongSQLite, again, t.until)
}

// execAll runs a statement whose last argument is a list.
func (s *Store) execAll(ctx context.Context, conn Conn, query string, seqs []int64, args ...any) error {
	if len(seqs) == 0 {
		return nil
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return err
	}
	return s.exec(ctx, conn, query, append(args, string(list))...)
}

// leasedSQLite finds, for each lane, leases that have ended and those of an earlier answer
// to this claim.
func (s *Store) leasedSQLite(ctx context.Context, conn Conn, t *taking) ([][]row, error) {
	found := make([][]row, len(t.Lanes))
	scan := func(r Rows) error {
		var body []byte
		d, err := scanDelivery(r, &body)
		d.Body = body
		if i, ok := t.turns[d.lane()]; ok {
			found[i] = append(found[i], d)
		}
		return err
	}
	for _, until := range t.untils {
		if until <= t.now {
			continue
		}
		if err := s.each(ctx, conn, claimAgainSQLite, []any{until, t.Lease}, scan); err != nil {
			return nil, err
		}
	}
	return found, s.each(ctx, conn, claimEndedSQLite, []any{t.now}, scan)
}

// candidatesSQLite returns up to Most rows of a lane in the order in which they are taken,
// none where its webhook does not receive.
func (s *Store) candidatesSQLite(ctx context.Context, conn Conn, t *taking, i int, rows []row) ([]row, error) {
	l := &t.Lanes[i]
	var hook stored
	var active bool
	var expires int64
	err := s.row(ctx, conn, `SELECT active, expires, data, sealed, secret FROM {p}webhook WHERE id = $1 AND scope = $2`,
		[]any{l.WebhookID, l.Scope}, &active, &expires, &hook.data, &hook.sealed, &hook.secret)
	switch {
	case err == nil && (!active || expires != 0 && expires <= t.now):
		return nil, nil
	case err == nil:
		t.hooks[i] = hook
	case !notFound(err):
		return nil, err
	}
	if l.Take != webhook.TakeAny {
		return s.keyedSQLite(ctx, conn, t, l, rows)
	}
	leased := len(rows)
	err = s.each(ctx, conn, claimWaitingSQLite, []any{hookOf(l.Scope, l.WebhookID), l.Class, l.Scope, l.WebhookID, t.now, int64(l.Most)},
		func(r Rows) error {
			d, err := scanWaiting(r, l.Lane)
			rows = append(rows, d)
			return err
		})
	if leased > 0 {
		t.sort(rows)
	}
	return rows[:min(len(rows), l.Most)], err
}

// sort puts rows into the order in which they are taken.
func (t *taking) sort(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(t.rank(&a)-t.rank(&b), a.Due.Compare(b.Due), cmp.Compare(a.seq, b.seq))
	})
}

// scanWaiting reads what claimWaitingSQLite finds in a lane.
func scanWaiting(r Rows, l webhook.Lane) (d row, err error) {
	d.Scope, d.WebhookID, d.Class = l.Scope, l.WebhookID, l.Class
	var name, code string
	var due, first, created, queued, expires int64
	var earlier int
	err = r.Scan(&d.seq, &d.id, &name, &d.EventID, &d.Type, &d.extra, &due, &d.Lease, &d.Tries, &earlier, &d.Interrupted, &first, &created, &queued, &code, &d.Exhausted,
		&d.Key, &expires, &d.Body)
	d.ID, d.LastCode, d.Sequence, d.ExpiresAt = cmp.Or(name, d.id), webhook.Code(code), d.seq, fromMicros(expires)
	d.Attempts = earlier + d.Tries
	d.Due, d.FirstFailure, d.CreatedAt, d.QueuedAt = fromMicros(due), fromMicros(first), fromMicros(created), fromMicros(queued)
	return d, err
}

// again reports whether a row is held under the claim's own number.
func (t *taking) again(d *row) bool { return d.Held && micros(d.Due) > t.now }

// rank puts such rows first.
func (t *taking) rank(d *row) int {
	if t.again(d) {
		return 0
	}
	return 1
}
