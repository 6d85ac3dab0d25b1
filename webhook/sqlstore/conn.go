package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// SQL is what a transaction or a connection of database/sql can do: *sql.Tx, *sql.Conn,
// and the handles of ORMs over them.
type SQL interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Conn is what a transaction of a native driver must be able to do. Arguments are
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
	// Err is what ended Next early.
	Err() error
	// Close may be called more than once.
	Close()
}

// sqlConn makes a Conn of what database/sql offers.
type sqlConn struct{ q SQL }

func (c sqlConn) Exec(ctx context.Context, query string, args ...any) error {
	_, err := c.q.ExecContext(ctx, query, args...)
	return err
}

func (c sqlConn) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := c.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return sqlRows{rows}, nil
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() }

// exec runs a statement written for both dialects.
func (s *Store) exec(ctx context.Context, c Conn, query string, args ...any) error {
	return c.Exec(ctx, s.text(query), args...)
}

// each runs a query and calls scan for every row.
func (s *Store) each(ctx context.Context, c Conn, query string, args []any, scan func(Rows) error) error {
	rows, err := c.Query(ctx, s.text(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row reads a single row, or answers sql.ErrNoRows.
func (s *Store) row(ctx context.Context, c Conn, query string, args []any, dest ...any) error {
	found := false
	err := s.each(ctx, c, query, args, func(r Rows) error {
		if found {
			return errors.New("more than one row")
		}
		found = true
		return r.Scan(dest...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// affected runs a statement that ends in RETURNING and counts its rows: a way to count
// that every driver has.
func (s *Store) affected(ctx context.Context, c Conn, query string, args ...any) (n int, err error) {
	err = s.each(ctx, c, query, args, func(Rows) error { n++; return nil })
	return n, err
}
