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
	now, err := s.Now(ctx)
	if err != nil {
		return false, err
	}
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	var n int
	err = s.write(ctx, func(c Conn) (err error) {
		n, err = s.affected(ctx, c, `INSERT INTO {p}mark (scope, key, until) VALUES ($1, $2, $3)
 ON CONFLICT (scope, key) DO UPDATE SET until = excluded.until WHERE {p}mark.until <= $4 RETURNING key`,
			scope, key, micros(until), micros(now))
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
