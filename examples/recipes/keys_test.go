package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// checkKey is one run of a host: it opens its database, checks its one key and ends.
func checkKey(t *testing.T, file string, add bool, o *keyexpiry.Options) keyexpiry.Outcome {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store, err := sqlstore.New(db, sqlstore.SQLite, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if add {
		manager, err := hooks.Manager()
		if err != nil {
			t.Fatal(err)
		}
		_, err = manager.Add(t.Context(), webhook.Webhook{Scope: scope, Name: "keys", URL: "https://api-private.atlassian.com/automation/webhooks/jira/a/x/y",
			Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef0123456789abcdef01234567")}, Events: []string{"orgKeyExpiry"}, Active: true})
		if err != nil {
			t.Fatal(err)
		}
	}
	expires := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 3)
	checker, err := keyexpiry.New(hooks, store, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) {
		return []keyexpiry.Key{{Scope: scope, ID: "key-1", Name: "Provisioning", ExpiresAt: expires, SettingsURL: settingURL}}, nil
	}), o)
	if err != nil {
		t.Fatal(err)
	}
	report, err := checker.Check(t.Context(), time.Now())
	if err != nil || len(report.Keys) != 1 {
		t.Fatalf("Check = %+v, %v", report, err)
	}
	return report.Keys[0].Outcome
}

// Rule: over a database, a key is announced once for any number of restarts, and not marked while
// no webhook listens.
func TestKeysOverRestarts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    *keyexpiry.Options
		want []keyexpiry.Outcome
	}{
		"done when stored":   {nil, []keyexpiry.Outcome{keyexpiry.Unheard, keyexpiry.Unheard, keyexpiry.Fired, keyexpiry.Done, keyexpiry.Done}},
		"done when accepted": {&keyexpiry.Options{MarkOnAccepted: true}, []keyexpiry.Outcome{keyexpiry.Unheard, keyexpiry.Unheard, keyexpiry.Fired, keyexpiry.Waiting, keyexpiry.Waiting}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "host.db")
			for i, want := range tc.want {
				if got := checkKey(t, file, i == 2, tc.o); got != want {
					t.Errorf("life %d: %v, want %v", i, got, want)
				}
			}
		})
	}
}
