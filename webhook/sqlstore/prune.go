package sqlstore

import (
	"context"
	"time"
)

// pruneSlack is how much earlier than the latest call something may end that is written
// after it, because clocks are set back and outcomes wait for the database.
const pruneSlack = 24 * time.Hour

// Prune implements [webhook.Pruner]. An event with more deliveries than limit goes
// alone, as a whole. Marks that ended before that time go too and do not count. A Store
// remembers how old the oldest is that is left, and asks the database nothing until then.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if limit < 1 {
		return 0, nil
	}
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	if micros(before) <= s.oldest.Load() {
		return 0, nil
	}
	type event struct{ scope, id string }
	var events []event
	size := 0
	err = s.each(ctx, s.reader(), `SELECT scope, event, count(*) FROM {p}delivery e WHERE (scope, event) IN (
  SELECT scope, event FROM {p}delivery d WHERE state > 0 AND finished < $1 AND NOT EXISTS (
   SELECT 1 FROM {p}delivery o WHERE o.scope = d.scope AND o.event = d.event AND (o.state = 0 OR o.finished >= $1))
  ORDER BY finished LIMIT $2)
 GROUP BY scope, event ORDER BY max(finished)`, []any{micros(before), int64(limit)}, func(r Rows) error {
		var e event
		var rows int
		err := r.Scan(&e.scope, &e.id, &rows)
		if len(events) == 0 || size+rows <= limit {
			events = append(events, e)
			size += rows
		}
		return err
	})
	if err == nil && len(events) == 0 {
		var marks bool
		if marks, err = s.left(ctx, micros(before)); err == nil && !marks {
			return 0, nil
		}
	}
	if err == nil {
		err = s.write(ctx, func(c Conn) error {
			n = 0
			for _, e := range events {
				// Asked again, as it may have been requeued meanwhile.
				gone, err := s.affected(ctx, c, `DELETE FROM {p}delivery WHERE scope = $1 AND event = $2 AND NOT EXISTS (
 SELECT 1 FROM {p}delivery o WHERE o.scope = $1 AND o.event = $2 AND (o.state = 0 OR o.finished >= $3)) RETURNING id`,
					e.scope, e.id, micros(before))
				if err != nil {
					return err
				}
				n += gone
			}
			return s.exec(ctx, c, `DELETE FROM {p}mark WHERE until < $1`, micros(before))
		})
	}
	if err != nil {
		return 0, s.fail("prune", "", err)
	}
	return n, nil
}

// left tells, where no event is left that may go, whether marks are that ended before a time.
// It remembers until when there is nothing to do.
func (s *Store) left(ctx context.Context, before int64) (marks bool, err error) {
	var ended, until int64
	told := s.lastTold()
	err = s.row(ctx, s.reader(), `SELECT coalesce((SELECT finished FROM {p}delivery WHERE state > 0 ORDER BY finished LIMIT 1), $1),
 coalesce((SELECT min(until) FROM {p}mark), $1)`, []any{told}, &ended, &until)
	if oldest := min(ended, until, told-pruneSlack.Microseconds()); err == nil && oldest >= before {
		s.oldest.Store(oldest)
	}
	return until < before, err
}
