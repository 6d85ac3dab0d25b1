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
			if err := s.addLease(ctx, conn, t.until, l.Lane); err != nil {
				return err
			}
		}
	}
	var err error
	update := func(seqs []int64, query string, args ...any) {
		if err == nil && len(seqs) > 0 {
			list, _ := json.Marshal(seqs) // it never fails for numbers
			err = s.exec(ctx, conn, query, append(args, string(list))...)
		}
	}
	update(plain, leaseSQLite, t.until, t.Lease)
	update(keyed, leaseKeyedSQLite, t.until, t.Lease, t.now, false)
	update(heads, leaseKeyedSQLite, t.until, t.Lease, t.now, true)
	update(again, prolongSQLite, t.until)
	return err
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
	k := &laneRun{claimRun: t, s: s, ctx: ctx, c: conn, l: l, hook: hookOf(l.Scope, l.WebhookID)}
	var again []row // leased by an earlier run of the claim
	if t.repeated {
		if again, err = k.rowsOfLane(claimRepeatedSQLite, t.Lease); err != nil {
			return nil, err
		}
	}
	if l.Take != webhook.TakeAny {
		return k.takeKeyed(again)
	}
	rows, err := k.rowsOfLane(claimWaitingSQLite, int64(l.Most), t.otherStoresClaim())
	rows = append(rows, again...)
	t.sort(rows)
	return rows[:min(len(rows), l.Most)], err
}

// laneRun is a claim from one lane of an SQLite database under way.
type laneRun struct {
	*claimRun
	s     *Store
	ctx   context.Context
	c     Conn
	l     *webhook.LaneClaim
	hook  int64
	taken map[int64]bool // by seq, for rows with a key
}

// rowsOfLane runs a statement whose first arguments are the lane and the time.
func (k *laneRun) rowsOfLane(query string, args ...any) ([]row, error) {
	return k.read(query, append([]any{k.hook, k.l.Class, k.l.Scope, k.l.WebhookID, k.now}, args...)...)
}

func (k *laneRun) read(query string, args ...any) ([]row, error) {
	return readAll(k.ctx, k.s, k.c, query, args, newClaimReaderSQLite(k.l.Lane).read)
}

// sort puts rows into the order in which they are taken: first those that this claim holds.
func (t *claimRun) sort(rows []row) {
	rank := func(d *row) int {
		if t.heldByThisClaim(d) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(rank(&a)-rank(&b), a.Due.Compare(b.Due), cmp.Compare(a.seq, b.seq))
	})
}

// otherStoresClaim is the claim's number for rows that another Store leased under it, or -1.
// claimRepeatedSQLite finds the rows that this Store leased under the number.
func (t *claimRun) otherStoresClaim() int64 {
	if t.repeated {
		return -1
	}
	return t.Lease
}

// heldByThisClaim reports whether a row is held under the claim's own number.
func (t *claimRun) heldByThisClaim(d *row) bool { return d.Held && micros(d.Due) > t.now }
