package sqlstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/dberr"
)

// Conditions about a row d that has a key. PostgreSQL evaluates scalar subqueries for such rows only
// and never by a scan of the whole index; the ORDER BY prevents a scan of the table.
const (
	// keyHasNoOlder: no pending row of the key is older.
	keyHasNoOlder = `(SELECT o.seq FROM {p}delivery o WHERE o.hook = d.hook AND o.key = d.key AND o.key <> '' AND o.state = 0 AND o.seq < d.seq ORDER BY o.seq DESC LIMIT 1) IS NULL`
	// keyHasNoTurn: no row of the key has the key's turn.
	keyHasNoTurn = `(SELECT o.seq FROM {p}delivery o WHERE o.hook = d.hook AND o.key = d.key AND o.state = 0 AND o.alone LIMIT 1) IS NULL`
	// laterOfUnit selects a later row of d's unit (key, type and class) that was leased once or has ended.
	laterOfUnit = `(SELECT o.seq FROM {p}delivery o WHERE o.hook = d.hook AND o.key = d.key AND o.type = d.type AND o.class = d.class AND o.seq > d.seq
   AND o.key <> '' AND (o.state <> 0 OR o.begun) ORDER BY o.seq LIMIT 1)`
)

// maxSuperseded bounds the superseded rows of a unit that one claim returns.
const maxSuperseded = 500

// uniqueViolation is unique_violation (PostgreSQL manual, appendix A): another host has given the
// turn of a key to a row that this statement did not see as held.
const uniqueViolation = "23505"

// maxKeyConflicts bounds the attempts of a claim then. The next attempt sees the other host's row.
const maxKeyConflicts = 5

// claimAllPostgres takes rows of all lanes. Lanes of webhooks that coalesce have a statement of their own.
func (s *Store) claimAllPostgres(ctx context.Context, t *claimRun) error {
	keyed := slices.ContainsFunc(t.Lanes, func(l webhook.LaneClaim) bool { return l.Take != webhook.TakeAny })
	if keyed {
		if err := s.unparkCommitted(ctx, t.now); err != nil {
			return err
		}
	}
	var err error
	for range maxKeyConflicts {
		err = s.single(ctx, func(conn Conn) error {
			t.reset()
			statement := claimPlainPostgres
			if keyed || t.repeated {
				statement = claimPostgres
			}
			if err := s.claimPostgres(ctx, conn, t, statement, false); err != nil || !keyed {
				return err
			}
			return s.claimPostgres(ctx, conn, t, claimNewestPostgres, true)
		})
		if !keyed || dberr.State(err) != uniqueViolation {
			return err
		}
	}
	return err
}

// keyedSQLite is candidatesSQLite for a webhook that may keep an order or coalesce.
func (s *Store) keyedSQLite(ctx context.Context, conn Conn, t *claimRun, l *webhook.LaneClaim, again []row) ([]row, error) {
	k := &keyedClaim{s: s, ctx: ctx, c: conn, l: l, hook: hookOf(l.Scope, l.WebhookID), taken: make(map[int64]bool), keys: t.keysOf(l)}
	var rows []row
	for i := range again {
		if ok, err := k.takesLeased(t, &again[i]); err != nil {
			return nil, err
		} else if ok {
			rows = append(rows, again[i])
		}
	}
	waiting, err := k.takeWaiting(t)
	if err != nil {
		return nil, err
	}
	rows = append(rows, waiting...)
	t.sort(rows)
	n := 0
	return slices.DeleteFunc(rows, func(d row) bool {
		if !d.Superseded {
			n++
		}
		return !d.Superseded && n > l.Most
	}), nil
}

// keyedClaim is a claim from one lane under way.
type keyedClaim struct {
	s     *Store
	ctx   context.Context
	c     Conn
	l     *webhook.LaneClaim
	hook  int64
	taken map[int64]bool
	keys  map[string]bool // keys with a taken row, also from other lanes of the webhook
}

