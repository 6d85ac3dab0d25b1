// Package dberr makes errors of databases suitable for a log: a driver's own text contains users,
// addresses and values.
package dberr

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
)

// Error is an error of the driver. Its text holds only the code of the database and an advice,
// without the users, databases, addresses and values of the driver's text. errors.Is and
// errors.As find the driver's error.
type Error struct {
	text string
	err  error
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the driver's error.
func (e *Error) Unwrap() error { return e.err }

// Wrap makes an Error of a driver's error. Errors without text of the driver, such as
// sql.ErrNoRows and those of a context, are returned unchanged.
func Wrap(err error) error {
	var known *Error
	switch {
	case err == nil || errors.As(err, &known) || err == context.Canceled || err == context.DeadlineExceeded,
		errors.Is(err, sql.ErrNoRows), errors.Is(err, sql.ErrTxDone):
		return err
	case errors.Is(err, context.Canceled):
		return &Error{context.Canceled.Error(), err} // drivers add addresses to such errors
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{context.DeadlineExceeded.Error(), err}
	}
	text := "the database was not reached, or the connection was lost"
	if state := State(err); state != "" {
		text = "the database answered SQLSTATE " + state
		if known := adviceFor(state); known != "" {
			text += ": " + known
		}
	} else if code := Code(err); code != 0 {
		text = fmt.Sprintf("SQLite answered code %d", code)
		if known := sqliteAdvice(code); known != "" {
			text += ": " + known
		}
	}
	return &Error{text, err}
}

// NeedsSetting reports whether a setting of the opened database causes an error.
func NeedsSetting(err error) bool {
	return State(err) == ReadOnlyState || Code(err)&0xff == sqliteReadOnly || Code(err) == sqliteBusySnapshot
}

// Answered reports whether an error is the database's own, so that the statement is undone. It
// is false for a server that shuts down (57P), which may send its error after the commit.
func Answered(err error) bool {
	if state := State(err); state != "" {
		return state[:min(3, len(state))] != "57P" && state[:min(2, len(state))] != "08"
	}
	switch Code(err) & 0xff {
	case sqliteBusy, sqliteLocked, sqliteReadOnly, sqliteFull, sqliteConstraint:
		return true
	}
	return false
}

// ReadOnlyState is read_only_sql_transaction (PostgreSQL manual, appendix A).
const ReadOnlyState = "25006"

// State returns PostgreSQL's code of an error, "" for none. Drivers have a method for it.
func State(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// advice holds texts by code or by class, the first two characters of a code.
var advice = map[string]string{
	"25006": "the session is read-only, connect to the primary: target_session_attrs=read-write in the DSN",
	"25P02": "an earlier statement of this transaction failed, roll it back",
	"40001": "serialization failure, repeat the transaction",
	"40P01": "deadlock",
	"42501": "permission denied, grant the host's role the rights on the tables",
	"42P01": "a table is missing, call Store.Migrate",
	"42P05": "a prepared statement exists already: behind a pooler set default_query_exec_mode=exec in the DSN",
	"26000": "a prepared statement is missing: behind a pooler set default_query_exec_mode=exec in the DSN",
	"53100": "the database's disk is full",
	"53300": "too many connections, lower SetMaxOpenConns",
	"57014": "the statement was cancelled",
	"08":    "the connection failed",
	"22":    "a value cannot be stored, server_encoding must be UTF8",
	"28":    "log-in failed, check user and password in the DSN",
	"3D":    "no such database, check the DSN",
	"53":    "the database is short of resources",
	"57":    "the database is starting up or shutting down",
}

func adviceFor(state string) string {
	if text, ok := advice[state]; ok {
		return text
	}
	return advice[state[:min(2, len(state))]]
}

// SQLite's result codes (sqlite.org/rescode.html).
const (
	sqliteBusy         = 5
	sqliteLocked       = 6
	sqliteReadOnly     = 8
	sqliteFull         = 13
	sqliteCannotOpen   = 14
	sqliteConstraint   = 19
	sqliteBusySnapshot = 517
)

var sqliteAdvices = map[int]string{
	sqliteBusy:         "the database is locked by another connection, raise busy_timeout",
	sqliteLocked:       "a table is locked by another connection of the shared cache",
	sqliteReadOnly:     "the database is read-only, open it without mode=ro and query_only and check the file's permissions",
	10:                 "the disk failed to read or write",
	11:                 "the database file is damaged",
	sqliteFull:         "the disk is full",
	sqliteCannotOpen:   "the database file cannot be opened, check its path and permissions",
	sqliteBusySnapshot: "the transaction began by reading and another connection has written since, begin it with BEGIN IMMEDIATE: _txlock=immediate in the DSN",
}

func sqliteAdvice(code int) string {
	if text, ok := sqliteAdvices[code]; ok {
		return text
	}
	return sqliteAdvices[code&0xff]
}

// Code returns SQLite's extended result code of an error, 0 for none: modernc.org/sqlite has
// a method for it, mattn/go-sqlite3 a field.
func Code(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		for _, name := range []string{"ExtendedCode", "Code"} {
			if f := v.FieldByName(name); f.IsValid() && f.CanInt() && f.Int() != 0 {
				return int(f.Int())
			}
		}
	}
	return 0
}
