package pgnotify_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/postrider/postrider/examples/pgnotify"
	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
	"github.com/postrider/postrider/webhook/storetest"
)

var server pgtest.Shared

func TestMain(m *testing.M) { server.Main(m) }

func newNotifier(t *testing.T) (*pgnotify.Notifier, *pgxpool.Pool) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), server.Server(t).DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	n := pgnotify.New(pool, "postrider")
	t.Cleanup(n.Close)
	return n, pool
}

// newStore opens a Store with a real Notifier.
func newStore(t *testing.T) *sqlstore.Store {
	t.Helper()
	n, _ := newNotifier(t)
	db, err := sql.Open("pgx", server.Server(t).DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Notifier: n})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Notifies() {
		t.Fatal("Notifies is false although Options.Notifier is set")
	}
	return s
}

func TestTwoStores(t *testing.T) {
	storetest.RunNotifier(t, func(t *testing.T) (a, b webhook.Notifier) {
		a, b = newStore(t), newStore(t)
		for _, n := range []webhook.Notifier{a, b} {
			if err := n.Wait(t.Context()); err != nil { // begins to listen
				t.Fatal(err)
			}
		}
		return a, b
	})
}

// TestOwnNotification: a host does not wake itself.
func TestOwnNotification(t *testing.T) {
	n, _ := newNotifier(t)
	if err := n.Wait(t.Context()); err != nil {
		t.Fatalf("the first Wait, which begins to listen: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.Wait(ctx) }()
	for ctx.Err() == nil {
		if err := n.Notify(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err == nil {
		t.Error("Wait was ended by a notification of its own host")
	}
}

// TestBrokenConnection: after the listening connection was lost, one Wait returns an error and the
// next one returns at once, because notifications may have been missed.
func TestBrokenConnection(t *testing.T) {
	n, pool := newNotifier(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := n.Wait(ctx); err != nil {
		t.Fatalf("the first Wait, which begins to listen: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Wait(ctx) }()
	for len(ended) == 0 && ctx.Err() == nil {
		_, err := pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err == nil {
		t.Fatal("Wait returned nil when its connection was lost")
	}
	if err := n.Wait(ctx); err != nil {
		t.Fatalf("Wait after the loss: %v", err)
	}
}
