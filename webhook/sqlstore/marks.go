package sqlstore

import (
	"context"
	"fmt"
	"time"
)

// Mark implements [webhook.Marks]. Whether an earlier mark has ended is judged by the
// time of [Store.Now].
func (s *Store) Mark(ctx context.Context, scope, key string, until time.Time) (first bool, err error) {
	if !storable(scope, key) {
		return false, fmt.Errorf("sqlstore: mark: %w", ErrText)
	}
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	args := []any{scope, key, micros(until)}
	if s.dialect == SQLite {
		args = append(args, micros(time.Now()))
	}
	var n int
	err = s.write(ctx, func(c Conn) (err error) {
		n, err = s.affected(ctx, c, `INSERT INTO {p}mark (scope, key, until) VALUES ($1, $2, $3)
 ON CONFLICT (scope, key) DO UPDATE SET until = excluded.until WHERE {p}mark.until <= `+
			s.pick(`$4`, `extract(epoch FROM clock_timestamp()) * 1000000`)+` RETURNING key`, args...)
		return err
	})
	if err != nil {
		return false, s.fail("mark", "", err)
	}
	return n > 0, nil
}

// Unmark implements [webhook.Marks].
func (s *Store) Unmark(ctx context.Context, scope, key string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.write(ctx, func(c Conn) error {
		return s.exec(ctx, c, `DELETE FROM {p}mark WHERE scope = $1 AND key = $2`, scope, key)
	})
	return s.fail("unmark", "", err)
}
