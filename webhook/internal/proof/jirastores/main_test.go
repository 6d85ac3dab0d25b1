// Package jirastores_test proves package jirasql on real databases.
package jirastores_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/webhook/jira/jirasql"
	"github.com/postrider/postrider/webhook/sqlstore"
)

var server pgtest.Shared

func TestMain(m *testing.M) { server.Main(m) }

// database is an empty database of one dialect.
type database struct {
	dialect     sqlstore.Dialect
	driver, dsn string
}

func (d database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newStore(t testing.TB, db *sql.DB, o *jirasql.Options) *jirasql.Store {
	t.Helper()
	s, err := jirasql.New(db, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, database{sqlstore.SQLite, "sqlite", "file:" + filepath.Join(t.TempDir(), "app.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"})
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, database{sqlstore.PostgreSQL, "pgx", server.Database(t)})
	})
}
