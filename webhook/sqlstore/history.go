package sqlstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Delivery implements [webhook.History].
func (s *Store) Delivery(ctx context.Context, scope, id string) (d webhook.Delivery, as []webhook.Attempt, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return d, nil, err
	}
	key := id
	found := false
	for range 2 {
		err = s.each(ctx, s.reader(), `SELECT `+columns+`, body, attempts FROM {p}delivery WHERE id = $1 AND scope = $2`,
			[]any{key, scope}, func(r Rows) error {
				var lines string
				var body []byte
				one, err := scanDelivery(r, &body, &lines)
				one.Body = body
				d, as, found = one.forHistory(), decodeAttempts(lines), true
				return err
			})
		if err != nil || found {
			break
		}
		if key, err = s.idOfName(ctx, s.reader(), scope, id); err != nil || key == id {
			break
		}
	}
	if err == nil && !found {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return webhook.Delivery{}, nil, s.fail("delivery", id, err)
	}
	return d, as, nil
}

// Deliveries implements [webhook.History]. Bodies are left out. A cursor that does not
// belong to the query is refused with [ErrCursor].
func (s *Store) Deliveries(ctx context.Context, q webhook.Query) (ds []webhook.Delivery, next string, err error) {
	q.Limit = q.PageSize()
	if q.Scope == "" || q.Limit < 1 || q.Limit > 500 {
		return nil, "", fmt.Errorf("sqlstore: deliveries: scope is required and Limit at most 500: %w", webhook.ErrInvalid)
	}
	if err := s.readyToRead(ctx); err != nil {
		return nil, "", err
	}
	from, err := parseCursor(q)
	if err != nil {
		return nil, "", err
	}
	query, args, err := s.listing(q, from)
	if err != nil {
		return nil, "", s.fail("deliveries of", q.Scope, err)
	}
	var last position
	more := false
	err = s.each(ctx, s.reader(), query, args, func(r Rows) error {
		if len(ds) == q.Limit {
			more = true
			return nil
		}
		d, err := scanDelivery(r)
		last = position{micros(d.CreatedAt), d.seq}
		ds = append(ds, d.forHistory())
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

// listing builds the statement of a page. One row more than the limit shows whether another page
// follows. The log of a webhook and the deliveries of an event have indexes of their own;
// expressions keep both databases from reading the scope's log instead. PostgreSQL expects many
// rows of a range of one webhook with a CASE, so it reads the page in the order of the index and
// does not sort all rows of the webhook. Values, lists and the limit are parameters, because the Store
// and the drivers keep each text that they have seen.
func (s *Store) listing(q webhook.Query, from *position) (query string, args []any, err error) {
	var b strings.Builder
	which := `scope = $1`
	args = append(args, q.Scope)
	switch {
	case q.WebhookID != "":
		which = `CASE WHEN scope = $1 AND webhook = $2 THEN true ELSE false END`
		args = append(args, q.WebhookID)
	case q.EventID != "":
		which = `(scope || '') = $1`
	}
	b.WriteString(`SELECT ` + columns + ` FROM {p}delivery WHERE ` + which)
	and := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "$", fmt.Sprintf("#%d", len(args)), 1)
		}
		b.WriteString(" AND " + strings.ReplaceAll(condition, "#", "$"))
	}
	created, first := "created", ""
	if q.WebhookID != "" {
		hook := -hookOf(q.Scope, q.WebhookID)
		and(`(-hook) >= $ AND (-hook) <= $`, hook, hook)
		first = "(-hook) "
	}
	if q.EventID != "" {
		from, below := eventPrefix(q.Scope, q.EventID)
		and(`id >= $ AND id < $ AND event = $`, from, below, q.EventID)
		created, first = "(created + 0)", ""
	}
	if q.Type != "" {
		and(`type = $`, q.Type)
	}
	among := func(column, sqlite, postgres string, in []string) error {
		if len(in) == 0 {
			return nil
		}
		list, err := s.textList(in)
		and(column+s.pick(` IN (SELECT `+sqlite+` FROM json_each($))`, ` = ANY($::text::`+postgres+`[])`), list)
		return err
	}
	var states, codes []string
	for _, st := range q.States {
		states = append(states, strconv.Itoa(int(st)))
	}
	for _, c := range q.Codes {
		codes = append(codes, string(c))
	}
	if err := among("state", "CAST(value AS INTEGER)", "int2", states); err != nil {
		return "", nil, err
	}
	if err := among("code", "value", "text", codes); err != nil {
		return "", nil, err
	}
	if !q.Since.IsZero() {
		and(created+` >= $`, micros(q.Since))
	}
	if !q.Until.IsZero() {
		and(created+` < $`, micros(q.Until))
	}
	order, beyond := "DESC", "<"
	if q.OldestFirst {
		order, beyond = "", ">"
	}
	if from != nil {
		and(`(`+created+`, seq) `+beyond+` ($, $)`, from.created, from.seq)
	}
	if first != "" {
		first += order + ", "
	}
	args = append(args, int64(q.Limit+1))
	fmt.Fprintf(&b, " ORDER BY %s%s %s, seq %s LIMIT $%d + 0", first, created, order, order, len(args))
	return b.String(), args, nil
}

