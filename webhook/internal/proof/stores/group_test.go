package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// eventDelivery is a delivery of an event to one webhook.
func eventDelivery(event string) []webhook.Delivery {
	return []webhook.Delivery{{ID: webhook.DeliveryID("acme", event, "wh"), EventID: event, WebhookID: "wh", Scope: "acme", Type: "t",
		Body: []byte("{}"), Due: now(), CreatedAt: now()}}
}

// TestEnqueueWithoutConnection: calls that give up while others hold the whole pool have stored
// nothing, and say so.
func TestEnqueueWithoutConnection(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		s, err := sqlstore.New(db, d.dialect, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Enqueue(t.Context(), eventDelivery("first")); err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		held, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i, events := range [][]string{{"a"}, {"b", "c", "d"}} {
			ctx, giveUp := context.WithCancel(t.Context())
			for _, event := range events {
				wg.Go(func() {
					if _, err := s.Enqueue(ctx, eventDelivery(event)); !errors.Is(err, context.Canceled) || errors.Is(err, webhook.ErrUnknown) {
						t.Errorf("event %q: %v, want that nothing was stored", event, err)
					}
				})
			}
			for db.Stats().WaitCount <= int64(i) {
				time.Sleep(time.Millisecond)
			}
			giveUp()
			wg.Wait()
		}
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}

// TestEnqueueBesideOpenTransaction: a call that waits for a row of a transaction that is open holds
// up no other call.
func TestEnqueueBesideOpenTransaction(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	s := d.migrated(t, nil)
	db := d.open(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tx(tx).Enqueue(t.Context(), eventDelivery("same")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if added, err := s.Enqueue(t.Context(), eventDelivery("same")); err != nil || added[0] {
			t.Errorf("the same event: %v, %v; want a repetition", added, err)
		}
	})
	waitForLock(t, db)
	for _, event := range []string{"a", "b"} { // the first waits for the turn to pass on
		if added, err := s.Enqueue(t.Context(), eventDelivery(event)); err != nil || !added[0] {
			t.Errorf("another event: %v, %v; want it to be stored", added, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

// waitForLock returns when a statement waits for a transaction to end.
func waitForLock(t *testing.T, db *sql.DB) {
	t.Helper()
	for waits := false; !waits; {
		if err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
}