// takesLeased reports whether the claim takes a row that was leased before, by the same claim or
// under a lease that has ended.
func (k *keyedClaim) takesLeased(t *claimRun, d *row) (ok bool, err error) {
	if d.Key != "" && k.l.Take == webhook.TakeNewest {
		above, err := k.laterOfUnit(d)
		if err != nil {
			return false, err
		}
		d.Superseded = above > 0
	}
	if ok = d.Key == "" || d.Superseded || d.alone || t.heldByThisClaim(d); !ok && !k.keys[d.Key] {
		if ok, err = k.holds(d, keyHasNoOlder+` AND `+keyHasNoTurn); err != nil {
			return false, err
		}
	}
	if ok && !d.Superseded {
		k.keys[d.Key] = true
	}
	k.taken[d.seq] = ok
	return ok, nil
}

// takeWaiting takes rows of the lane that wait, and rows whose lease has ended.
func (k *keyedClaim) takeWaiting(t *claimRun) (rows []row, err error) {
	const spare = 64 // rows whose key is busy
	var due []row
	where := claimWaitingSQLite
	if k.l.Take == webhook.TakeHeads {
		where = claimHeadsSQLite
	}
	in := newClaimReaderSQLite(k.l.Lane)
	err = k.s.each(k.ctx, k.c, where, []any{k.hook, k.l.Class, k.l.Scope, k.l.WebhookID, t.now, int64(k.l.Most + spare), t.otherStoresClaim()}, func(r Rows) error {
		d, err := in.read(r)
		due = append(due, d)
		return err
	})
	n := 0
	for i := range due {
		d := &due[i]
		switch {
		case err != nil:
			return nil, err
		case k.taken[d.seq]:
		case d.Key == "" || k.l.Take == webhook.TakeHeads:
			if n++; n <= k.l.Most && !(d.Key != "" && k.keys[d.Key]) {
				rows = append(rows, *d)
			}
		case d.Held:
			var ok bool
			if ok, err = k.takesLeased(t, d); ok {
				rows = append(rows, *d)
			}
		default:
			var more []row
			more, err = k.takeInstead(d)
			rows = append(rows, more...)
		}
	}
	return rows, err
}

// takeInstead takes rows in the place of a row that is due: the superseded rows of its unit, or
// the unit's newest row.
func (k *keyedClaim) takeInstead(d *row) (rows []row, err error) {
	above, err := k.laterOfUnit(d)
	if err != nil {
		return nil, err
	}
	unit := []any{k.hook, d.Key, d.Type, d.Class}
	if above > 0 {
		rows, err = k.read(`state = 0 AND NOT held AND hook = $1 AND key = $2 AND key <> '' AND (type || '') = $3 AND class = $4 AND seq < $5 ORDER BY seq LIMIT `+strconv.Itoa(maxSuperseded),
			append(unit, above)...)
		for i := range rows {
			rows[i].Superseded = true
		}
		return rows, err
	}
	if free, err := k.holds(d, keyHasNoTurn); err != nil || !free || k.keys[d.Key] {
		return nil, err
	}
	rows, err = k.read(`state = 0 AND hook = $1 AND key = $2 AND key <> '' AND (type || '') = $3 AND class = $4 ORDER BY seq DESC LIMIT 1`, unit...)
	if err != nil || len(rows) == 0 || rows[0].Held {
		return nil, err
	}
	k.keys[d.Key] = true
	return rows, nil
}

// read reads rows that were not taken yet.
func (k *keyedClaim) read(where string, args ...any) (rows []row, err error) {
	in := newClaimReaderSQLite(k.l.Lane)
	err = k.s.each(k.ctx, k.c, `SELECT `+claimColumns+`, `+stateColumns+`, body FROM {p}delivery WHERE `+where, args, func(r Rows) error {
		d, err := in.read(r)
		if !k.taken[d.seq] {
			k.taken[d.seq] = true
			rows = append(rows, d)
		}
		return err
	})
	return rows, err
}

// laterOfUnit returns the number of a later row of the unit that was leased once or has ended, or 0.
func (k *keyedClaim) laterOfUnit(d *row) (seq int64, err error) {
	err = k.s.row(k.ctx, k.c, `SELECT coalesce(`+laterOfUnit+`, 0) FROM {p}delivery d WHERE d.seq = $1`, []any{d.seq}, &seq)
	return seq, err
}

// holds reports whether a condition about d is true.
func (k *keyedClaim) holds(d *row, condition string) (is bool, err error) {
	err = k.s.row(k.ctx, k.c, `SELECT `+condition+` FROM {p}delivery d WHERE d.seq = $1`, []any{d.seq}, &is)
	return is, err
}
