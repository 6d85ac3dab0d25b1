package recovery_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
)

// forWhat is the context key of a statement's purpose.
type forWhat struct{}

// counter is a driver.Connector that counts the statements of its connections by their purpose,
// including those that begin and end transactions.
type counter struct {
	driver driver.Driver
	dsn    string

	slow func() // called before each statement, if set

	mu sync.Mutex
	n  map[string]int
}

// counted opens a database whose statements are counted.
func counted(t *testing.T, d hostproc.Database) (*sql.DB, *counter) {
	t.Helper()
	plain, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{driver: plain.Driver(), dsn: d.DSN, n: make(map[string]int)}
	if err := plain.Close(); err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { _ = db.Close() })
	return db, c
}

func (c *counter) add(ctx context.Context) {
	if c.slow != nil {
		c.slow()
	}
	what, _ := ctx.Value(forWhat{}).(string)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[what]++
}

// take returns the counts since the last call.
func (c *counter) take() (total int, by map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by = maps.Clone(c.n)
	clear(c.n)
	for _, n := range by {
		total += n
	}
	return total, by
}

func (c *counter) Driver() driver.Driver { return c.driver }

func (c *counter) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &countedConn{inner.(conn), c}, nil
}

// conn has the methods of the examples' drivers.
type conn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
}

type countedConn struct {
	conn
	c *counter
}

func (c *countedConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	c.c.add(ctx)
	return c.conn.QueryContext(ctx, q, args)
}

func (c *countedConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	c.c.add(ctx)
	return c.conn.ExecContext(ctx, q, args)
}

func (c *countedConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, q)
	if err != nil {
		return nil, err
	}
	return &countedStmt{s.(stmt), c.c}, nil
}

func (c *countedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.conn.BeginTx(ctx, o)
	c.c.add(ctx)
	return &countedTx{tx, c.c, ctx}, err
}

type countedTx struct {
	driver.Tx
	c   *counter
	ctx context.Context // of its beginning, with the purpose
}

func (t *countedTx) Commit() error   { t.c.add(t.ctx); return t.Tx.Commit() }
func (t *countedTx) Rollback() error { t.c.add(t.ctx); return t.Tx.Rollback() }

type stmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

type countedStmt struct {
	stmt
	c *counter
}

func (s *countedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.c.add(ctx)
	return s.stmt.QueryContext(ctx, args)
}

func (s *countedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.c.add(ctx)
	return s.stmt.ExecContext(ctx, args)
}
