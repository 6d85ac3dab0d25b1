package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/settings"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// app is the application: its database, its tasks and its webhooks.
type app struct {
	db       *sql.DB
	store    *sqlstore.Store
	hooks    *webhook.Dispatcher
	settings http.Handler
	operate  http.Handler
	inspect  *inspector.Inspector
	rule     *standIn
}

// newApp opens the database, migrates it and connects the parts. Nothing is sent yet.
func newApp(ctx context.Context, file string, realRetries bool) (_ *app, err error) {
	a := &app{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	a.db, err = sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if _, err = a.db.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("create tables: %w", err)
	}
	if a.store, err = sqlstore.New(a.db, sqlstore.SQLite, &sqlstore.Options{Counters: true}); err != nil {
		return nil, err
	}
	if err = a.store.Migrate(ctx); err != nil {
		return nil, err
	}
	secret, err := ruleSecret(ctx, a.db)
	if err != nil {
		return nil, err
	}
	a.inspect, err = inspector.New(&inspector.Options{Secrets: []sign.Secret{secret}, Console: os.Stdout,
		Back: inspector.Link{Text: "Task runner", URL: "/"}})
	if err != nil {
		return nil, err
	}
	if a.rule, err = startStandIn(secret, a.inspect); err != nil {
		return nil, err
	}
	profile := webhook.Automation()
	opts := &webhook.Options{DialContext: a.rule.DialContext, RootCAs: a.rule.RootCAs()} // the real host name leads to the stand-in
	if !realRetries {
		profile.Retry = retry.Policy{MaxAfter: 20 * time.Second, Slots: []retry.Slot{
			{Min: 3 * time.Second, Max: 4 * time.Second}, {Min: 8 * time.Second, Max: 12 * time.Second}, {Min: 20 * time.Second, Max: 30 * time.Second},
		}}
	}
	if a.hooks, err = webhook.New(a.store, profile, opts); err != nil {
		return nil, err
	}
	a.settings, err = settings.New(a.hooks, &settings.Options{
		Scope: scope, SignIn: signIn, Texts: texts,
		Back:    settings.Link{Text: "Task runner", URL: "/"},
		Refresh: time.Second,
	})
	if err != nil {
		return nil, err
	}
	a.operate, err = settings.NewOperators(a.hooks, &settings.OperatorOptions{
		Allow:    func(r *http.Request) error { _, err := scope(r); return err }, // a real host requires more than a login
		ScopeURL: func(string) string { return "/settings/notifications/" },
		Back:     settings.Link{Text: "Task runner", URL: "/"},
	})
	return a, err
}

func (a *app) close() error {
	if a.rule != nil {
		a.rule.Close()
	}
	return a.db.Close()
}

func (a *app) routes() http.Handler {
	own := http.NewServeMux()
	own.HandleFunc("GET /{$}", a.home)
	own.HandleFunc("GET /taskapp.css", stylesheet)
	own.HandleFunc("GET /sign-in", a.home)
	own.HandleFunc("POST /sign-in", session(-1))
	own.HandleFunc("POST /sign-out", session(0))
	own.HandleFunc("POST /tasks/{task}/run", a.runTask)
	mux := http.NewServeMux()
	mux.Handle("/", http.NewCrossOriginProtection().Handler(own))
	mux.Handle("/settings/notifications/", http.StripPrefix("/settings/notifications", a.settings))
	mux.Handle("/operators/", http.StripPrefix("/operators", a.operate))
	mux.Handle("/inspector/", http.StripPrefix("/inspector", a.inspect))
	return mux
}
