package txpgx_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/examples/internal/txcase"
	txpgx "github.com/postrider/postrider/examples/tx_pgx"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook/sqlstore"
)

func TestPostgres(t *testing.T) {
	dsn := server.Database(t)
	h := txcase.New(t, txcase.Postgres(t, dsn), sqlstore.PostgreSQL)
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	txcase.Check(t, h, func(ctx context.Context, id string, ev payload.Event, before func() error) error {
		return txpgx.FinishTask(ctx, pool, h.Store, h.Hooks, id, ev, before)
	})
}
