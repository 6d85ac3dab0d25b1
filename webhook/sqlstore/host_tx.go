package sqlstore

import (
	"context"
	"errors"
	"reflect"

	"github.com/postrider/postrider/webhook"
)

// Tx returns an Enqueuer that writes into a transaction of the host, for
// [webhook.Dispatcher.DispatchTx]. tx is a *sql.Tx, a *sql.Conn on which the host has
// begun a transaction, or an ORM's handle that passes statements on unchanged. The
// deliveries exist once the host commits, and never if it rolls back. After the commit
// the host calls Dispatcher.Wake. On PostgreSQL a failed statement ends the
// transaction, as usual.
func (s *Store) Tx(tx SQL) webhook.Enqueuer {
	if isNil(tx) {
		return noTx{}
	}
	return hostTx{s, sqlConn{tx}}
}

// TxConn is Tx for a transaction of a native driver; see [Conn].
func (s *Store) TxConn(c Conn) webhook.Enqueuer {
	if isNil(c) {
		return noTx{}
	}
	return hostTx{s, c}
}

func isNil(tx any) bool {
	v := reflect.ValueOf(tx)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// noTx answers for a transaction that is nil.
type noTx struct{}

var errNoTx = errors.New("sqlstore: the host's transaction is nil, check the error of the call that began it")

func (noTx) Webhooks(context.Context, string) ([]webhook.Webhook, error) { return nil, errNoTx }
func (noTx) Enqueue(context.Context, []webhook.Delivery) ([]bool, error) { return nil, errNoTx }

// hostTx is the Store inside a transaction of the host.
type hostTx struct {
	s *Store
	c Conn
}

// Webhooks reads through the transaction, so Enqueue need not check the scope's count of changes.
func (w hostTx) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if err := w.s.readyIn(ctx, w.c); err != nil {
		return nil, err
	}
	list, err := w.s.webhooks(ctx, w.c, scope)
	for i := range list {
		list[i].Seen = 0
	}
	return list, err
}

// Enqueue locks no row that other transactions need: the index of IDs finds a repetition.
func (w hostTx) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	rows, err := newRows(ds)
	if err != nil {
		return nil, err
	}
	if err := w.s.readyIn(ctx, w.c); err != nil || len(ds) == 0 {
		return []bool{}, err
	}
	added, err := w.insert(ctx, rows)
	return added, w.s.failWrite("enqueue in the host's transaction", rows[0].id, err)
}

// insert stores all rows or none, whatever the host does after an error. It runs several
// statements, and SQLite undoes only the last one, hence the savepoint.
func (w hostTx) insert(ctx context.Context, rows []newRow) (added []bool, err error) {
	if w.s.dialect == PostgreSQL || len(rows) == 1 {
		added, behind, err := w.s.insert(ctx, w.c, rows)
		w.s.parkedInserts.add(behind)
		return added, err
	}
	if err := w.s.exec(ctx, w.c, `SAVEPOINT postrider_enqueue`); err != nil {
		return nil, undone{err}
	}
	if added, _, err = w.s.insert(ctx, w.c, rows); err != nil {
		_ = w.s.exec(context.WithoutCancel(ctx), w.c, `ROLLBACK TO postrider_enqueue`) // err says more
	}
	if endErr := w.s.exec(context.WithoutCancel(ctx), w.c, `RELEASE postrider_enqueue`); err == nil {
		err = endErr
	}
	return added, err
}
