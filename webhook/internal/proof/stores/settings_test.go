package stores_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// refused checks that the errors of Migrate and of a Store's first use name a setting and the
// remedy.
func refused(t *testing.T, s *sqlstore.Store, setting, do string) {
	t.Helper()
	for name, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "Enqueue": enqueueOne(s)} {
		if !errors.Is(err, sqlstore.ErrSetting) || !strings.Contains(err.Error(), setting) || !strings.Contains(err.Error(), do) {
			t.Errorf("%s: %v, want an ErrSetting of %q that says %q", name, err, setting, do)
		}
	}
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	const good = "_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"
	for _, tc := range []struct {
		rule, name, query, setting, do string
	}{
		{"no write-ahead log", "app.db", "_pragma=busy_timeout(5000)", "journal_mode", "in the DSN"},
		{"no busy timeout", "app.db", "_pragma=journal_mode(WAL)", "busy_timeout", "in the DSN"},
		{"read-only by the DSN", "app.db", good + "&mode=ro", "read-only", "mode=ro"},
		{"read-only by a pragma", "app.db", good + "&_pragma=query_only(1)", "query_only", "in the DSN"},
		{"a database in memory for each connection", ":memory:", "", ":memory:", "SetMaxOpenConns(1)"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			d := database{sqlstore.SQLite, "sqlite", tc.name}
			if tc.name != ":memory:" {
				d.dsn = "file:" + filepath.Join(t.TempDir(), tc.name)
			}
			if strings.Contains(tc.query, "only") || strings.Contains(tc.query, "mode=ro") { // the tables exist
				whole := d
				whole.dsn += "?" + good
				whole.migrated(t, nil)
			}
			if tc.query != "" {
				d.dsn += "?" + tc.query
			}
			refused(t, d.store(t, nil), tc.setting, tc.do)
		})
	}
	for _, dsn := range []string{"file::memory:?cache=shared", ":memory:"} {
		d := database{sqlstore.SQLite, "sqlite", dsn}
		db := d.open(t)
		if dsn == ":memory:" {
			db.SetMaxOpenConns(1)
		}
		s, err := sqlstore.New(db, d.dialect, nil)
		if err == nil {
			err = s.Migrate(t.Context())
		}
		if err == nil {
			err = enqueueOne(s)
		}
		if err != nil {
			t.Errorf("%s on connections that share it: %v", dsn, err)
		}
	}
}

// TestSQLiteFull: a full disk is reported as such, and nothing was stored.
func TestSQLiteFull(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	f := newField(t, d, "postrider_", 1)
	hook := f.hooks("m", 1, true)[0]
	db := d.open(t)
	db.SetMaxOpenConns(1)
	s, err := sqlstore.New(db, d.dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	var pages int64
	if err := db.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA max_page_count = ` + strconv.FormatInt(pages, 10)); err != nil {
		t.Fatal(err)
	}
	big := f.delivery(hook, now())
	big.Body = bytes.Repeat([]byte("x"), 1<<20)
	_, err = s.Enqueue(t.Context(), []webhook.Delivery{big})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || errors.Is(err, webhook.ErrUnknown) {
		t.Errorf("Enqueue on a full disk: %v", err)
	}
}

// TestSQLiteDeferred: a transaction of the host that began with a read, after which another
// connection wrote, cannot write, and the error says how to begin it.
func TestSQLiteDeferred(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	f := newField(t, d, "postrider_", 1)
	hook := f.hooks("m", 1, true)[0]
	tx, err := d.open(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // nothing was stored
	if _, err := f.store.Tx(tx).Webhooks(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{f.delivery(hook, now())}); err != nil {
		t.Fatal(err)
	}
	_, err = f.store.Tx(tx).Enqueue(t.Context(), []webhook.Delivery{f.delivery(hook, now())})
	if !errors.Is(err, sqlstore.ErrSetting) || !strings.Contains(err.Error(), "BEGIN IMMEDIATE") {
		t.Errorf("Enqueue: %v, want it to say how to begin the transaction", err)
	}
}

func TestPostgresSettings(t *testing.T) {
	d := newPostgres(t)
	latin := d
	latin.dsn = server.Database(t, "--encoding=LATIN1", "--locale=C", "--template=template0")
	refused(t, latin.store(t, nil), "server_encoding", "UTF8")
	d.migrated(t, nil)
	standby := d
	standby.dsn += "&default_transaction_read_only=on"
	refused(t, standby.store(t, nil), "read_only", "target_session_attrs=read-write")
	if _, err := standby.store(t, nil).Webhooks(t.Context(), "acme"); err != nil {
		t.Errorf("Webhooks on a read-only session: %v", err)
	}
}

// TestIdleConnections: a pool that closes connections which it needs again is reported, once.
func TestIdleConnections(t *testing.T) {
	d := newPostgres(t)
	d.migrated(t, nil)
	db := d.open(t)
	db.SetMaxOpenConns(8) // and two idle, the default of database/sql
	var log strings.Builder
	s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	due := func() {
		if _, err := s.Due(t.Context(), webhook.DueQuery{Now: now(), Limit: 1}); err != nil {
			t.Error(err)
		}
	}
	if due(); log.Len() > 0 {
		t.Errorf("a warning before anything was closed: %s", log.String())
	}
	for db.Stats().MaxIdleClosed < 100 {
		var conns []*sql.Conn
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				c, err := db.Conn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				conns = append(conns, c)
			})
		}
		wg.Wait()
		for _, c := range conns {
			_ = c.Close() // six of them are closed for good
		}
	}
	due()
	due()
	if n := strings.Count(log.String(), "SetMaxIdleConns"); n != 1 {
		t.Errorf("%d warnings, want 1: %s", n, log.String())
	}
}

// TestErrorsHideTheDatabase: no error holds user, database or address.
func TestErrorsHideTheDatabase(t *testing.T) {
	d := newPostgres(t)
	u, err := url.Parse(d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	for rule, change := range map[string]func(*url.URL){
		"no such database": func(u *url.URL) { u.Path = "/crmcanary" },
		"no such user":     func(u *url.URL) { u.User = url.UserPassword("opscanary", "pwcanary") },
		"no such server":   func(u *url.URL) { u.Host = "127.0.0.1:1" },
	} {
		bad := *u
		change(&bad)
		other := d
		other.dsn = bad.String()
		err := other.store(t, nil).Migrate(t.Context())
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", rule, err)
		}
	}
}
