package customstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/examples/customstore"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// openFile opens a Store over a database file.
func openFile(t *testing.T, file string) *customstore.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	return customstore.New(db)
}

// open makes a database with the tables and opens a Store over it.
func open(t *testing.T) (store *customstore.Store, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), customstore.Schema); err != nil {
		t.Fatal(err)
	}
	return openFile(t, file), file
}

// TestStore is the only test that a Store needs.
func TestStore(t *testing.T) {
	var store *customstore.Store
	webhooks := storetest.WithWebhooks(func(ctx context.Context, ws []webhook.Webhook) error {
		for _, w := range ws {
			if err := store.SaveWebhook(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	store, _ = open(t)
	storetest.RunAll(t, func(*testing.T) webhook.Store { return store }, webhooks)
	storetest.RunDurable(t, func(t *testing.T) (webhook.Store, func() webhook.Store) {
		first, file := open(t)
		store = first
		return first, func() webhook.Store { return openFile(t, file) }
	}, webhooks)
	storetest.RunShared(t, func(t *testing.T) (a, b webhook.Store) {
		first, file := open(t)
		store = first
		return first, openFile(t, file)
	}, webhooks)
}

// TestDelivery: an event goes through the tables to a receiver.
func TestDelivery(t *testing.T) {
	rule := webhooktest.New(t, nil)
	store, _ := open(t)
	err := store.SaveWebhook(t.Context(), webhook.Webhook{ID: "ops", Scope: "acme", Name: "Ops", URL: rule.URL(), Active: true,
		Secrets: []webhook.Secret{rule.Secret()}, Events: []string{"taskSuccess"}, CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	settled := make(chan webhook.Delivery, 1)
	hooks, err := webhook.New(store, webhook.Automation(), &webhook.Options{DialContext: rule.DialContext, RootCAs: rule.RootCAs(),
		Observer: &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) { settled <- d }}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- hooks.Run(ctx) }()
	event, err := payload.New("acme", payload.TaskSuccess{ProcessID: "7", Name: "Nightly", ActionTypes: []string{"deactivate"},
		DeepLink: "https://example.com/tasks/7"}, payload.WithID("7"), payload.WithAnyProcessID())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hooks.Dispatch(ctx, event); err != nil {
		t.Fatal(err)
	}
	if d := <-settled; d.State != webhook.StateDelivered || d.EventID != "7" {
		t.Errorf("event %s ended as %v", d.EventID, d.State)
	}
	if got := rule.Requests(); len(got) != 1 || string(got[0].Body) != string(event.Body) {
		t.Errorf("%d requests, want 1 with the body as it was dispatched", len(got))
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
