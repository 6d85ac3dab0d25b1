package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

const columns = `id, scope, event, webhook, queue, type, extra, state, due, lease, held, tries, interrupted,
 first_failure, created, queued, finished, code, exhausted, seq`

// scanDelivery reads columns and what follows them. An unreadable extra shows as none:
// the history tells that such a delivery failed, and how.
func scanDelivery(r Rows, more ...any) (d webhook.Delivery, seq int64, err error) {
	var queue, x, code string
	var state int
	var due, first, created, queued, finished int64
	err = r.Scan(append([]any{&d.ID, &d.Scope, &d.EventID, &d.WebhookID, &queue, &d.Type, &x, &state, &due, &d.Lease, &d.Held,
		&d.Tries, &d.Interrupted, &first, &created, &queued, &finished, &code, &d.Exhausted, &seq}, more...)...)
	if err != nil {
		return d, 0, err
	}
	_, d.Lane = splitQueue(queue)
	_ = decodeExtra(x, &d)
	d.State, d.LastCode = webhook.State(state), webhook.Code(code)
	d.Due, d.FirstFailure, d.CreatedAt = fromMicros(due), fromMicros(first), fromMicros(created)
	d.QueuedAt, d.FinishedAt = fromMicros(queued), fromMicros(finished)
	return d, seq, nil
}

// Delivery implements [webhook.History].
func (s *Store) Delivery(ctx context.Context, scope, id string) (d webhook.Delivery, as []webhook.Attempt, err error) {
	if err := s.readable(ctx); err != nil {
		return d, nil, err
	}
	found := false
	err = s.each(ctx, s.reader(), `SELECT `+columns+`, body, attempts FROM {p}delivery WHERE id = $1 AND scope = $2`,
		[]any{id, scope}, func(r Rows) error {
			var lines string
			var body []byte
			var err error
			d, _, err = scanDelivery(r, &body, &lines)
			d.Body = body
			as, found = decodeAttempts(lines), true
			return err
		})
	if err == nil && !found {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return webhook.Delivery{}, nil, s.fail("delivery", id, err)
	}
	return d, as, nil
}

func decodeAttempts(lines string) (as []webhook.Attempt) {
	for line := range strings.Lines(lines) {
		var a attempt
		if json.Unmarshal([]byte(line), &a) == nil {
			as = append(as, webhook.Attempt{Number: a.Number, Status: a.Status, Code: a.Code, Start: fromMicros(a.Start),
				Duration: a.Duration, RetryAfter: a.RetryAfter, Snippet: a.Snippet})
		}
	}
	return as
}

// Deliveries implements [webhook.History]. Bodies are left out. A cursor that does not
// belong to the query is refused with [ErrCursor].
func (s *Store) Deliveries(ctx context.Context, q webhook.Query) (ds []webhook.Delivery, next string, err error) {
	if q.Limit == 0 {
		q.Limit = 50
	}
	if q.Scope == "" || q.Limit < 1 || q.Limit > 500 {
		return nil, "", fmt.Errorf("sqlstore: deliveries: scope is required and Limit at most 500: %w", webhook.ErrInvalid)
	}
	if err := s.readable(ctx); err != nil {
		return nil, "", err
	}
	from, err := parseCursor(q)
	if err != nil {
		return nil, "", err
	}
	query, args := listing(q, from)
	var last position
	more := false
	err = s.each(ctx, s.reader(), query, args, func(r Rows) error {
		if len(ds) == q.Limit {
			more = true
			return nil
		}
		d, seq, err := scanDelivery(r)
		last = position{micros(d.CreatedAt), seq}
		ds = append(ds, d)
		return err
	})
	if err != nil {
		return nil, "", s.fail("deliveries of", q.Scope, err)
	}
	if more {
		next = cursorOf(q, last)
	}
	return ds, next, nil
}

// listing builds the statement of a page: one row more than asked tells whether there
// is another page.
func listing(q webhook.Query, from *position) (string, []any) {
	var args []any
	var b strings.Builder
	b.WriteString(`SELECT ` + columns + ` FROM {p}delivery WHERE scope = $1`)
	args = append(args, q.Scope)
	and := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "$", fmt.Sprintf("#%d", len(args)), 1)
		}
		b.WriteString(" AND " + strings.ReplaceAll(condition, "#", "$"))
	}
	if q.WebhookID != "" {
		and(`webhook = $`, q.WebhookID)
	}
	if q.EventID != "" {
		and(`event = $`, q.EventID)
	}
	if q.Type != "" {
		and(`type = $`, q.Type)
	}
	if len(q.States) > 0 {
		var in []any
		for _, st := range q.States {
			in = append(in, int64(st))
		}
		and(`state IN (`+strings.TrimSuffix(strings.Repeat("$, ", len(in)), ", ")+`)`, in...)
	}
	if !q.Since.IsZero() {
		and(`created >= $`, micros(q.Since))
	}
	if !q.Until.IsZero() {
		and(`created < $`, micros(q.Until))
	}
	order, beyond := "DESC", "<"
	if q.OldestFirst {
		order, beyond = "", ">"
	}
	if from != nil {
		and(`(created, seq) `+beyond+` ($, $)`, from.due, from.seq)
	}
	fmt.Fprintf(&b, " ORDER BY created %s, seq %s LIMIT %d", order, order, q.Limit+1)
	return b.String(), args
}

// Requeue implements [webhook.History].
func (s *Store) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	at, queue := micros(due), ""
	err := s.write(ctx, func(c Conn) error {
		err := s.row(ctx, c, `UPDATE {p}delivery SET state = 0, due = $1, queued = $1, tries = 0, interrupted = 0,
 first_failure = 0, code = '', exhausted = false, finished = 0
 WHERE id = $2 AND scope = $3 AND (state > 0 OR NOT held) AND EXISTS (SELECT 1 FROM {p}webhook w WHERE w.id = webhook AND w.scope = $3)
 RETURNING queue`, []any{at, id, scope}, &queue)
		if notFound(err) {
			err = s.heldOrMissing(ctx, c, scope, id, true)
		}
		return err
	})
	if err == nil {
		s.ring.pending(queue, at)
	}
	return s.fail("requeue", id, err)
}

// Cancel implements [webhook.History].
func (s *Store) Cancel(ctx context.Context, scope, id string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.write(ctx, func(c Conn) error {
		n, err := s.affected(ctx, c, `UPDATE {p}delivery SET state = 2, code = $1, finished = CASE WHEN created > $2 THEN created ELSE $2 END
 WHERE id = $3 AND scope = $4 AND state = 0 AND NOT held RETURNING id`,
			string(webhook.CodeCancelled), s.lastTold(), id, scope)
		if err == nil && n == 0 {
			err = s.heldOrMissing(ctx, c, scope, id, false)
		}
		return err
	})
	return s.fail("cancel", id, err)
}

// heldOrMissing tells why a change met no row.
func (s *Store) heldOrMissing(ctx context.Context, c Conn, scope, id string, requeue bool) error {
	var state int
	var held, orphan bool
	err := s.row(ctx, c, `SELECT state, held, NOT EXISTS (SELECT 1 FROM {p}webhook w WHERE w.id = d.webhook AND w.scope = d.scope)
 FROM {p}delivery d WHERE id = $1 AND scope = $2`, []any{id, scope}, &state, &held, &orphan)
	switch {
	case err != nil:
		return orNotFound(err)
	case requeue && orphan:
		return webhook.ErrNotFound
	case state == int(webhook.StatePending) && held:
		return webhook.ErrHeld
	case requeue:
		return webhook.ErrConflict // it changed between the two statements
	}
	return nil // it has ended: left as it is
}
