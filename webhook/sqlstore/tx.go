package sqlstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// Tx returns an Enqueuer that writes into a transaction of the host, for
// [webhook.Dispatcher.DispatchTx]. tx is a *sql.Tx, a *sql.Conn on which the host has
// begun a transaction, or an ORM's handle that passes statements on unchanged. What
// it writes exists once the host commits, and never if it rolls back; the host then
// calls Dispatcher.Wake. On PostgreSQL a failed statement ends the transaction, as
// usual.
func (s *Store) Tx(tx SQL) webhook.Enqueuer { return within{s, sqlConn{tx}} }

// TxConn is Tx for a transaction of a native driver; see [Conn].
func (s *Store) TxConn(c Conn) webhook.Enqueuer { return within{s, c} }

// within is the Store inside a transaction that is not its own.
type within struct {
	s *Store
	c Conn
}

func (w within) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if err := w.s.readyIn(ctx, w.c); err != nil {
		return nil, err
	}
	return w.s.webhooks(ctx, w.c, scope)
}

// Enqueue locks no row that others need: a repetition is found by its key.
func (w within) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if err := checkText(ds); err != nil {
		return nil, err
	}
	if err := w.s.readyIn(ctx, w.c); err != nil || len(ds) == 0 {
		return []bool{}, err
	}
	added, err := w.insert(ctx, ds)
	return added, w.s.fail("enqueue in the host's transaction", ds[0].ID, err)
}

// insert takes care that all is stored or nothing, whatever the host does after an
// error: it takes several statements, and SQLite undoes only the last.
func (w within) insert(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	if w.s.dialect == PostgreSQL || len(ds) == 1 {
		return w.s.insert(ctx, w.c, ds)
	}
	if err := w.c.Exec(ctx, `SAVEPOINT postrider_enqueue`); err != nil {
		return nil, err
	}
	if added, err = w.s.insert(ctx, w.c, ds); err != nil {
		_ = w.c.Exec(context.WithoutCancel(ctx), `ROLLBACK TO postrider_enqueue`)
	}
	if endErr := w.c.Exec(context.WithoutCancel(ctx), `RELEASE postrider_enqueue`); err == nil {
		err = endErr
	}
	return added, err
}
