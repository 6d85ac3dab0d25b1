// Package txcase proves that a recipe binds deliveries to a transaction of the host.
package txcase

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// Tasks is the host's own table.
const Tasks = `CREATE TABLE tasks (id text PRIMARY KEY, state text NOT NULL)`

// Host is a host with one webhook in scope "acme", for trying a recipe.
type Host struct {
	DB    *sql.DB
	Store *sqlstore.Store
	Hooks *webhook.Dispatcher
}

// New makes the tables, the Store and a webhook.
func New(t *testing.T, db *sql.DB, d sqlstore.Dialect) *Host {
	t.Helper()
	t.Cleanup(func() { _ = db.Close() })
	store, err := sqlstore.New(db, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), Tasks); err != nil {
		t.Fatal(err)
	}
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Name: "Ops", URL: "https://api.atlassian.com/automation/webhooks/jira/a/b/c",
		Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef")}, Events: []string{"taskSuccess"}, Active: true}
	if err := store.Create(t.Context(), w, 0); err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Host{db, store, hooks}
}

// Event is the end of a task.
func Event(t *testing.T, id string) payload.Event {
	t.Helper()
	ev, err := payload.New("acme", payload.TaskSuccess{ProcessID: id, Name: "Nightly", ActionTypes: []string{"deactivate"},
		DeepLink: "https://example.com/tasks/" + id}, payload.WithID(id), payload.WithAnyProcessID())
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// Finish is a recipe: it ends a task in the host's table and dispatches ev, in one
// transaction. It calls before just before the commit, and rolls back if that fails.
type Finish func(ctx context.Context, taskID string, ev payload.Event, before func() error) error

// Check tries a recipe.
func Check(t *testing.T, h *Host, finish Finish) {
	t.Helper()
	check := func(when string, want int) {
		t.Helper()
		ds, _, err := h.Store.Deliveries(context.Background(), webhook.Query{Scope: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		var tasks int
		if err := h.DB.QueryRowContext(context.Background(), `SELECT count(*) FROM tasks`).Scan(&tasks); err != nil {
			t.Fatal(err)
		}
		if len(ds) != want || tasks != want {
			t.Errorf("%s: %d deliveries and %d tasks, want %d of each", when, len(ds), tasks, want)
		}
	}
	changed := errors.New("the host changed its mind")
	err := finish(t.Context(), "t1", Event(t, "t1"), func() error { check("before the rollback", 0); return changed })
	if !errors.Is(err, changed) {
		t.Fatalf("error %v, want the host's", err)
	}
	check("after the rollback", 0)
	err = finish(t.Context(), "t1", Event(t, "t1"), func() error { check("before the commit", 0); return nil })
	if err != nil {
		t.Fatal(err)
	}
	check("after the commit", 1)
	err = finish(t.Context(), "t2", Event(t, "t1"), func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	ds, _, err := h.Store.Deliveries(t.Context(), webhook.Query{Scope: "acme"})
	if err != nil || len(ds) != 1 {
		t.Errorf("the same event again: %d deliveries, %v; want 1", len(ds), err)
	}
}
