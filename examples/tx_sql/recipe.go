// Package txsql is a recipe: a host that uses database/sql ends a task and dispatches the
// event in one transaction.
package txsql

import (
	"context"
	"database/sql"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// FinishTask marks a task as done and dispatches ev: both happen, or neither.
func FinishTask(ctx context.Context, db *sql.DB, store *sqlstore.Store, hooks *webhook.Dispatcher, taskID string, ev payload.Event,
	more func() error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after Commit
	if _, err := tx.ExecContext(ctx, `INSERT INTO tasks (id, state) VALUES ($1, 'done')`, taskID); err != nil {
		return err
	}
	if _, err := hooks.DispatchTx(ctx, store.Tx(tx), ev); err != nil {
		return err
	}
	if err := more(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	hooks.Wake() // database/sql does not announce a commit
	return nil
}
