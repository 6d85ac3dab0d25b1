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
	var n int64
	err = s.single(ctx, func(c Conn) (err error) {
		n, err = s.changed(ctx, c, `INSERT INTO {p}mark (scope, key, until) VALUES ($1, $2, $3)
 ON CONFLICT (scope, key) DO UPDATE SET until = excluded.until WHERE {p}mark.until <= $4`, scope, key, micros(until), micros(now))
		return err
	})
	return n > 0, s.fail("mark", "", err)
}

// Marked implements [webhook.Marks].
func (s *Store) Marked(ctx context.Context, scope, key string, now time.Time) (set bool, err error) {
	if err := s.readyToRead(ctx); err != nil {
		return false, err
	}
	var until int64
	err = s.row(ctx, s.reader(), `SELECT until FROM {p}mark WHERE scope = $1 AND key = $2`, []any{scope, key}, &until)
	if notFound(err) {
		return false, nil
	}
	return until > micros(now), s.fail("look for a mark", "", err)
}

// Unmark implements [webhook.Marks].
func (s *Store) Unmark(ctx context.Context, scope, key string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.single(ctx, func(c Conn) error {
		return s.exec(ctx, c, `DELETE FROM {p}mark WHERE scope = $1 AND key = $2`, scope, key)
	})
	return s.fail("unmark", "", err)
}
