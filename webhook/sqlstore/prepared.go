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

// text renders a statement: {p} becomes the prefix, and $1 becomes ?1 for SQLite, where $1
// is a name.
func (s *Store) text(query string) string {
	if t, ok := s.texts.Load(query); ok {
		return t.(string)
	}
	rendered := strings.ReplaceAll(query, "{p}", s.o.Prefix)
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

// among is the condition that a row to change is among those that a condition selects. PostgreSQL finds
// them by their place, and skips those that another transaction has locked.
func (s *Store) among(where string) string {
	where = ` FROM {p}delivery WHERE ` + where
	return s.pick(`seq IN (SELECT seq`+where+`)`, `ctid = ANY(ARRAY(SELECT ctid`+where+` FOR UPDATE SKIP LOCKED))`)
}

// prepared is a statement that is prepared once for all connections to SQLite. PostgreSQL's
// drivers prepare statements themselves.
type prepared struct {
	stmt atomic.Pointer[sql.Stmt]
	used atomic.Bool // the statement ran before, outside a transaction
}

func (s *Store) preparedFor(query string) *prepared {
	known, ok := s.prepared.Load(query)
	if !ok {
		known, _ = s.prepared.LoadOrStore(query, new(prepared))
	}
	return known.(*prepared)
}

func (s *Store) prepare(ctx context.Context, query string, one *prepared) {
	stmt, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return // an unprepared statement costs speed only; the next use tries again
	}
	if !one.stmt.CompareAndSwap(nil, stmt) {
		_ = stmt.Close() // two uses prepared the statement at once
	}
}

// reader returns the pool, for statements outside a transaction.
func (s *Store) reader() Conn {
	if s.dialect == SQLite {
		return preparedPool{sqlConn{s.db}, s}
	}
	return sqlConn{s.db}
}

// preparedPool runs queries outside a transaction. It prepares a query at its second use.
type preparedPool struct {
	sqlConn
	s *Store
}

func (c preparedPool) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	one := c.s.preparedFor(query)
	if one.stmt.Load() == nil && one.used.Swap(true) {
		c.s.prepare(ctx, query, one)
	}
	if st := one.stmt.Load(); st != nil {
		return rowsOf(st.QueryContext(ctx, args...))
	}
	return c.sqlConn.Query(ctx, query, args...)
}

// preparedTx runs a transaction on prepared statements. It prepares none itself, because
// that takes a connection of the pool, and the transaction may hold the only one.
//
// Its statements are short and do not watch the caller's context, because the driver
// would start a goroutine for each. The transaction checks the context before it commits.
type preparedTx struct {
	s    *Store // whose toPrepare gets the statements to prepare after the transaction
	tx   *sql.Tx
	ctx  context.Context
	used map[string]*sql.Stmt
}

func (c *preparedTx) find(query string) *sql.Stmt {
	if st := c.used[query]; st != nil {
		return st
	}
	one := c.s.preparedFor(query)
	stmt := one.stmt.Load()
	if stmt == nil {
		if !slices.Contains(c.s.toPrepare, query) {
			c.s.toPrepare = append(c.s.toPrepare, query)
		}
		return nil
	}
	st := c.tx.StmtContext(c.ctx, stmt)
	c.used[query] = st
	return st
}

func (c *preparedTx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := c.count(ctx, query, args...)
	return err
}

func (c *preparedTx) count(_ context.Context, query string, args ...any) (int64, error) {
	if st := c.find(query); st != nil {
		return counted(st.ExecContext(c.ctx, args...))
	}
	return sqlConn{c.tx}.count(c.ctx, query, args...)
}

func (c *preparedTx) Query(_ context.Context, query string, args ...any) (Rows, error) {
	if st := c.find(query); st != nil {
		return rowsOf(st.QueryContext(c.ctx, args...))
	}
	return sqlConn{c.tx}.Query(c.ctx, query, args...)
}
