package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Settle implements [webhook.Store]. Outcomes of leases that are still held, nearly all, go
// through a short statement, the others through one that returns the state of their rows.
func (s *Store) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	for _, one := range ss {
		if one.State > webhook.StateFailed {
			return nil, fmt.Errorf("sqlstore: settle %s: unknown %v", one.ID, one.State)
		}
	}
	if len(ss) == 0 {
		return nil, nil
	}
	list := make([]outcome, 0, len(ss))
	for i := range ss {
		o, err := outcomeOf(&ss[i])
		if err != nil {
			return nil, s.fail("settle", ss[i].ID, err)
		}
		list = append(list, o)
	}
	// All hosts settle in the same order, so they cannot deadlock.
	slices.SortStableFunc(list, func(a, b outcome) int { return strings.Compare(a.id, b.id) })
	if s.dialect == PostgreSQL {
		lost, err = s.settlePostgres(ctx, list)
	} else {
		err = s.write(ctx, func(c Conn) (err error) {
			lost, err = s.settleSQLite(ctx, c, list)
			return err
		})
	}
	for i := range ss {
		if ss[i].State == webhook.StatePending {
			s.watermarks.dropAbove(micros(ss[i].Due))
		}
	}
	if err != nil {
		return nil, s.fail("settle", "", err)
	}
	s.removeOldCounts(ctx, list)
	return lost, nil
}

// outcome is a settlement in the form of the statements' arguments.
type outcome struct {
	settlement           *webhook.Settlement
	id                   string // of the row
	due, tries, failed   int64
	exhausted            bool
	attempt              string
	hour, took           int64 // of the attempt: the start of its hour, and its duration
	lease, state, dueNow int64 // the row after the settlement
	key                  keyName
	known                bool
}

func outcomeOf(one *webhook.Settlement) (o outcome, err error) {
	o = outcome{settlement: one, id: one.ID, due: micros(one.Due), exhausted: one.Exhausted && one.State != webhook.StateDelivered}
	if r := one.Result; r != nil {
		o.tries = 1
		o.due = cmp.Or(o.due, micros(r.End()))
		if !r.OK() {
			o.failed = micros(r.End())
		}
		o.hour, o.took = micros(r.End().UTC().Truncate(time.Hour)), r.Duration.Microseconds()
		o.attempt, err = encodeAttempt(one.Lease, r)
	}
	return o, err
}

func (o *outcome) values() []any {
	return []any{o.id, o.settlement.Scope, o.settlement.Lease, int64(o.settlement.State), o.due, string(o.settlement.Code), o.exhausted, o.tries, o.failed, o.attempt}
}

// lost reports whether the row shows that the settlement did not apply. A repetition of a
// stored settlement, as after a commit with an unknown result, is not lost.
func (o *outcome) lost() bool {
	if !o.known || o.lease != o.settlement.Lease {
		return true
	}
	pending := int64(webhook.StatePending)
	return o.state == pending && (o.settlement.State != webhook.StatePending || o.due != 0 && o.dueNow != o.due)
}

func outcomeArrays(list []outcome) arrays {
	a := make(arrays, 10)
	for i := range list {
		a.add(list[i].values()...)
	}
	return a
}

func (s *Store) settlePostgres(ctx context.Context, list []outcome) (lost []string, err error) {
	end := latestEndOf(list)
	n, applied, ended, err := s.settleHeld(ctx, list)
	if err == nil {
		s.unparkNext(ctx, ended, end)
	}
	if err != nil || n == len(list) {
		return nil, err
	}
	done := make(map[string]bool, n)
	for id := range strings.FieldsSeq(applied) {
		done[id] = true
	}
	list = slices.DeleteFunc(list, func(o outcome) bool { return done[o.id] })
	err = s.single(ctx, func(c Conn) error { return s.settleAll(ctx, c, settlePostgres, outcomeArrays(list).args(), list) })
	if err != nil {
		return nil, err
	}
	s.unparkNext(ctx, endedKeys(list), end)
	for i := range list {
		if list[i].lost() {
			lost = append(lost, list[i].settlement.ID)
		}
	}
	return lost, nil
}

// settleHeld writes outcomes of leases that are still held. ended lists the keys of which a row
// has ended.
func (s *Store) settleHeld(ctx context.Context, list []outcome) (n int, applied string, ended []keyName, err error) {
	query, args := s.settleHeldQuery(list)
	err = s.single(ctx, func(c Conn) error {
		first := true
		ended = nil
		return s.each(ctx, c, query, args, func(r Rows) error {
			var number int64
			var text string
			err := r.Scan(&number, &text)
			if first {
				n, applied, first = int(number), text, false
			} else {
				ended = append(ended, keyName{number, text})
			}
			return err
		})
	})
	return n, applied, ended, err
}

