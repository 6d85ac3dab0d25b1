package sqlstore_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/sqlstore"
)

// stateError is an error as drivers of PostgreSQL make it.
type stateError struct{ state string }

func (e *stateError) SQLState() string { return e.state }
func (e *stateError) Error() string {
	return "FATAL: role ops at 10.1.2.3 in database crm, key (secret) (SQLSTATE " + e.state + ")"
}

// codeError is one of SQLite's, as modernc.org/sqlite makes it.
type codeError struct{ code int }

func (e *codeError) Code() int     { return e.code }
func (e *codeError) Error() string { return "/srv/crm/secret.db" }

// fieldError is one as mattn/go-sqlite3 makes it.
type fieldError struct{ Code, ExtendedCode uintCode }

type uintCode int

func (e fieldError) Error() string { return "/srv/crm/secret.db" }

// TestDatabaseErrors: the text of a database's error has its code and the remedy, and nothing of
// the driver's text. Some of these errors leave the result of a statement unknown.
func TestDatabaseErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err       error
		says      string
		is        error
		uncertain bool
	}{
		{&stateError{"25006"}, "SQLSTATE 25006: the session is read-only, connect to the primary", sqlstore.ErrSetting, false},
		{&stateError{"25P02"}, "an earlier statement of this transaction failed, roll it back", nil, false},
		{&stateError{"53100"}, "SQLSTATE 53100: the database's disk is full", nil, false},
		{&stateError{"42P05"}, "default_query_exec_mode=exec", nil, false},
		{&stateError{"28P01"}, "check user and password", nil, false},
		{&stateError{"22P05"}, "server_encoding must be UTF8", nil, false},
		{&stateError{"XX000"}, "SQLSTATE XX000", nil, false},
		{&stateError{"57P01"}, "shutting down", nil, true},
		{&stateError{"08006"}, "the connection failed", nil, true},
		{&codeError{8}, "read-only, open it without mode=ro", sqlstore.ErrSetting, false},
		{&codeError{8 | 1<<8}, "read-only", sqlstore.ErrSetting, false},
		{&codeError{13}, "the disk is full", nil, false},
		{&codeError{517}, "BEGIN IMMEDIATE: _txlock=immediate", sqlstore.ErrSetting, false},
		{&codeError{5}, "raise busy_timeout", nil, false},
		{&codeError{10}, "the disk failed", nil, true},
		{fieldError{5, 517}, "BEGIN IMMEDIATE", sqlstore.ErrSetting, false},
		{fieldError{Code: 13}, "the disk is full", nil, false},
		{errors.New("read tcp 10.1.2.3:5432: broken pipe"), "the connection was lost", nil, true},
		{fmt.Errorf("timeout of 10.1.2.3: %w", context.DeadlineExceeded), "context deadline exceeded", context.DeadlineExceeded, true},
		{driver.ErrBadConn, "the connection was lost", driver.ErrBadConn, false},
		{sqlstore.Undone(errors.New("dial tcp 10.1.2.3")), "", nil, false},
	} {
		got := sqlstore.Wrap(fmt.Errorf("more: %w", tc.err))
		if tc.is != nil && !errors.Is(got, tc.is) || !errors.Is(got, tc.err) {
			t.Errorf("%v: errors.Is does not find %v and the driver's own", got, tc.is)
		}
		if !strings.Contains(got.Error(), tc.says) {
			t.Errorf("%q does not say %q", got, tc.says)
		}
		for _, hidden := range []string{"10.1.2.3", "ops", "crm", "secret"} {
			if strings.Contains(got.Error(), hidden) {
				t.Errorf("%q shows %q", got, hidden)
			}
		}
		if sqlstore.Uncertain(got) != tc.uncertain {
			t.Errorf("%q: uncertain is %t", got, !tc.uncertain)
		}
	}
}
