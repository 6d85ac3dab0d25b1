package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// claimSQLite takes rows inside a write transaction, which excludes other writers.
func (s *Store) claimSQLite(ctx context.Context, conn Conn, t *claimRun) error {
	t.reset()
	size, first := 0, true
	var plain, keyed, heads, again []int64
	for i := range t.Lanes {
		l := &t.Lanes[i]
		rows, err := s.candidatesSQLite(ctx, conn, t, i)
		if err != nil {
			return err
		}
		for k := range rows {
			d := &rows[k]
			if d.Superseded {
				d.Body = nil
			}
			if !first && t.MaxBytes > 0 && size+len(d.Body) > t.MaxBytes {
				t.short, size = append(t.short, l.Lane), t.MaxBytes+1 // nothing more fits
				rows = rows[:k]
				break
			}
			first, size = false, size+len(d.Body)
			if t.heldByThisClaim(d) {
				again = append(again, d.seq)
				continue
			}
			d.alone = l.Take != webhook.TakeAny && d.Key != "" && !d.Superseded
			switch {
			case d.Key == "":
				plain = append(plain, d.seq)
			case d.alone:
				heads = append(heads, d.seq)
			default:
				keyed = append(keyed, d.seq)
			}
			s.keyed.Store(s.keyed.Load() || d.Key != "")
			if d.was = micros(d.Due); d.Held {
				d.Interrupted++
			}
			d.Held, d.Lease = true, max(d.Lease+1, t.Lease)
		}
		if t.rows[i] = rows; len(rows) > 0 {
			if err := s.exec(ctx, conn, insertLease, t.until, hookOf(l.Scope, l.WebhookID), l.Class, l.Scope, l.WebhookID); err != nil {
				return err
			}
		}
	}
	err := s.execAll(ctx, conn, leaseSQLite, plain, t.until, t.Lease)
	if err == nil {
		err = s.execAll(ctx, conn, leaseKeyedSQLite, keyed, t.until, t.Lease, t.now, false)
	}
	if err == nil {
		err = s.execAll(ctx, conn, leaseKeyedSQLite, heads, t.until, t.Lease, t.now, true)
	}
	if err == nil {
		err = s.execAll(ctx, conn, prolongSQLite, again, t.until)
	}
	if err == nil {
		err = s.removeOldLeases(ctx, conn, t.now)
	}
	return err
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

// repeatedSQLite returns the rows of a lane that an earlier run of this claim leased.
func (s *Store) repeatedSQLite(ctx context.Context, conn Conn, t *claimRun, l *webhook.LaneClaim) (rows []row, err error) {
	if !t.repeated {
		return nil, nil
	}
	in := newClaimReaderSQLite(l.Lane)
	err = s.each(ctx, conn, claimRepeatedSQLite, []any{hookOf(l.Scope, l.WebhookID), l.Class, l.Scope, l.WebhookID, t.now, t.Lease}, func(r Rows) error {
		d, err := in.read(r)
		rows = append(rows, d)
		return err
	})
	return rows, err
}

// candidatesSQLite returns up to Most rows of a lane in the order in which they are taken,
// and none while the webhook does not receive.
func (s *Store) candidatesSQLite(ctx context.Context, conn Conn, t *claimRun, i int) ([]row, error) {
	l := &t.Lanes[i]
	var hook webhookRow
	var active bool
	var expires int64
	err := s.row(ctx, conn, `SELECT active, expires, data, sealed, secret FROM {p}webhook WHERE id = $1 AND scope = $2`,
		[]any{l.WebhookID, l.Scope}, &active, &expires, &hook.data, &hook.sealed, &hook.secret)
	switch {
	case err == nil && (!active || expires != 0 && expires <= t.now):
		return nil, nil
	case err == nil:
		t.webhooks[i] = hook
	case !notFound(err):
		return nil, err
	}
	rows, err := s.repeatedSQLite(ctx, conn, t, l)
	if err != nil {
		return nil, err
	}
	if l.Take != webhook.TakeAny {
		return s.keyedSQLite(ctx, conn, t, l, rows)
	}
	in := newClaimReaderSQLite(l.Lane)
	err = s.each(ctx, conn, claimWaitingSQLite, []any{hookOf(l.Scope, l.WebhookID), l.Class, l.Scope, l.WebhookID, t.now, int64(l.Most), t.otherStoresClaim()},
		func(r Rows) error {
			d, err := in.read(r)
			rows = append(rows, d)
			return err
		})
	t.sort(rows)
	return rows[:min(len(rows), l.Most)], err
}

// sort puts rows into the order in which they are taken.
func (t *claimRun) sort(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(t.rank(&a)-t.rank(&b), a.Due.Compare(b.Due), cmp.Compare(a.seq, b.seq))
	})
}

// otherStoresClaim is the claim's number for rows that another Store leased under it, or -1.
// repeatedSQLite finds the rows that this Store leased under the number.
func (t *claimRun) otherStoresClaim() int64 {
	if t.repeated {
		return -1
	}
	return t.Lease
}

// heldByThisClaim reports whether a row is held under the claim's own number.
func (t *claimRun) heldByThisClaim(d *row) bool { return d.Held && micros(d.Due) > t.now }

// rank sorts the rows that this claim holds first.
func (t *claimRun) rank(d *row) int {
	if t.heldByThisClaim(d) {
		return 0
	}
	return 1
}
