package txsql_test

import (
	"context"
	"testing"

	"github.com/postrider/postrider/examples/internal/txcase"
	txsql "github.com/postrider/postrider/examples/tx_sql"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook/sqlstore"
)

func TestSQLite(t *testing.T) { check(t, txcase.New(t, txcase.SQLite(t), sqlstore.SQLite)) }

func TestPostgres(t *testing.T) {
	check(t, txcase.New(t, txcase.Postgres(t, server.Database(t)), sqlstore.PostgreSQL))
}

func check(t *testing.T, h *txcase.Host) {
	txcase.Check(t, h, func(ctx context.Context, id string, ev payload.Event, before func() error) error {
		return txsql.FinishTask(ctx, h.DB, h.Store, h.Hooks, id, ev, before)
	})
}

// TestConn: a *sql.Conn on which the host has begun a transaction itself works too.
func TestConn(t *testing.T) {
	h := txcase.New(t, txcase.SQLite(t), sqlstore.SQLite)
	txcase.Check(t, h, func(ctx context.Context, id string, ev payload.Event, before func() error) error {
		conn, err := h.DB.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, `INSERT INTO tasks (id, state) VALUES ($1, 'done')`, id)
		if err == nil {
			_, err = h.Hooks.DispatchTx(ctx, h.Store.Tx(conn), ev)
		}
		if err == nil {
			err = before()
		}
		end := `COMMIT`
		if err != nil {
			end = `ROLLBACK`
		}
		if _, endErr := conn.ExecContext(ctx, end); endErr != nil {
			t.Error(endErr)
		}
		return err
	})
}
