package sqlstore

import (
	"context"
	"time"
)

// Prune implements [webhook.Pruner]. An event with more deliveries than limit is removed
// alone, as a whole. Marks that ended before that time are removed too and do not count.
// Prune reads the logs of scopes from their oldest row: the rows that it removes, and rows
// of the same age that have not ended.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if limit < 1 {
		return 0, nil
	}
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	p := &pruneRun{s: s, before: micros(before), left: limit}
	scopes, err := readAll(ctx, s, s.reader(), oldScopes, []any{p.before}, scanText)
	for _, scope := range scopes {
		if err == nil {
			err = p.readScope(ctx, scope)
		}
	}
	if err == nil {
		err = p.remove(ctx)
	}
	n = p.n
	if err == nil {
		err = s.removeInBatches(ctx, "mark", "until < $1 ORDER BY until", micros(before))
	}
	return n, s.fail("prune", "", err)
}

// oldScopes walks from scope to scope along the log and selects those whose oldest delivery was created
// before $1.
const oldScopes = `WITH RECURSIVE s(scope) AS (
 SELECT (SELECT d.scope FROM {p}delivery d ORDER BY d.scope, d.created, d.seq LIMIT 1)
 UNION ALL
 SELECT (SELECT d.scope FROM {p}delivery d WHERE d.scope > s.scope ORDER BY d.scope, d.created, d.seq LIMIT 1) FROM s WHERE s.scope IS NOT NULL)
SELECT s.scope FROM s WHERE (SELECT d.created FROM {p}delivery d WHERE d.scope = s.scope ORDER BY d.created, d.seq LIMIT 1) < $1`

// pruneRun is one call of Prune.
type pruneRun struct {
	s       *Store
	before  int64
	n, left int
	events  []string // prefixes of IDs of events to remove, of several scopes
	rows    int      // that were read for them
	full    bool     // the next event exceeds the limit
}

// pruneRows is how many rows are read for one transaction.
const pruneRows = 500

// readScope reads a scope's rows from the oldest one, and removes events when it has read enough.
func (p *pruneRun) readScope(ctx context.Context, scope string) error {
	at := position{created: -1 << 63}
	for rows := int64(pruneRows); rows == pruneRows && !p.full; {
		rows = 0
		err := p.s.each(ctx, p.s.reader(), `SELECT d.created, d.seq, substr(d.id, 1, 30), d.state > 0 AND d.finished < $2 FROM {p}delivery d
 WHERE d.scope = $1 AND d.created < $2 AND (d.created, d.seq) > ($3, $4) ORDER BY d.created, d.seq LIMIT $5 + 0`,
			[]any{scope, p.before, at.created, at.seq, int64(pruneRows)}, func(r Rows) error {
				var event string
				var ended bool
				rows++
				err := r.Scan(&at.created, &at.seq, &event, &ended)
				if ended && (len(p.events) == 0 || p.events[len(p.events)-1] != event) {
					p.events = append(p.events, event)
				}
				return err
			})
		if p.rows += int(rows); err == nil && p.rows >= pruneRows {
			err = p.remove(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Parts of statements about the events in $1: ofEvent selects the deliveries of one, and hasEnded the
// events to remove. Their subqueries make PostgreSQL read the index of IDs, whatever it expects. It
// expects many deliveries of an event; LIMIT keeps it from compiling the statement to machine code.
const (
	ofEvent  = `d.id >= u.value AND d.id < u.value || '` + afterID + `'`
	hasEnded = ` WHERE (SELECT 1 FROM {p}delivery d WHERE ` + ofEvent + ` AND (d.state = 0 OR d.finished >= $2) ORDER BY d.id LIMIT 1) IS NULL`

	prunePostgres = `DELETE FROM {p}delivery WHERE state > 0 AND ctid = ANY(ARRAY(SELECT x.place FROM unnest($1::text::text[]) AS u(value)
 CROSS JOIN LATERAL (SELECT d.ctid AS place FROM {p}delivery d WHERE ` + ofEvent + ` OFFSET 0) x` + hasEnded + `))`
	pruneSQLite = `DELETE FROM {p}delivery WHERE seq IN (SELECT x.seq FROM json_each($1) u CROSS JOIN {p}delivery x` + hasEnded + ` AND x.id >= u.value AND x.id < u.value || '` + afterID + `')`
)

// remove removes those of the events of which all deliveries have ended, up to the limit.
func (p *pruneRun) remove(ctx context.Context) error {
	if len(p.events) == 0 {
		return nil
	}
	var fit []string
	err := p.s.each(ctx, p.s.reader(), `SELECT u.value, (SELECT count(*) FROM {p}delivery d WHERE `+ofEvent+`) FROM `+
		p.s.pick(`json_each($1) u`, `unnest($1::text::text[]) AS u(value)`)+hasEnded, []any{p.s.textList(p.events), p.before}, func(r Rows) error {
		var event string
		var size int
		err := r.Scan(&event, &size)
		if p.full = p.full || size > p.left && p.n+len(fit) > 0; !p.full {
			fit, p.left = append(fit, event), p.left-size
		}
		return err
	})
	p.events, p.rows = p.events[:0], 0
	if err == nil && len(fit) > 0 {
		var gone int64
		gone, err = p.s.run(ctx, p.s.pick(pruneSQLite, prunePostgres), p.s.textList(fit), p.before)
		p.n += int(gone)
	}
	p.full = p.full || p.left <= 0
	return err
}
