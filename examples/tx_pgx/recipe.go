// Package txpgx is a recipe: a host that uses pgx without database/sql ends a task and
// dispatches the event in one transaction.
package txpgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// conn adapts a pgx.Tx to sqlstore.Conn.
type conn struct{ pgx.Tx }

func (c conn) Exec(ctx context.Context, query string, args ...any) error {
	_, err := c.Tx.Exec(ctx, query, args...)
	return err
}

func (c conn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	return c.Tx.Query(ctx, query, args...)
}

// FinishTask marks a task as done and dispatches ev: both happen, or neither.
func FinishTask(ctx context.Context, pool *pgxpool.Pool, store *sqlstore.Store, hooks *webhook.Dispatcher, taskID string, ev payload.Event,
	more func() error) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO tasks (id, state) VALUES ($1, 'done')`, taskID); err != nil {
			return err
		}
		if _, err := hooks.DispatchTx(ctx, store.TxConn(conn{tx}), ev); err != nil {
			return err
		}
		return more()
	})
	if err == nil {
		hooks.Wake()
	}
	return err
}
