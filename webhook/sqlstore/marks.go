package sqlstore

import (
	"context"
	"fmt"
	"time"
)

// Mark implements [webhook.Marks].
func (s *Store) Mark(ctx context.Context, scope, key string, now, until time.Time) (first bool, err error) {
	if !storable(scope, key) {
		return false, fmt.Errorf("sqlstore: mark: %w", ErrText)
	}
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	n, err := s.run(ctx, `INSERT INTO {p}mark (scope, key, until) VALUES ($1, $2, $3)
 ON CONFLICT (scope, key) DO UPDATE SET until = excluded.until WHERE {p}mark.until <= $4`, scope, key, micros(until), micros(now))
	return n > 0, s.fail("mark", "", err)
}

// Marked implements [webhook.Marks].
func (s *Store) Marked(ctx context.Context, scope, key string, now time.Time) (set bool, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return false, err
	}
	var n int
	err = s.row(ctx, s.reader(), `SELECT count(*) FROM {p}mark WHERE scope = $1 AND key = $2 AND until > $3`, []any{scope, key, micros(now)}, &n)
	return n > 0, s.fail("look for a mark", "", err)
}

// Unmark implements [webhook.Marks].
func (s *Store) Unmark(ctx context.Context, scope, key string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	_, err := s.run(ctx, `DELETE FROM {p}mark WHERE scope = $1 AND key = $2`, scope, key)
	return s.fail("unmark", "", err)
}
