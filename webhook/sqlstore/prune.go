package sqlstore

import (
	"context"
	"time"
)

// Prune implements [webhook.Pruner]. An event with more deliveries than limit goes
// alone, as a whole. Marks that ended before that time go too and do not count.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if limit < 1 {
		return 0, nil
	}
	if err := s.ready(ctx); err != nil {
		return 0, err
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
