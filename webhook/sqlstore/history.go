package sqlstore

import (
	"context"
	"fmt"
	"slices"
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
	var body []byte
	var lines string
	one, err := s.findDelivery(ctx, s.reader(), scope, id, `, body, attempts`, "", &body, &lines)
	if err != nil {
		return d, nil, s.fail("delivery", id, err)
	}
	one.Body = body
	return one.forHistory(), decodeAttempts(lines), nil
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
	query, args := s.listing(q, from)
	ds, err = readAll(ctx, s, s.reader(), query, args, scanHistory)
	if len(ds) > q.Limit {
		ds = ds[:q.Limit]
		last := ds[q.Limit-1]
		next = cursorOf(q, position{micros(last.CreatedAt), last.Sequence})
	}
	return ds, next, s.fail("deliveries of", q.Scope, err)
}

// listing builds the statement of a page. One row more than the limit shows whether another page
// follows. The log of a webhook and the deliveries of an event have indexes of their own;
// expressions keep both databases from reading the scope's log instead. PostgreSQL expects many
// rows of a range of one webhook with a CASE, so it reads the page in the order of the index and
// does not sort all rows of the webhook. Values, lists and the limit are parameters, because the Store
// and the drivers keep each text that they have seen.
func (s *Store) listing(q webhook.Query, from *position) (query string, args []any) {
	args = append(args, q.Scope)
	var b strings.Builder
	which := `scope = $1`
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
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		b.WriteString(" AND " + condition)
	}
	created, first := "created", ""
	if q.WebhookID != "" {
		hook := -hookOf(q.Scope, q.WebhookID)
		and(`(-hook) >= ? AND (-hook) <= ?`, hook, hook)
		first = "(-hook) "
	}
	if q.EventID != "" {
		from, below := eventPrefix(q.Scope, q.EventID)
		and(`id >= ? AND id < ? AND event = ?`, from, below, q.EventID)
		created, first = "(created + 0)", ""
	}
	if q.Type != "" {
		and(`type = ?`, q.Type)
	}
	among := func(column, sqlite, postgres string, in []string) {
		if len(in) > 0 {
			and(column+s.pick(` IN (SELECT `+sqlite+` FROM json_each(?))`, ` = ANY(?::text::`+postgres+`[])`), s.textList(in))
		}
	}
	var states, codes []string
	if other := func(st webhook.State) bool { return st != webhook.StateFailed }; len(q.States) > 0 && !slices.ContainsFunc(q.States, other) {
		and("state = 2") // the condition of an index
	} else {
		for _, st := range q.States {
			states = append(states, strconv.Itoa(int(st)))
		}
	}
	for _, c := range q.Codes {
		codes = append(codes, string(c))
	}
	among("state", "CAST(value AS INTEGER)", "int2", states)
	among("code", "value", "text", codes)
	if !q.Since.IsZero() {
		and(created+` >= ?`, micros(q.Since))
	}
	if !q.Until.IsZero() {
		and(created+` < ?`, micros(q.Until))
	}
	order, beyond := "DESC", "<"
	if q.OldestFirst {
		order, beyond = "", ">"
	}
	if from != nil {
		and(`(`+created+`, seq) `+beyond+` (?, ?)`, from.created, from.seq)
	}
	if first != "" {
		first += order + ", "
	}
	args = append(args, int64(q.Limit+1))
	fmt.Fprintf(&b, " ORDER BY %s%s %s, seq %s LIMIT $%d + 0", first, created, order, order, len(args))
	return b.String(), args
}

// Requeue implements [webhook.History].
func (s *Store) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.write(ctx, func(c Conn) error {
		d, err := s.findDelivery(ctx, c, scope, id, "", s.pick("", " FOR UPDATE"))
		switch {
		case err != nil:
			return err
		case d.State == webhook.StatePending && d.Held:
			return webhook.ErrHeld
		}
		if err := s.shareWebhook(ctx, c, scope, d.WebhookID); err != nil {
			return err
		}
		return s.exec(ctx, c, `UPDATE {p}delivery SET state = 0, due = CASE WHEN state = 0 AND due = `+parkedSQL+` THEN due ELSE $1 END,
 was = CASE WHEN state = 0 AND due = `+parkedSQL+` THEN $1 ELSE was END, queued = $1, earlier = earlier + tries, tries = 0, interrupted = 0,
 key = CASE WHEN state = 0 THEN key ELSE '' END, expires = 0,
 first_failure = 0, code = '', exhausted = false, finished = 0 WHERE id = $2`, micros(due), d.id)
	})
	if err == nil {
		s.watermarks.dropAbove(micros(due))
	}
	return s.failWrite("requeue", id, err)
}

// Cancel implements [webhook.History]. A delivery ends no earlier than it was created.
func (s *Store) Cancel(ctx context.Context, scope, id string, now time.Time) (d webhook.Delivery, ended bool, err error) {
	if err := s.ready(ctx); err != nil {
		return d, false, err
	}
	list, err := s.end(ctx, now, webhook.CodeCancelled, endable+` AND id = `+rowID("$4", "$3")+` AND scope = $4`, id, scope)
	if err != nil {
		return d, false, s.failWrite("cancel", id, err)
	}
	if len(list) > 0 {
		s.unparkNext(ctx, keysOf(list), micros(list[0].FinishedAt))
		return list[0], true, nil
	}
	one, err := s.findDelivery(ctx, s.reader(), scope, id, "", "")
	if err == nil && one.State == webhook.StatePending {
		err = webhook.ErrHeld
	}
	if err != nil {
		return d, false, s.fail("cancel", id, err)
	}
	return one.forHistory(), false, nil
}

// rowID is the id of the row of a delivery, whose ID may be its name instead.
func rowID(scope, id string) string {
	return `coalesce((SELECT n.id FROM {p}delivery n WHERE n.scope = ` + scope + ` AND n.name = ` + id + ` AND n.name <> ''), ` + id + `)`
}

// findDelivery reads a delivery. more are further columns, which it reads into dest, and lock is a
// locking clause; both may be empty.
func (s *Store) findDelivery(ctx context.Context, c Conn, scope, id, more, lock string, dest ...any) (row, error) {
	found, err := readAll(ctx, s, c, `SELECT `+columns+more+` FROM {p}delivery WHERE id = `+rowID("$2", "$1")+` AND scope = $2`+lock,
		[]any{id, scope}, func(r Rows) (row, error) { return scanDelivery(r, dest...) })
	if err == nil && len(found) == 0 {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return row{}, err
	}
	return found[0], nil
}
