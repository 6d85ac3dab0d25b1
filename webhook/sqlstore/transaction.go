package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/postrider/postrider/webhook/internal/dberr"
)

// maxTries bounds the tries of a call that has certainly changed nothing.
const maxTries = 3

// undone marks an error after which it is certain that nothing was stored.
type undone struct{ err error }

func (e undone) Error() string { return e.err.Error() }
func (e undone) Unwrap() error { return e.err }

// session runs fn on one connection. It closes a connection that is dead or read-only and
// tries another one, because after a failover the pool is full of such connections.
func (s *Store) session(ctx context.Context, fn func(*sql.Conn) error) error {
	for n := 1; ; n++ {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return undone{wrap(err)}
		}
		err = fn(conn)
		bad := errors.Is(err, driver.ErrBadConn)
		if readOnly := dberr.State(err) == dberr.ReadOnlyState; readOnly {
			bad = true
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // Raw returns that error
		}
		_ = conn.Close() // the statement's own error counts
		if !bad || n == maxTries {
			return err
		}
	}
}

// single runs one statement, which is a transaction of its own on PostgreSQL. If the
// database's default isolation is not read committed, single begins a transaction that is.
func (s *Store) single(ctx context.Context, fn func(Conn) error) (err error) {
	if s.dialect == SQLite || s.explicit.Load() {
		return s.write(ctx, fn)
	}
	for range maxTries {
		if err = s.session(ctx, func(c *sql.Conn) error { return fn(sqlConn{c}) }); !retryable(err) {
			break
		}
	}
	return err
}

// run runs one statement on its own and counts the rows that it changed.
func (s *Store) run(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.single(ctx, func(c Conn) (err error) {
		n, err = s.changed(ctx, c, query, args...)
		return err
	})
	return n, err
}

// write runs fn in a transaction. SQLite has one writer: the goroutines of a Store wait
// for s.writer, which is fair and costs nothing, and not in SQLite's busy handler, which
// sleeps. The busy timeout is for other users of the file.
func (s *Store) write(ctx context.Context, fn func(Conn) error) (err error) {
	if s.dialect == SQLite {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
		case <-ctx.Done():
			return undone{ctx.Err()}
		}
	}
	transact := s.transact
	if s.dialect == SQLite {
		transact = s.transactSQLite
	}
	for range maxTries {
		err = s.session(ctx, func(c *sql.Conn) error { return transact(ctx, c, fn) })
		if !retryable(err) {
			break
		}
	}
	if err == nil && s.dialect == SQLite { // after the connection is returned, because it may be the only one
		for _, query := range s.toPrepare {
			s.prepare(ctx, query, s.preparedFor(query))
		}
		s.toPrepare = nil
	}
	return err
}

func (s *Store) transact(ctx context.Context, conn *sql.Conn, fn func(Conn) error) error {
	// At other levels some statements fail instead of waiting.
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return undone{wrap(err)}
	}
	return commitOrRollBack(ctx, tx, fn(sqlConn{tx}))
}

func (s *Store) transactSQLite(ctx context.Context, conn *sql.Conn, fn func(Conn) error) error {
	apart := context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(apart, nil)
	if err != nil {
		return undone{wrap(err)}
	}
	c := &preparedTx{s: s, tx: tx, ctx: ctx, used: make(map[string]*sql.Stmt)}
	// The first statement takes the write lock, as BEGIN IMMEDIATE does, but through
	// any driver and with the busy timeout: a transaction that begins with a read
	// cannot become a writer after another connection has written.
	err = s.exec(ctx, c, `UPDATE {p}meta SET value = value WHERE key = ''`)
	if c.ctx = apart; err == nil {
		err = fn(c)
	}
	return commitOrRollBack(ctx, tx, err)
}

// commitOrRollBack commits without an error until now, or else rolls back.
func commitOrRollBack(ctx context.Context, tx *sql.Tx, err error) error {
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = tx.Rollback() // database/sql closes the connection if this fails
		return undone{err}
	}
	if err = wrap(tx.Commit()); errors.Is(err, sql.ErrTxDone) || dberr.Answered(err) {
		err = undone{err}
	}
	return err
}

// uncertain reports whether a statement may have taken effect in spite of an error.
func uncertain(err error) bool {
	var certain undone
	return err != nil && !errors.As(err, &certain) && !errors.Is(err, driver.ErrBadConn) && !dberr.Answered(err)
}

// retryable reports whether a transaction must be run again: 40001 is a serialization
// failure, 40P01 a deadlock (PostgreSQL manual, appendix A).
func retryable(err error) bool {
	state := dberr.State(err)
	return state == "40001" || state == "40P01"
}
