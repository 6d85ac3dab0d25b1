package sqlstore

import (
	"context"
	"slices"
	"strconv"
	"time"

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
	if err := s.awaitLostClaim(ctx, t); err != nil {
		return err
	}
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

// maxLostClaim bounds the wait for a claim whose connection is lost and which the server still runs.
const maxLostClaim = 3 * time.Second

// awaitLostClaim waits until the earlier run of a repeated claim has ended in the server. Its rows are
// not visible before: the repetition would take others, and those rows would wait for the end of the lease.
func (s *Store) awaitLostClaim(ctx context.Context, t *claimRun) error {
	if !t.repeated {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, maxLostClaim)
	defer cancel()
	err := s.single(limited, func(c Conn) error { // without an argument it is one round trip
		return wrap(c.Exec(limited, `SELECT pg_advisory_xact_lock(`+strconv.FormatInt(t.Lease, 10)+`)`))
	})
	if limited.Err() != nil {
		return ctx.Err()
	}
	return err
}

// takeKeyed takes rows of a webhook that may keep an order or coalesce.
func (k *laneRun) takeKeyed(again []row) ([]row, error) {
	k.taken = make(map[int64]bool)
	var rows []row
	for i := range again {
		if ok, err := k.takesLeased(&again[i]); err != nil {
			return nil, err
		} else if ok {
			rows = append(rows, again[i])
		}
	}
	waiting, err := k.takeWaiting()
	if err != nil {
		return nil, err
	}
	rows = append(rows, waiting...)
	k.sort(rows)
	n := 0
	return slices.DeleteFunc(rows, func(d row) bool {
		if !d.Superseded {
			n++
		}
		return !d.Superseded && n > k.l.Most
	}), nil
}

// takesLeased reports whether the claim takes a row that was leased before, by the same claim or
// under a lease that has ended.
func (k *laneRun) takesLeased(d *row) (ok bool, err error) {
	key := keyName{k.hook, d.Key}
	in, err := k.standing(d)
	if err != nil {
		return false, err
	}
	d.Superseded = in.later > 0 && k.l.Take == webhook.TakeNewest
	ok = d.Key == "" || d.Superseded || d.alone || k.heldByThisClaim(d) || in.first && in.free && !k.keys[key]
	if ok && !d.Superseded {
		k.keys[key] = true
	}
	k.taken[d.seq] = ok
	return ok, nil
}

// takeWaiting takes rows of the lane that wait, and rows whose lease has ended.
func (k *laneRun) takeWaiting() (rows []row, err error) {
	const spare = 64 // rows whose key is busy
	query := claimWaitingSQLite
	if k.l.Take == webhook.TakeHeads {
		query = claimHeadsSQLite
	}
	due, err := k.rowsOfLane(query, int64(k.l.Most+spare), k.otherStoresClaim())
	n := 0
	for i := range due {
		d := &due[i]
		switch {
		case err != nil:
			return nil, err
		case k.taken[d.seq]:
		case d.Key == "" || k.l.Take == webhook.TakeHeads:
			if n++; n <= k.l.Most && (d.Key == "" || !k.keys[keyName{k.hook, d.Key}]) {
				rows = append(rows, *d)
			}
		case d.Held:
			var ok bool
			if ok, err = k.takesLeased(d); ok {
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
func (k *laneRun) takeInstead(d *row) (rows []row, err error) {
	in, err := k.standing(d)
	if err != nil {
		return nil, err
	}
	const unit = `state = 0 AND hook = $1 AND key = $2 AND key <> '' AND (type || '') = $3 AND class = $4`
	if in.later > 0 {
		rows, err = k.takeRows(unit+` AND NOT held AND seq < $5 ORDER BY seq LIMIT `+strconv.Itoa(maxSuperseded), k.hook, d.Key, d.Type, d.Class, in.later)
		for i := range rows {
			rows[i].Superseded = true
		}
		return rows, err
	}
	if !in.free || k.keys[keyName{k.hook, d.Key}] {
		return nil, nil
	}
	rows, err = k.takeRows(unit+` ORDER BY seq DESC LIMIT 1`, k.hook, d.Key, d.Type, d.Class)
	if err != nil || len(rows) == 0 || rows[0].Held {
		return nil, err
	}
	k.keys[keyName{k.hook, d.Key}] = true
	return rows, nil
}

// takeRows reads rows and takes those that were not taken before.
func (k *laneRun) takeRows(where string, args ...any) ([]row, error) {
	rows, err := k.read(`SELECT `+claimColumns+`, `+stateColumns+`, body FROM {p}delivery WHERE `+where, args...)
	return slices.DeleteFunc(rows, func(d row) bool {
		before := k.taken[d.seq]
		k.taken[d.seq] = true
		return before
	}), err
}

// standing is the place of a row in its key.
type standing struct {
	later       int64 // a later row of its unit that was leased once or has ended, or 0
	first, free bool  // no pending row of the key is older; none has the key's turn
}

func (k *laneRun) standing(d *row) (in standing, err error) {
	err = k.s.row(k.ctx, k.c, `SELECT coalesce(`+laterOfUnit+`, 0), `+keyHasNoOlder+`, `+keyHasNoTurn+` FROM {p}delivery d WHERE d.seq = $1`,
		[]any{d.seq}, &in.later, &in.first, &in.free)
	return in, err
}
