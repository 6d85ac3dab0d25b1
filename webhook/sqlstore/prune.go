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
	scopes, err := readAll(ctx, s, s.reader(), oldScopes, []any{micros(before)}, scanText)
	for _, scope := range scopes {
		if err == nil && n < limit {
			err = s.pruneScope(ctx, scope, micros(before), limit, &n)
		}
	}
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

// eventPrefixSQL is the prefix of the IDs of an event's deliveries; keepsEvent selects a
// delivery because of which an event is kept.
const (
	eventPrefixSQL = `substr(d.id, 1, 30)`
	keepsEvent     = `SELECT 1 FROM {p}delivery o WHERE o.id >= $1 AND o.id < $2 AND (o.state = 0 OR o.finished >= $3)`
)

// pruneScope removes events of a scope, oldest first.
func (s *Store) pruneScope(ctx context.Context, scope string, before int64, limit int, n *int) error {
	at := position{created: -1 << 63}
	for {
		var events []string
		rows := 0
		err := s.each(ctx, s.reader(), `SELECT d.created, d.seq, `+eventPrefixSQL+`, d.state > 0 AND d.finished < $2 FROM {p}delivery d
 WHERE d.scope = $1 AND d.created < $2 AND (d.created, d.seq) > ($3, $4) ORDER BY d.created, d.seq LIMIT 500`,
			[]any{scope, before, at.created, at.seq}, func(r Rows) error {
				var event string
				var ended bool
				rows++
				err := r.Scan(&at.created, &at.seq, &event, &ended)
				if ended && (len(events) == 0 || events[len(events)-1] != event) {
					events = append(events, event)
				}
				return err
			})
		if err != nil || rows == 0 {
			return err
		}
		for _, event := range events {
			if *n >= limit {
				return nil
			}
			if full, err := s.pruneEvent(ctx, event, before, limit, n); full || err != nil {
				return err
			}
		}
	}
}

// pruneEvent removes an event of which all deliveries have ended. full reports that the event
// was kept because it would exceed the limit.
func (s *Store) pruneEvent(ctx context.Context, event string, before int64, limit int, n *int) (full bool, err error) {
	err = s.write(ctx, func(c Conn) error {
		var size int
		var pending bool
		err := s.row(ctx, c, `SELECT count(*), EXISTS (`+keepsEvent+`) FROM {p}delivery WHERE id >= $1 AND id < $2`,
			[]any{event, event + afterID, before}, &size, &pending)
		if err != nil || pending || size == 0 {
			return err
		}
		if full = *n > 0 && *n+size > limit; full {
			return nil
		}
		gone, err := s.changed(ctx, c, `DELETE FROM {p}delivery WHERE id >= $1 AND id < $2 AND NOT EXISTS (`+keepsEvent+`)`, event, event+afterID, before)
		*n += int(gone)
		return err
	})
	return full, err
}
