package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	parts := once(ss)
	var pending []settled
	settle := func(c Conn) error {
		lost, pending = nil, nil
		for _, part := range parts {
			after, err := s.settle(ctx, c, part)
			if err != nil {
				return err
			}
			for i := range part {
				now, ok := after[part[i].ID]
				if !ok || now.refused(&part[i]) {
					lost = append(lost, part[i].ID)
				}
				if ok && now.state == int(webhook.StatePending) {
					pending = append(pending, now)
				}
			}
		}
		return nil
	}
	if s.dialect == PostgreSQL && len(parts) == 1 { // one statement is a transaction
		if err = settle(s.reader()); again(err) {
			err = settle(s.reader())
		}
	} else if len(parts) > 0 {
		err = s.write(ctx, settle)
	}
	if err != nil {
		return nil, s.fail("settle", "", err)
	}
	for _, w := range pending {
		s.ring.pending(w.queue, w.due)
	}
	return lost, nil
}

// settle writes outcomes of different deliveries and returns how their rows stand then.
func (s *Store) settle(ctx context.Context, c Conn, ss []webhook.Settlement) (map[string]settled, error) {
	values, err := s.settlement(ss)
	if err != nil {
		return nil, err
	}
	after := make(map[string]settled, len(ss))
	return after, s.run(ctx, c, settleRows, values, func(r Rows) error {
		var id string
		var now settled
		err := r.Scan(&id, &now.lease, &now.state, &now.queue, &now.due)
		after[id] = now
		return err
	})
}

// settled is how a row stands after a settlement.
type settled struct {
	lease, due int64
	state      int
	queue      string
}

// refused reports whether a row shows that the settlement did not apply. One that
// repeats a stored one, as when the answer to a commit was lost, is not refused.
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
		slices.SortFunc(part, func(a, b webhook.Settlement) int { return strings.Compare(a.ID, b.ID) })
	}
	return parts
}

// A settlement applies where its lease is the latest and still held (mine). A delivery
// counts as delivered whoever reports it, as long as it is pending. Whatever the lease,
// the attempt goes into the history, once: a settlement whose attempt is there already,
// or that gives back what is not held, is a repetition and changes nothing.
//
// The history of a delivery keeps its latest attempts, up to so many bytes and the one
// that exceeds them: some 50 with a full snippet, thousands without.
const settleSet = `UPDATE<rollback> {p}delivery AS d SET
 state = CASE WHEN <applies> THEN v.state ELSE d.state END,
 due = CASE WHEN <applies> AND v.state = 0 THEN v.due ELSE d.due END,
 held = CASE WHEN <applies> THEN false ELSE d.held END,
 finished = CASE WHEN <applies> AND v.state > 0 THEN v.due ELSE d.finished END,
 code = CASE WHEN <applies> AND (v.code <> '' OR v.state = 1) THEN v.code ELSE d.code END,
 exhausted = CASE WHEN <applies> THEN v.exhausted ELSE d.exhausted END,
 tries = d.tries + CASE WHEN <applies> THEN v.tries ELSE 0 END,
 first_failure = CASE WHEN <applies> AND d.first_failure = 0 THEN v.failed ELSE d.first_failure END,
 attempts = CASE WHEN v.attempt = '' OR v.lease < 1 OR v.lease > d.lease OR <recorded> THEN d.attempts
  WHEN <bytes>(d.attempts) < 200000 THEN d.attempts || v.attempt
  ELSE substr(d.attempts, <find>(d.attempts, <newline>) + 1) || v.attempt END
`

var settleRows = newMulti(9,
	settleStatement("", "strpos", "octet_length", "chr(10)", `FROM unnest($1::text::text[], $2::text::int8[], $3::text::int2[], $4::text::int8[],
 $5::text::text[], $6::text::bool[], $7::text::int4[], $8::text::int8[], $9::text::text[])
 AS v(id, lease, state, due, code, exhausted, tries, failed, attempt)
WHERE d.id = v.id RETURNING d.id, d.lease, d.state, d.queue, d.due`),
	`WITH v(id, lease, state, due, code, exhausted, tries, failed, attempt) AS (VALUES <rows>)
`+settleStatement(orRollback, "instr", "length", "char(10)", `FROM v WHERE d.id = v.id RETURNING id, lease, state, queue, due`))

func settleStatement(rollback, find, bytes, newline, from string) string {
	recorded := find + `(d.attempts, '{"l":' || v.lease || ',') > 0`
	applies := `(d.state = 0 AND (d.held AND d.lease = v.lease OR v.state = 1 AND v.lease BETWEEN 1 AND d.lease
  AND (v.attempt <> '' OR v.lease < d.lease) AND NOT ` + recorded + `))`
	return strings.NewReplacer("<rollback>", rollback, "<applies>", applies, "<recorded>", recorded, "<find>", find, "<bytes>", bytes, "<newline>", newline).
		Replace(settleSet) + from
}

func (s *Store) settlement(ss []webhook.Settlement) (values []any, err error) {
	values = make([]any, 0, len(ss)*settleRows.columns)
	for i := range ss {
		one := &ss[i]
		due, failed, tries, line := micros(one.Due), int64(0), int64(0), ""
		if r := one.Result; r != nil {
			tries = 1
			due = cmp.Or(due, micros(r.End()))
			if !r.OK() {
				failed = micros(r.End())
			}
			if line, err = encodeAttempt(one.Lease, r); err != nil {
				return nil, err
			}
		}
		values = append(values, one.ID, one.Lease, int64(one.State), cmp.Or(due, s.lastTold()), string(one.Code),
			one.Exhausted && one.State == webhook.StateFailed, tries, failed, line)
	}
	return values, nil
}

// attempt is a line of the column of attempts. Times are microseconds, spans are
// nanoseconds. The lease comes first: settleSet looks for it.
type attempt struct {
	Lease      int64         `json:"l"`
	Number     int           `json:"n"`
	Status     int           `json:"s,omitempty"`
	Code       webhook.Code  `json:"c,omitempty"`
	Start      int64         `json:"t"`
	Duration   time.Duration `json:"d"`
	RetryAfter time.Duration `json:"r,omitempty"`
	Snippet    string        `json:"x,omitempty"`
}

// encodeAttempt makes a line. JSON keeps newlines and NUL out of it.
func encodeAttempt(lease int64, a *webhook.Attempt) (string, error) {
	b, err := json.Marshal(attempt{lease, a.Number, a.Status, a.Code, micros(a.Start), a.Duration, a.RetryAfter, a.Snippet})
	return string(b) + "\n", err
}
