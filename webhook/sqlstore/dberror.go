package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"

	"github.com/postrider/postrider/webhook"
)

// databaseError is an error of the driver. Its text holds the code of the database and
// what to do, and nothing of what drivers say beside it: users, databases, addresses and
// values. errors.Is and errors.As find the driver's own.
type databaseError struct {
	text string
	is   error // a sentinel of this package that it also is
	err  error
}

func (e *databaseError) Error() string        { return e.text }
func (e *databaseError) Is(target error) bool { return e.is != nil && target == e.is }
func (e *databaseError) Unwrap() error        { return e.err }

// own are the errors that this package makes itself.
var own = []error{sql.ErrNoRows, sql.ErrTxDone, context.Canceled, context.DeadlineExceeded, ErrDialect, ErrMigrate, ErrSchema, ErrSetting,
	ErrSealed, ErrText, ErrCursor, webhook.ErrNotFound, webhook.ErrConflict, webhook.ErrLimit, webhook.ErrHeld, webhook.ErrStale,
	webhook.ErrProfile, webhook.ErrInvalid, webhook.ErrUnsupported}

// wrap makes a databaseError of what a driver answered.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	var known *databaseError
	if errors.As(err, &known) {
		return err
	}
	for _, one := range own {
		if errors.Is(err, one) {
			if one != err && isContext(one) { // drivers add addresses to these
				return &databaseError{text: one.Error(), err: err}
			}
			return err
		}
	}
	e := &databaseError{text: "the database was not reached, or the connection was lost", err: err}
	if state := sqlState(err); state != "" {
		e.text = "the database answered SQLSTATE " + state
		if known := adviceFor(state); known != "" {
			e.text += ": " + known
		}
	} else if code := sqliteCode(err); code != 0 {
		e.text = fmt.Sprintf("SQLite answered code %d", code)
		if known := sqliteAdvice(code); known != "" {
			e.text += ": " + known
		}
	}
	if sqlState(err) == stateReadOnly || sqliteCode(err)&0xff == sqliteReadOnly || sqliteCode(err) == sqliteBusySnapshot {
		e.is = ErrSetting
	}
	return e
}

func isContext(err error) bool { return err == context.Canceled || err == context.DeadlineExceeded }

// stateReadOnly is read_only_sql_transaction (PostgreSQL manual, appendix A).
const stateReadOnly = "25006"

// sqlState returns PostgreSQL's code of an error, "" where it has none. Drivers tell it
// through a method of this name.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// advice is by code or by class, its first two characters.
var advice = map[string]string{
	"25006": "the session is read-only, connect to the primary: target_session_attrs=read-write in the DSN",
	"40001": "serialization failure",
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

// sqliteCode returns the extended result code of an error, 0 where it has none:
// modernc.org/sqlite tells it through a method, mattn/go-sqlite3 in a field.
func sqliteCode(err error) int {
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
