package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Settle implements [webhook.Store], all outcomes in one statement and one
// transaction.
func (s *Store) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	for _, one := range ss {
		if one.State > webhook.StateFailed {
			return nil, fmt.Errorf("sqlstore: settle %s: unknown %v", one.ID, one.State)
		}
	}
	var pending []settled
	err = s.write(ctx, func(c Conn) error {
		lost, pending = nil, nil
		for _, part := range once(ss) {
			query, args, err := s.settlement(part)
			if err != nil {
				return err
			}
			after := make(map[string]settled, len(part))
			err = s.each(ctx, c, query, args, func(r Rows) error {
				var id string
				var now settled
				err := r.Scan(&id, &now.lease, &now.state, &now.queue, &now.due)
				after[id] = now
				if now.state == int(webhook.StatePending) {
					pending = append(pending, now)
				}
				return err
			})
			if err != nil {
				return err
			}
			for i := range part {
				if now, ok := after[part[i].ID]; !ok || now.refused(&part[i]) {
					lost = append(lost, part[i].ID)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("settle", "", err)
	}
	for _, w := range pending {
		s.ring.pending(w.queue, w.due)
	}
	return lost, nil
}

// settled is how a row stands after a settlement.
type settled struct {
	lease, due int64
	state      int
	queue      string
}

// refused reports whether a row shows that the settlement did not apply. One that was
// settled before, under the same lease and with the same result, as when the answer to
// a commit was lost, is not refused.
func (r settled) refused(one *webhook.Settlement) bool {
	if r.lease != one.Lease {
		return true
	}
	return r.state == int(webhook.StatePending) && (one.State != webhook.StatePending || r.due != micros(one.Due) && !one.Due.IsZero())
}

// once splits settlements so that no part names a delivery twice: a statement could
// apply only one of them. The order among those of one delivery stays.
func once(ss []webhook.Settlement) (parts [][]webhook.Settlement) {
	times := make(map[string]int, len(ss))
	for _, one := range ss {
		n := times[one.ID]
		if n == len(parts) {
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], one)
		times[one.ID]++
	}
	for _, part := range parts { // one order for all, so that two hosts cannot deadlock
		slices.SortFunc(part, func(a, b webhook.Settlement) int {
			if a.ID < b.ID {
				return -1
			}
			return 1
		})
	}
	return parts
}

// The settlement applies where the lease is the latest and still held (mine). A
// delivery counts as delivered whoever reports it, as long as it is pending. Whatever
// the lease, the attempt goes into the history.
const (
	mine    = `(d.state = 0 AND d.held AND d.lease = v.lease)`
	applies = `(d.state = 0 AND (v.state = 1 OR d.held AND d.lease = v.lease))`
)

const settleSet = `UPDATE {p}delivery AS d SET
 state = CASE WHEN ` + applies + ` THEN v.state ELSE d.state END,
 due = CASE WHEN ` + mine + ` AND v.state = 0 THEN v.due ELSE d.due END,
 held = CASE WHEN ` + applies + ` THEN false ELSE d.held END,
 finished = CASE WHEN ` + applies + ` AND v.state > 0 THEN v.due ELSE d.finished END,
 code = CASE WHEN ` + applies + ` AND (v.code <> '' OR v.state = 1) THEN v.code ELSE d.code END,
 exhausted = CASE WHEN ` + applies + ` THEN v.exhausted ELSE d.exhausted END,
 tries = d.tries + CASE WHEN ` + applies + ` THEN v.tries ELSE 0 END,
 first_failure = CASE WHEN ` + applies + ` AND d.first_failure = 0 THEN v.failed ELSE d.first_failure END,
 attempts = CASE WHEN v.lease < 1 OR v.lease > d.lease OR `

// The history of a delivery keeps its latest attempts, up to so many bytes and the one
// that exceeds them: some 50 with a full snippet, thousands without. A line that is its
// last already comes from a settlement whose answer was lost.
const settlePostgres = settleSet + `right(d.attempts, length(v.attempt)) = v.attempt THEN d.attempts
  WHEN octet_length(d.attempts) < 200000 THEN d.attempts || v.attempt
  ELSE substr(d.attempts, strpos(d.attempts, chr(10)) + 1) || v.attempt END
FROM unnest($1::text::text[], $2::text::int8[], $3::text::int2[], $4::text::int8[], $5::text::text[],
 $6::text::bool[], $7::text::int4[], $8::text::int8[], $9::text::text[])
 AS v(id, lease, state, due, code, exhausted, tries, failed, attempt)
WHERE d.id = v.id RETURNING d.id, d.lease, d.state, d.queue, d.due`

const settleSQLite = settleSet + `substr(d.attempts, -length(v.attempt)) = v.attempt THEN d.attempts
  WHEN length(d.attempts) < 200000 THEN d.attempts || v.attempt
  ELSE substr(d.attempts, instr(d.attempts, char(10)) + 1) || v.attempt END
FROM (SELECT value->>0 AS id, value->>1 AS lease, value->>2 AS state, value->>3 AS due, value->>4 AS code,
 value->>5 AS exhausted, value->>6 AS tries, value->>7 AS failed, value->>8 AS attempt FROM json_each($1)) AS v
WHERE d.id = v.id RETURNING id, lease, state, queue, due`

func (s *Store) settlement(ss []webhook.Settlement) (query string, args []any, err error) {
	a := make(arrays, 9)
	rows := make([][9]any, 0, len(ss))
	for i := range ss {
		one := &ss[i]
		due, failed, tries, line := micros(one.Due), int64(0), int64(0), ""
		exhausted := one.Exhausted && one.State == webhook.StateFailed
		if r := one.Result; r != nil {
			tries = 1
			if due == 0 {
				due = micros(r.End())
			}
			if !r.OK() {
				failed = micros(r.End())
			}
			if line, err = encodeAttempt(r); err != nil {
				return "", nil, err
			}
		}
		due = cmp.Or(due, s.lastTold())
		if s.dialect == SQLite {
			rows = append(rows, [9]any{one.ID, one.Lease, one.State, due, one.Code, exhausted, tries, failed, line})
			continue
		}
		a.text(0, one.ID)
		a.int(1, one.Lease)
		a.int(2, int64(one.State))
		a.int(3, due)
		a.text(4, string(one.Code))
		a.bool(5, exhausted)
		a.int(6, tries)
		a.int(7, failed)
		a.text(8, line)
	}
	if s.dialect == PostgreSQL {
		return settlePostgres, a.args(), nil
	}
	list, err := json.Marshal(rows)
	return settleSQLite, []any{string(list)}, err
}

// attempt is a line of the column of attempts. Times are microseconds, spans are
// nanoseconds.
type attempt struct {
	Number     int           `json:"n"`
	Status     int           `json:"s,omitempty"`
	Code       webhook.Code  `json:"c,omitempty"`
	Start      int64         `json:"t"`
	Duration   time.Duration `json:"d"`
	RetryAfter time.Duration `json:"r,omitempty"`
	Snippet    string        `json:"x,omitempty"`
}

// encodeAttempt makes a line. JSON keeps newlines and NUL out of it.
func encodeAttempt(a *webhook.Attempt) (string, error) {
	b, err := json.Marshal(attempt{a.Number, a.Status, a.Code, micros(a.Start), a.Duration, a.RetryAfter, a.Snippet})
	return string(b) + "\n", err
}
