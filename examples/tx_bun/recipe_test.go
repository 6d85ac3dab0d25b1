package txbun_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"

	"github.com/postrider/postrider/examples/internal/txcase"
	txbun "github.com/postrider/postrider/examples/tx_bun"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook/sqlstore"
)

func TestSQLite(t *testing.T) {
	check(t, txcase.New(t, txcase.SQLite(t), sqlstore.SQLite), sqlitedialect.New())
}

func TestPostgres(t *testing.T) {
	check(t, txcase.New(t, txcase.Postgres(t, server.Database(t)), sqlstore.PostgreSQL), pgdialect.New())
}

func check(t *testing.T, h *txcase.Host, d schema.Dialect) {
	db := bun.NewDB(h.DB, d)
	txcase.Check(t, h, func(ctx context.Context, id string, ev payload.Event, before func() error) error {
		return txbun.FinishTask(ctx, db, h.Store, h.Hooks, id, ev, before)
	})
}
