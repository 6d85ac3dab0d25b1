package stores_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
	"github.com/postrider/postrider/webhook/storetest"
)

// suite runs the cases that depend most on the connection to PostgreSQL, on one set of tables.
func suite(t *testing.T, d database) {
	t.Helper()
	a, b := d.migrated(t, nil), d.migrated(t, nil)
	open := func(*testing.T) webhook.Store { return a }
	storetest.Run(t, open)
	storetest.RunRegistry(t, open)
	storetest.RunHistory(t, open)
	storetest.RunSweeper(t, open)
	storetest.RunStats(t, open)
	storetest.RunShared(t, func(*testing.T) (x, y webhook.Store) { return a, b })
}

// TestPostgresDefaults: the database's defaults do not change the results of a Store.
func TestPostgresDefaults(t *testing.T) {
	for _, setting := range []string{
		"default_transaction_isolation=repeatable%20read",
		"default_transaction_isolation=serializable",
		"plan_cache_mode=force_generic_plan",
	} {
		t.Run(setting, func(t *testing.T) {
			d := newPostgres(t)
			d.dsn += "&synchronous_commit=off&" + setting
			suite(t, d)
		})
	}
}

// TestPooler: behind a pooler in transaction mode a Store works in the modes of pgx that prepare no
// statements by name. The default mode fails, and the error names the setting.
func TestPooler(t *testing.T) {
	pooled := server.Server(t).Pooler(t)
	database := func(t *testing.T, mode string) database {
		d := newPostgres(t)
		d.dsn = pooled(d.dsn[strings.LastIndexByte(d.dsn, '/')+1:strings.IndexByte(d.dsn, '?')]) + mode
		return d
	}
	for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) { suite(t, database(t, "&default_query_exec_mode="+mode)) })
	}
	t.Run("default", func(t *testing.T) {
		d := database(t, "")
		for range 50 {
			s, err := sqlstore.New(d.open(t), d.dialect, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Migrate(t.Context())
			if err == nil {
				_, err = s.Webhooks(t.Context(), "acme")
			}
			if err != nil {
				if !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
					t.Errorf("the error does not say what to do: %v", err)
				}
				return
			}
		}
		t.Log("the pooler kept each client on its connection; nothing was proved")
	})
}

// TestReadOnlySessions: after a failover the pool is full of sessions with a server that has become
// read-only. They are dropped, and calls succeed with new ones.
func TestReadOnlySessions(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 1)
	hook := f.hooks("m", 1, true)[0]
	db := d.open(t)
	const idle = 7
	db.SetMaxOpenConns(idle)
	db.SetMaxIdleConns(idle)
	s, err := sqlstore.New(db, d.dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enqueue(t.Context(), []webhook.Delivery{f.delivery(hook, now())}); err != nil {
		t.Fatal(err)
	}
	var release []func() error
	for range idle {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ExecContext(t.Context(), `SET default_transaction_read_only = on`); err != nil {
			t.Fatal(err)
		}
		release = append(release, c.Close)
	}
	for _, r := range release {
		if err := r(); err != nil {
			t.Fatal(err)
		}
	}
	failed := 0
	for {
		_, err := s.Enqueue(t.Context(), []webhook.Delivery{f.delivery(hook, now())})
		if err == nil {
			break
		}
		if failed++; failed > idle {
			t.Fatalf("the pool does not heal: %v", err)
		}
		if !errors.Is(err, sqlstore.ErrSetting) || errors.Is(err, webhook.ErrUnknown) || !strings.Contains(err.Error(), "target_session_attrs=read-write") {
			t.Errorf("error %v, want one that says what to do and that nothing was stored", err)
		}
	}
	if failed == 0 {
		t.Error("no call saw a read-only session, nothing was proved")
	}
}
