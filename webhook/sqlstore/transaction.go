package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/postrider/postrider/webhook/internal/dberr"
)

// tries bounds how often a call is repeated that has certainly changed nothing.
const maxTries = 3

// undone marks an error after which it is certain that nothing was stored.
type undone struct{ err error }

func (e undone) Error() string { return e.err.Error() }
func (e undone) Unwrap() error { return e.err }

// session runs fn on one connection. A connection that turns out dead or read-only is
// thrown away, and another one tried: after a failover the pool is full of them.
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
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // its answer is that error
		}
		_ = conn.Close() // the statement's own error counts
		if !bad || n == maxTries {
			return err
		}
	}
}

// single runs one statement, which is a transaction of its own on PostgreSQL. Where the
// database's default isolation is not read committed, it runs in one that is.
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

// write runs fn in a transaction. SQLite has one writer: the goroutines of a Store
// queue up here, where waiting is fair and free, and not in SQLite's busy handler,
// which sleeps. For others with the file open there is the busy timeout.
func (s *Store) write(ctx context.Context, fn func(Conn) error) (err error) {
	if s.dialect == SQLite {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
		case <-ctx.Done():
			return undone{ctx.Err()}
		}
	}
	var wanted []string
	for range maxTries {
		err = s.session(ctx, func(c *sql.Conn) (err error) {
			if s.dialect == SQLite {
				wanted, err = s.transactSQLite(ctx, c, fn)
				return err
			}
			return s.transact(ctx, c, fn)
		})
		if !retryable(err) {
			break
		}
	}
	if err == nil { // not before the connection is back, which may be the only one
		for _, query := range wanted {
			s.prepare(ctx, query, s.preparedFor(query))
		}
	}
	return err
}

func (s *Store) transact(ctx context.Context, conn *sql.Conn, fn func(Conn) error) error {
	// Of the other levels, some statements fail where they wait at this one.
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return undone{wrap(err)}
	}
	return commitOrRollBack(ctx, tx, fn(sqlConn{tx}))
}

// transactSQLite returns the statements that it would have liked to find compiled.
func (s *Store) transactSQLite(ctx context.Context, conn *sql.Conn, fn func(Conn) error) (wanted []string, err error) {
	apart := context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(apart, nil)
	if err != nil {
		return nil, undone{wrap(err)}
	}
	c := &preparedTx{s: s, tx: tx, ctx: ctx}
	// The first statement takes the write lock, as BEGIN IMMEDIATE would, but through
	// any driver and with the busy timeout: a transaction that begins by reading
	// could not become a writer once another connection has written.
	err = s.exec(ctx, c, `UPDATE {p}meta SET value = value WHERE key = ''`)
	if c.ctx = apart; err == nil {
		err = fn(c)
	}
	err = commitOrRollBack(ctx, tx, err)
	return c.toPrepare, err
}

// finish commits where there was no error until now, or rolls back.
func commitOrRollBack(ctx context.Context, tx *sql.Tx, err error) error {
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = tx.Rollback() // the connection is closed where it fails
		return undone{err}
	}
	if err = wrap(tx.Commit()); errors.Is(err, sql.ErrTxDone) || dberr.Answered(err) {
		err = undone{err}
	}
	return err
}

// uncertain reports whether an error leaves open what became of a statement.
func uncertain(err error) bool {
	var certain undone
	return err != nil && !errors.As(err, &certain) && !errors.Is(err, driver.ErrBadConn) && !dberr.Answered(err)
}

// again reports whether PostgreSQL asks to run a transaction again: 40001 is a
// serialization failure, 40P01 a deadlock (PostgreSQL manual, appendix A).
func retryable(err error) bool {
	state := dberr.State(err)
	return state == "40001" || state == "40P01"
}
