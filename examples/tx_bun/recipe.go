// Package txbun is a recipe: a host that uses the ORM bun ends a task and dispatches the event in
// one transaction. Other ORMs work alike: use the *sql.Tx below their own handle, because bun's
// handle would rewrite the placeholders of a statement.
package txbun

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Task is a row of the host's table.
type Task struct {
	bun.BaseModel `bun:"table:tasks"`

	ID    string `bun:",pk"`
	State string
}

// FinishTask marks a task as done and dispatches ev: both happen, or neither.
func FinishTask(ctx context.Context, db *bun.DB, store *sqlstore.Store, hooks *webhook.Dispatcher, taskID string, ev payload.Event,
	more func() error) error {
	err := db.RunInTx(ctx, &sql.TxOptions{}, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&Task{ID: taskID, State: "done"}).Exec(ctx); err != nil {
			return err
		}
		if _, err := hooks.DispatchTx(ctx, store.Tx(tx.Tx), ev); err != nil {
			return err
		}
		return more()
	})
	if err == nil {
		hooks.Wake()
	}
	return err
}
