package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// statement is a statement of a pool.
type statement struct {
	sql  string
	args []any
}

// trace is a pgx.QueryTracer that records statements.
type trace struct {
	mu   sync.Mutex
	list []statement
}

func (t *trace) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, statement{data.SQL, data.Args})
	return ctx
}

func (t *trace) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (t *trace) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = nil
}

// find returns the first statement with that text in it.
func (t *trace) find(part string) statement {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.list {
		if strings.Contains(s.sql, part) {
			return s
		}
	}
	return statement{}
}

// tracedSQLite opens a pool whose statements are recorded, without their values.
func tracedSQLite(t *testing.T, d database) (*sql.DB, *trace) {
	t.Helper()
	tr := &trace{}
	db := sql.OpenDB(traceConnector{d.open(t).Driver(), d.dsn, tr})
	t.Cleanup(func() { _ = db.Close() })
	return db, tr
}

type traceConnector struct {
	driver driver.Driver
	dsn    string
	trace  *trace
}

func (c traceConnector) Driver() driver.Driver { return c.driver }

func (c traceConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	return traceConn{conn, c.trace}, err
}

// traceConn has no method for statements that are not prepared, so all of them are.
type traceConn struct {
	driver.Conn
	trace *trace
}

func (c traceConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.trace.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{SQL: query})
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c traceConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// traced opens a pool that records its statements.
func traced(t *testing.T, d database) (*sql.DB, *trace) {
	t.Helper()
	config, err := pgx.ParseConfig(d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trace{}
	config.Tracer = tr
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db, tr
}

// generic is the plan_cache_mode of plans that know no value.
const generic = "force_generic_plan"

// explain returns the plan of an executed statement.
func explain(t *testing.T, d database, q statement, mode string) string {
	t.Helper()
	d.dsn += "&plan_cache_mode=" + mode
	db := d.open(t)
	defer db.Close() // the server has few connections
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // nothing was changed
	if _, err := tx.Exec("PREPARE p AS " + q.sql); err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, v := range q.args {
		switch v := v.(type) {
		case nil:
			values = append(values, "NULL")
		case string, int, int64, bool: // the driver adds its own options
			values = append(values, "'"+strings.ReplaceAll(fmt.Sprint(v), "'", "''")+"'")
		case []byte:
			values = append(values, fmt.Sprintf(`'\x%x'`, v))
		}
	}
	execute := "EXPLAIN EXECUTE p"
	if len(values) > 0 {
		execute += " (" + strings.Join(values, ", ") + ")"
	}
	rows, err := tx.QueryContext(t.Context(), execute)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		b.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
