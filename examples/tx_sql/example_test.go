package txsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// A host ends a task and dispatches the event in one transaction of its own database.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example-")
	must(err)
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	must(err)
	defer db.Close()

	store, err := sqlstore.New(db, sqlstore.SQLite, nil)
	must(err)
	must(store.Migrate(ctx))
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	must(err)
	manager, err := hooks.Manager()
	must(err)
	_, err = manager.Add(ctx, webhook.Webhook{Scope: "acme", Name: "Ops", Active: true, Events: []string{"taskSuccess"},
		URL:     "https://api-private.atlassian.com/automation/webhooks/jira/a/007b5c6c-0078-4cf2-a9d9-3f8c02f74205/b00c3a5c-6d5b-4a2c-8a6e-1a0f2c3d4e5f",
		Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef")}})
	must(err)

	event, err := payload.New("acme", payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Nightly clean-up",
		ActionTypes: []string{"deactivate"}, DeepLink: "https://example.com/tasks/1"})
	must(err)
	tx, err := db.BeginTx(ctx, nil)
	must(err)
	// ... the host's own statements ...
	receipt, err := hooks.DispatchTx(ctx, store.Tx(tx), event)
	must(err)
	must(tx.Commit())
	hooks.Wake()

	list, _, err := store.Deliveries(ctx, webhook.Query{Scope: "acme"})
	must(err)
	fmt.Println("matched", receipt.Events[0].Matched, "added", receipt.Events[0].Added)
	fmt.Println(len(list), list[0].Type, list[0].State)
	// Output:
	// matched 1 added 1
	// 1 taskSuccess pending
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
