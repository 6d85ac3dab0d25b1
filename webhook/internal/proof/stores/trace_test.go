package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
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
