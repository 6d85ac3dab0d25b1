package sqlstore

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

// text renders a statement: {p} is the prefix, $1 is ?1 in SQLite, where $1 would be
// a name.
func (s *Store) text(query string) string {
	if t, ok := s.texts.Load(query); ok {
		return t.(string)
	}
	rendered := strings.ReplaceAll(query, "{p}", s.prefix)
	if s.dialect == SQLite {
		rendered = placeholder.ReplaceAllString(rendered, "?$1")
	}
	s.texts.Store(query, rendered)
	return rendered
}

// pick returns the statement for the dialect.
func (s *Store) pick(sqlite, postgres string) string {
	if s.dialect == SQLite {
		return sqlite
	}
	return postgres
}

// compiled is a statement that SQLite compiled once for all connections. PostgreSQL's
// drivers do that themselves.
type compiled struct {
	stmt atomic.Pointer[sql.Stmt]
	used atomic.Bool // before, outside a transaction
}

func (s *Store) compiledOf(query string) *compiled {
	known, ok := s.compiled.Load(query)
	if !ok {
		known, _ = s.compiled.LoadOrStore(query, new(compiled))
	}
	return known.(*compiled)
}

func (s *Store) compile(ctx context.Context, query string, one *compiled) {
	stmt, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return // it costs speed only; the next use tries again
	}
	if !one.stmt.CompareAndSwap(nil, stmt) {
		_ = stmt.Close() // two uses compiled it at once
	}
}

// reader returns the pool, for statements outside a transaction.
func (s *Store) reader() Conn {
	if s.dialect == SQLite {
		return compiledPool{s}
	}
	return sqlConn{s.db}
}

// compiledPool runs queries outside a transaction. It compiles what comes twice.
type compiledPool struct{ s *Store }

func (c compiledPool) Exec(ctx context.Context, query string, args ...any) error {
	return sqlConn{c.s.db}.Exec(ctx, query, args...)
}

func (c compiledPool) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	one := c.s.compiledOf(query)
	if one.stmt.Load() == nil && one.used.Swap(true) {
		c.s.compile(ctx, query, one)
	}
	if st := one.stmt.Load(); st != nil {
		return rowsOf(st.QueryContext(ctx, args...))
	}
	return sqlConn{c.s.db}.Query(ctx, query, args...)
}

// compiledTx runs a transaction on compiled statements. It compiles none itself: that
// takes a connection of the pool, and the transaction may hold the only one.
//
// Its statements are short and do not watch the caller's context, for which the driver
// would start a goroutine each: the transaction looks at it before it commits.
type compiledTx struct {
	s      *Store
	tx     *sql.Tx
	ctx    context.Context
	used   map[string]*sql.Stmt
	wanted []string
}

func (c *compiledTx) find(query string) *sql.Stmt {
	if st := c.used[query]; st != nil {
		return st
	}
	one := c.s.compiledOf(query)
	stmt := one.stmt.Load()
	if stmt == nil {
		if !slices.Contains(c.wanted, query) {
			c.wanted = append(c.wanted, query)
		}
		return nil
	}
	if c.used == nil {
		c.used = make(map[string]*sql.Stmt)
	}
	st := c.tx.StmtContext(c.ctx, stmt)
	c.used[query] = st
	return st
}

func (c *compiledTx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := c.count(ctx, query, args...)
	return err
}

func (c *compiledTx) count(_ context.Context, query string, args ...any) (int64, error) {
	if st := c.find(query); st != nil {
		return counted(st.ExecContext(c.ctx, args...))
	}
	return sqlConn{c.tx}.count(c.ctx, query, args...)
}

func (c *compiledTx) Query(_ context.Context, query string, args ...any) (Rows, error) {
	if st := c.find(query); st != nil {
		return rowsOf(st.QueryContext(c.ctx, args...))
	}
	return sqlConn{c.tx}.Query(c.ctx, query, args...)
}
