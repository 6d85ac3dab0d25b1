package matrix_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/postrider/postrider/internal/leak"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/matrix"
	"github.com/postrider/postrider/webhook/sqlstore"
)

func TestMain(m *testing.M) { leak.Main(m) }

// TestFaultMatrixOnSQLite tests the faults that involve a Store for every profile over package
// sqlstore on SQLite. Each subtest is one row for one profile.
func TestFaultMatrixOnSQLite(t *testing.T) { // not parallel: it counts goroutines and file descriptors
	matrix.Run(t, matrix.Setting{Store: newSQLite, Stored: true})
}

// newSQLite makes a Store in a file of its own.
func newSQLite(t testing.TB) webhook.Store {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := sqlstore.New(db, sqlstore.SQLite, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