// endedKeys returns the keys of rows that have ended.
func endedKeys(list []outcome) (keys []keyName) {
	for i := range list {
		if o := &list[i]; o.known && o.state > 0 && o.key.key != "" {
			keys = append(keys, o.key)
		}
	}
	return keys
}

// latestEndOf returns the time of the latest outcome that ends a delivery.
func latestEndOf(list []outcome) (end int64) {
	for i := range list {
		if list[i].settlement.State != webhook.StatePending {
			end = max(end, list[i].due)
		}
	}
	return end
}

func (s *Store) settleSQLite(ctx context.Context, c Conn, list []outcome) (lost []string, err error) {
	written := make([]*outcome, 0, len(list))
	for i := range list {
		o := &list[i]
		n, err := s.changed(ctx, c, settleHeldSQLite, o.values()...)
		if n > 0 {
			written = append(written, o)
		} else if err == nil {
			if err = s.settleAll(ctx, c, settleSQLite, o.values(), list[i:i+1]); o.lost() {
				lost = append(lost, o.settlement.ID)
			}
		}
		if err == nil && s.keyed.Load() && o.settlement.State != webhook.StatePending {
			err = s.exec(ctx, c, unparkNextSQLite, o.id, o.due)
		}
		if err != nil {
			return nil, err
		}
	}
	return lost, s.countAll(ctx, c, written)
}

// settleAll runs the statement that returns the rows after the settlement, each with the place of its
// outcome in the list, from 1 on.
func (s *Store) settleAll(ctx context.Context, c Conn, query string, args []any, list []outcome) error {
	return s.each(ctx, c, query, args, func(r Rows) error {
		var n int
		var id string
		var lease, state, due int64
		var key keyName
		err := r.Scan(&n, &id, &lease, &state, &due, &key.hook, &key.key)
		if err == nil {
			o := &list[n-1]
			o.id, o.lease, o.state, o.dueNow, o.key, o.known = id, lease, state, due, key, true
		}
		return err
	})
}

// appendableAttempts is the length of a history below which an attempt is appended without a search.
const appendableAttempts = "100000"

// A settlement applies if its lease is the latest and still held. A success also applies under
// an earlier lease, as long as the delivery is pending. Under any lease the attempt is added to
// the history once: a settlement whose attempt is there already, or that gives back a row that
// is not held, is a repetition and changes nothing.
//
// The history of a delivery keeps its latest attempts, up to 200,000 bytes and the attempt
// that exceeds them: some 50 with a full snippet, thousands without.
const settleSet = `UPDATE {p}delivery AS d SET
 state = CASE WHEN <applies> THEN v.state ELSE d.state END,
 due = CASE WHEN <applies> THEN <end> ELSE d.due END,
 held = CASE WHEN <applies> THEN false ELSE d.held END,
 until = CASE WHEN <applies> THEN 0 ELSE d.until END,
 alone = CASE WHEN <applies> THEN false ELSE d.alone END,
 finished = CASE WHEN <applies> AND v.state > 0 THEN <end> ELSE d.finished END,
 code = CASE WHEN <applies> AND (v.code <> '' OR v.state = 1) THEN v.code ELSE d.code END,
 exhausted = CASE WHEN <applies> THEN v.exhausted ELSE d.exhausted END,
 tries = d.tries + CASE WHEN <applies> THEN v.tries ELSE 0 END,
 first_failure = CASE WHEN <applies> AND d.first_failure = 0 THEN v.failed ELSE d.first_failure END,
 attempts = CASE WHEN v.attempt = '' OR v.lease < 1 OR v.lease > d.lease OR <recorded> THEN d.attempts
  WHEN <bytes>(d.attempts) < 200000 THEN d.attempts || v.attempt
  ELSE substr(d.attempts, <find>(d.attempts, <newline>) + 1) || v.attempt END
`

// settleStatement writes the outcomes of v, and finds a row by its ID or by its name.
func settleStatement(find, bytes, newline, greatest, from, returning string) string {
	recorded := find + `(d.attempts, '{"l":' || v.lease || ',') > 0`
	applies := `(d.state = 0 AND (d.held AND d.lease = v.lease OR v.state = 1 AND v.lease BETWEEN 1 AND d.lease
  AND (v.attempt <> '' OR v.lease < d.lease) AND NOT ` + recorded + `))`
	end := `CASE WHEN v.due = 0 THEN ` + greatest + `(d.was, d.queued) ELSE v.due END`
	return strings.NewReplacer("<applies>", applies, "<end>", end, "<recorded>", recorded, "<find>", find, "<bytes>", bytes, "<newline>", newline).
		Replace(settleSet) + from + ` WHERE d.id = ` + rowID("v.scope", "v.id") + ` AND d.scope = v.scope RETURNING ` + returning
}