// Requeue implements [webhook.History].
func (s *Store) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.write(ctx, func(c Conn) error {
		d, err := s.lockDelivery(ctx, c, scope, id)
		switch {
		case err != nil:
			return err
		case d.State == webhook.StatePending && d.Held:
			return webhook.ErrHeld
		}
		var hook string
		err = s.row(ctx, c, s.pick(`SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2`,
			`SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2 FOR KEY SHARE`), []any{d.WebhookID, scope}, &hook)
		if err != nil {
			return orNotFound(err)
		}
		return s.exec(ctx, c, `UPDATE {p}delivery SET state = 0, due = CASE WHEN state = 0 AND due = `+parkedSQL+` THEN due ELSE $1 END,
 was = CASE WHEN state = 0 AND due = `+parkedSQL+` THEN $1 ELSE was END, queued = $1, earlier = earlier + tries, tries = 0, interrupted = 0,
 key = CASE WHEN state = 0 THEN key ELSE '' END, expires = 0,
 first_failure = 0, code = '', exhausted = false, finished = 0 WHERE id = $2`, micros(due), d.id)
	})
	if err == nil {
		s.sweep.noteQueued(micros(due))
		s.watermarks.dropAbove(micros(due))
	}
	return s.failWrite("requeue", id, err)
}

// Cancel implements [webhook.History]. A delivery ends no earlier than it was created.
func (s *Store) Cancel(ctx context.Context, scope, id string, now time.Time) (d webhook.Delivery, ended bool, err error) {
	if err := s.ready(ctx); err != nil {
		return d, false, err
	}
	err = s.write(ctx, func(c Conn) error {
		one, err := s.lockDelivery(ctx, c, scope, id)
		if err != nil {
			return err
		}
		if ended = one.State == webhook.StatePending; ended {
			if one.Held && micros(one.Due) > micros(now) {
				ended = false
				return webhook.ErrHeld
			}
			if one.Held {
				one.Interrupted++
			}
			one.State, one.Held, one.LastCode = webhook.StateFailed, false, webhook.CodeCancelled
			one.FinishedAt = fromMicros(max(micros(now), micros(one.CreatedAt)))
			one.Due = one.FinishedAt
			err = s.exec(ctx, c, `UPDATE {p}delivery SET state = 2, held = false, until = 0, alone = false, interrupted = $1, code = $2, finished = $3, due = $3 WHERE id = $4`,
				int64(one.Interrupted), string(one.LastCode), micros(one.FinishedAt), one.id)
		}
		d = one.forHistory()
		return err
	})
	if err != nil {
		return webhook.Delivery{}, false, s.failWrite("cancel", id, err)
	}
	if ended && d.Key != "" {
		s.unparkNext(ctx, []keyName{{hookOf(d.Scope, d.WebhookID), d.Key}}, micros(d.FinishedAt))
	}
	return d, ended, nil
}

// lockDelivery reads a delivery that the transaction is about to change.
func (s *Store) lockDelivery(ctx context.Context, c Conn, scope, id string) (row, error) {
	return s.findDelivery(ctx, c, scope, id, s.pick("", " FOR UPDATE"))
}

// findDelivery reads a delivery without its body. lock is a locking clause, or empty.
func (s *Store) findDelivery(ctx context.Context, c Conn, scope, id, lock string) (d row, err error) {
	key, err := s.idOfName(ctx, c, scope, id)
	if err != nil {
		return d, err
	}
	found := false
	err = s.each(ctx, c, `SELECT `+columns+` FROM {p}delivery WHERE id = $1 AND scope = $2`+lock, []any{key, scope}, func(r Rows) (err error) {
		d, err = scanDelivery(r)
		found = true
		return err
	})
	if err == nil && !found {
		err = webhook.ErrNotFound
	}
	return d, err
}
