package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
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

// compiled is a statement that SQLite compiled once for all transactions.
type compiled struct {
	stmt   atomic.Pointer[sql.Stmt]
	wanted atomic.Bool // somebody is about to compile it
}

// orRollback spares SQLite the journal by which it undoes one statement among others of
// a transaction, a file of its own when there are many rows: an error of ours undoes the
// transaction anyway.
const orRollback = " OR ROLLBACK"

// pick returns the statement for the dialect.
func (s *Store) pick(sqlite, postgres string) string {
	if s.dialect == SQLite {
		return sqlite
	}
	return postgres
}

// reader returns the pool, for statements outside a transaction.
func (s *Store) reader() Conn { return sqlConn{s.db} }

// write runs fn in a transaction. SQLite has one writer: the goroutines of a Store
// queue up here, where waiting is fair and free, and not in SQLite's busy handler,
// which sleeps. For others with the file open there is the busy timeout.
func (s *Store) write(ctx context.Context, fn func(Conn) error) error {
	if s.dialect == PostgreSQL {
		err := s.transact(ctx, fn)
		if again(err) {
			err = s.transact(ctx, fn)
		}
		return err
	}
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.writer }()
	return s.transact(ctx, fn)
}

func (s *Store) transact(ctx context.Context, fn func(Conn) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	c := Conn(sqlConn{tx})
	var prepared *preparedConn
	if s.dialect == SQLite {
		prepared = &preparedConn{s: s, tx: tx}
		c = prepared
		// The first statement takes the write lock, as BEGIN IMMEDIATE would, but through
		// any driver and with the busy timeout: a transaction that begins by reading
		// could not become a writer once somebody else has written.
		err = s.exec(ctx, c, `UPDATE {p}meta SET value = value WHERE key = ''`)
	}
	if err == nil {
		err = fn(c)
	}
	if err != nil {
		_ = tx.Rollback()
		return err
	}
	if err = tx.Commit(); err == nil && prepared != nil {
		prepared.compile(ctx)
	}
	return err
}

// preparedConn runs a transaction on statements that SQLite compiled before. It
// compiles none itself: that takes a connection of the pool, and the transaction may
// hold the only one.
type preparedConn struct {
	s      *Store
	tx     *sql.Tx
	used   map[string]*sql.Stmt
	wanted []string
}

func (c *preparedConn) find(ctx context.Context, query string) *sql.Stmt {
	if st := c.used[query]; st != nil {
		return st
	}
	known, _ := c.s.compiled.LoadOrStore(query, new(compiled))
	stmt := known.(*compiled).stmt.Load()
	if stmt == nil {
		if known.(*compiled).wanted.CompareAndSwap(false, true) {
			c.wanted = append(c.wanted, query)
		}
		return nil
	}
	if c.used == nil {
		c.used = make(map[string]*sql.Stmt)
	}
	st := c.tx.StmtContext(ctx, stmt)
	c.used[query] = st
	return st
}

func (c *preparedConn) Exec(ctx context.Context, query string, args ...any) error {
	if st := c.find(ctx, query); st != nil {
		_, err := st.ExecContext(ctx, args...)
		return err
	}
	_, err := c.tx.ExecContext(ctx, query, args...)
	return err
}

func (c *preparedConn) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	st := c.find(ctx, query)
	if st == nil {
		return sqlConn{c.tx}.Query(ctx, query, args...)
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return sqlRows{rows}, nil
}

// compile does, after the transaction, what it would have liked to find done. A
// failure costs speed only; the next transaction tries again.
func (c *preparedConn) compile(ctx context.Context) {
	for _, query := range c.wanted {
		known, _ := c.s.compiled.Load(query)
		stmt, err := c.s.db.PrepareContext(ctx, query)
		if err != nil {
			known.(*compiled).wanted.Store(false)
			continue
		}
		known.(*compiled).stmt.Store(stmt)
	}
}

// notFound reports whether a query had no row.
func notFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }
