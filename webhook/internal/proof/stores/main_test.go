// Package stores_test proves package sqlstore on real databases.
package stores_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/examples/pgtest"
	"github.com/postrider/postrider/webhook/sqlstore"
)

var server pgtest.Shared

func TestMain(m *testing.M) { server.Main(m) }

// database is an empty database of one dialect.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	dsn     string
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

// store opens a Store with its own pool, like another host.
func (d database) store(t testing.TB, o *sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New(d.open(t), d.dialect, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// migrated is store, with the tables made.
func (d database) migrated(t testing.TB, o *sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s := d.store(t, o)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// The timeout is long, because writers wait on a busy machine.
const sqlitePragmas = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(60000)"

func newSQLite(t testing.TB) database {
	t.Helper()
	return database{sqlstore.SQLite, "sqlite", "file:" + filepath.Join(t.TempDir(), "app.db") + sqlitePragmas}
}

func newPostgres(t testing.TB) database {
	t.Helper()
	return database{sqlstore.PostgreSQL, "pgx", server.Database(t)}
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		t.Run(strings.ToLower(strings.TrimSuffix(dialect.String(), "QL")), func(t *testing.T) {
			if dialect == sqlstore.SQLite {
				test(t, newSQLite(t))
				return
			}
			test(t, newPostgres(t))
		})
	}
}

// until waits until a condition holds. Without a bound of its own, a fault would end the other tests
// too, at the deadline of all of them.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const limit = 2 * time.Minute // for a busy machine
	for began := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("%s: not after %v", what, limit)
		}
	}
}
