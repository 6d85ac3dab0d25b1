package sqlstore

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// Rows that one transaction removes of data that may be large. SQLite has one writer, so other calls
// wait for as long as that takes. A delivery has a body and many index entries.
const (
	removeDeliveries = "500"
	removeSmallRows  = 5000
)

// DeleteScope implements [webhook.Registry]. The first transaction removes the webhooks. Further
// ones remove the rest in batches, so that other calls need not wait for all of it.
func (s *Store) DeleteScope(ctx context.Context, scope string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.write(ctx, func(c Conn) error {
		for _, table := range []string{"webhook", "health", "lease", "scope"} {
			if err := s.exec(ctx, c, `DELETE FROM {p}`+table+` WHERE scope = $1`, scope); err != nil {
				return err
			}
		}
		return nil
	})
	s.scopes.drop(scope)
	if err != nil {
		return s.failWrite("delete scope", scope, err)
	}
	err = s.removeDeliveries(ctx, scope)
	for _, table := range []string{"mark", "count"} { // after the deliveries, whose outcomes are counted until then
		if err == nil {
			err = s.removeInBatches(ctx, table, "scope = $1", scope)
		}
	}
	if err != nil {
		err = fmt.Errorf("a part was removed, repeat the call: %w: %w", webhook.ErrUnknown, err)
	}
	return s.fail("delete scope", scope, err)
}

// removeInBatches removes the rows of a table that meet a condition.
func (s *Store) removeInBatches(ctx context.Context, table, where string, args ...any) error {
	rows := fmt.Sprintf(` FROM {p}%s WHERE %s LIMIT %d`, table, where, removeSmallRows)
	query := `DELETE FROM {p}` + table + ` WHERE ` + s.pick(`rowid IN (SELECT rowid`+rows+`)`, `ctid = ANY(ARRAY(SELECT ctid`+rows+` FOR UPDATE))`)
	for n := int64(removeSmallRows); n == removeSmallRows; {
		var err error
		if n, err = s.run(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// removeDeliveries removes the deliveries of a scope, oldest first. A batch begins behind the batch
// before: while a transaction stays open for long, PostgreSQL keeps the index entries of removed rows,
// and each batch would read them again. An outcome of a request may change a row meanwhile, which gives
// it a new place. The snapshot of the statement does not show that place, so PostgreSQL looks for the ID.
func (s *Store) removeDeliveries(ctx context.Context, scope string) error {
	const rows = ` FROM {p}delivery WHERE scope = $1 AND (created, seq) > ($2, $3) ORDER BY created, seq LIMIT ` + removeDeliveries
	query := `DELETE FROM {p}delivery WHERE ` + s.pick(`seq IN (SELECT seq`+rows+`)`, `id = ANY(ARRAY(SELECT id`+rows+` FOR UPDATE))`) + ` RETURNING created, seq`
	var last position
	for at := (position{created: -1 << 63}); ; at = last {
		err := s.single(ctx, func(c Conn) error {
			last = at
			return s.each(ctx, c, query, []any{scope, at.created, at.seq}, func(r Rows) error {
				var one position
				err := r.Scan(&one.created, &one.seq)
				if one.created > last.created || one.created == last.created && one.seq > last.seq {
					last = one
				}
				return err
			})
		})
		if err != nil || last == at {
			return err
		}
	}
}
