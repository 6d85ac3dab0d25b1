package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
)

// SQL has the methods of a transaction or a connection of database/sql: *sql.Tx, *sql.Conn,
// and the handles of ORMs over them.
type SQL interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Conn has the methods that a transaction of a native driver must offer. Arguments are
// strings, int64, bool and []byte; placeholders are $1, $2 and so on. For pgx:
//
//	type conn struct{ pgx.Tx }
//
//	func (c conn) Exec(ctx context.Context, query string, args ...any) error {
//		_, err := c.Tx.Exec(ctx, query, args...)
//		return err
//	}
//
//	func (c conn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
//		return c.Tx.Query(ctx, query, args...)
//	}
type Conn interface {
	Exec(ctx context.Context, query string, args ...any) error
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Rows is the result of a query, as pgx.Rows has it.
type Rows interface {
	// Next goes to the next row; false at the end or after an error.
	Next() bool
	// Scan reads the row into *string, *int64, *int, *bool and *[]byte.
	Scan(dest ...any) error
	// Err returns the error that ended Next early.
	Err() error
	// Close may be called more than once.
	Close()
}

// sqlConn is a Conn over database/sql.
type sqlConn struct{ q SQL }

func (c sqlConn) Exec(ctx context.Context, query string, args ...any) error {
	_, err := c.q.ExecContext(ctx, query, args...)
	return wrap(err)
}

func (c sqlConn) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	return rowsOf(c.q.QueryContext(ctx, query, args...))
}

func (c sqlConn) count(ctx context.Context, query string, args ...any) (int64, error) {
	return counted(c.q.ExecContext(ctx, query, args...))
}

// counter is a Conn that can count the rows that a statement changed.
type counter interface {
	count(ctx context.Context, query string, args ...any) (int64, error)
}

func counted(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, wrap(err)
	}
	n, err := r.RowsAffected()
	return n, wrap(err)
}

type sqlRows struct{ *sql.Rows }

func rowsOf(rows *sql.Rows, err error) (Rows, error) {
	if err != nil {
		return nil, wrap(err)
	}
	return sqlRows{rows}, nil
}

func (r sqlRows) Close() { _ = r.Rows.Close() }

// exec runs a statement written for both dialects.
func (s *Store) exec(ctx context.Context, c Conn, query string, args ...any) error {
	return wrap(c.Exec(ctx, s.text(query), args...))
}

// each runs a query and calls scan for every row.
func (s *Store) each(ctx context.Context, c Conn, query string, args []any, scan func(Rows) error) error {
	rows, err := c.Query(ctx, s.text(query), args...)
	if err != nil {
		return wrap(err)
	}
	defer rows.Close()
	for err == nil && rows.Next() {
		err = scan(rows)
	}
	return wrap(cmp.Or(err, rows.Err()))
}

// readAll runs a query and returns a value for every row.
func readAll[T any](ctx context.Context, s *Store, c Conn, query string, args []any, scan func(Rows) (T, error)) (list []T, err error) {
	err = s.each(ctx, c, query, args, func(r Rows) error {
		one, err := scan(r)
		list = append(list, one)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// scanText reads a row with one text.
func scanText(r Rows) (text string, err error) {
	err = r.Scan(&text)
	return text, err
}

// row reads a single row, or returns sql.ErrNoRows.
func (s *Store) row(ctx context.Context, c Conn, query string, args []any, dest ...any) error {
	found := false
	err := s.each(ctx, c, query, args, func(r Rows) error {
		found = true
		return r.Scan(dest...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// changed runs a statement and counts the rows that it changed. A Conn of the host
// that cannot count returns a row for each.
func (s *Store) changed(ctx context.Context, c Conn, query string, args ...any) (n int64, err error) {
	if c, ok := c.(counter); ok {
		return c.count(ctx, s.text(query), args...)
	}
	err = s.each(ctx, c, query+` RETURNING 1`, args, func(Rows) error { n++; return nil })
	return n, err
}

// notFound reports whether a query had no row.
func notFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }
