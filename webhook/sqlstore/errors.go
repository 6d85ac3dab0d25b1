package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// Errors that callers may test for with errors.Is.
var (
	// ErrDialect: the database is not of the dialect given to New. A *DialectError.
	ErrDialect = errors.New("sqlstore: wrong dialect")
	// ErrMigrate: the tables are missing or older than this code needs.
	ErrMigrate = errors.New("sqlstore: call Store.Migrate first, or run the files of Store.Migrations")
	// ErrSchema: the tables are newer than this code can work with. A *SchemaError.
	ErrSchema = errors.New("sqlstore: tables are too new")
	// ErrSetting: a setting of the database must be changed. A *SettingError.
	ErrSetting = errors.New("sqlstore: database setting")
	// ErrSealed: a stored secret could not be opened, or not sealed. A *SealError. It is
	// [webhook.ErrSealed].
	ErrSealed = webhook.ErrSealed
	// ErrText: an identifier holds bytes that a database cannot store as text. It is a
	// [webhook.ErrInvalid].
	ErrText = fmt.Errorf("sqlstore: text must be valid UTF-8 without NUL: %w", webhook.ErrInvalid)
	// ErrCursor: a cursor is damaged or belongs to another query. It is a [webhook.ErrInvalid].
	ErrCursor = fmt.Errorf("sqlstore: cursor does not belong to this query, start without one: %w", webhook.ErrInvalid)
)

// DialectError says that the database is of another dialect than the one given to New.
type DialectError struct{ Want, Have Dialect }

// Error names both dialects.
func (e *DialectError) Error() string {
	return fmt.Sprintf("sqlstore: the Store was made for %v but the database is %v: give New the dialect sqlstore.%v", e.Want, e.Have, e.Have)
}

// Is makes errors.Is(err, ErrDialect) hold.
func (e *DialectError) Is(target error) bool { return target == ErrDialect }

// SchemaError says that the tables were migrated by newer code and no longer work with
// this code. Have is their version, Want the version this code was written for, Compat
// the oldest code that works with them.
type SchemaError struct{ Have, Want, Compat int }

// Error names the versions and the remedy.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("sqlstore: tables have version %d and need code of version %d or later, this is %d: update this host",
		e.Have, e.Compat, e.Want)
}

// Is makes errors.Is(err, ErrSchema) hold.
func (e *SchemaError) Is(target error) bool { return target == ErrSchema }

// SettingError names a setting of the database that must be changed, its present value, the
// value it needs, and the place to set it.
type SettingError struct{ Setting, Have, Need, Do string }

// Error names the setting, its value, the needed value and the remedy.
func (e *SettingError) Error() string {
	return fmt.Sprintf("sqlstore: %s is %s and must be %s: %s", e.Setting, e.Have, e.Need, e.Do)
}

// Is makes errors.Is(err, ErrSetting) hold.
func (e *SettingError) Is(target error) bool { return target == ErrSetting }

// SealError says that Options.Seal or Options.Open failed for a webhook. The text leaves out
// the error of a func of the host, which may quote secrets; errors.Is and errors.As find it.
// The text includes the error of a [Keyring], which quotes no secret.
type SealError struct {
	WebhookID string
	Err       error
}

// Error names the webhook.
func (e *SealError) Error() string {
	return fmt.Sprintf("sqlstore: secrets of webhook %s: %v: check the keys in Options.Seal and Options.Open", e.WebhookID, e.Err)
}

// Is makes errors.Is(err, ErrSealed) hold, unless no key would help.
func (e *SealError) Is(target error) bool {
	return target == ErrSealed && !errors.Is(e.Err, errNotStored)
}

// Unwrap returns the cause.
func (e *SealError) Unwrap() error { return e.Err }

// errNotStored means that no key can open the secrets.
var errNotStored = errors.New("they are not what was stored")

// failWrite is fail for writes: it adds [webhook.ErrUnknown] if the write may have happened.
func (s *Store) failWrite(what, id string, err error) error {
	if uncertain(err) {
		err = fmt.Errorf("%w: %w", webhook.ErrUnknown, err)
	}
	return s.fail(what, id, err)
}

// fail adds the operation and the ID of its object to an error.
func (s *Store) fail(what, id string, err error) error {
	if err == nil {
		return nil
	}
	if id != "" {
		what += " " + id
	}
	if errors.Is(err, poolClosed()) {
		return fmt.Errorf("sqlstore: %s: the database pool was closed: %w", what, webhook.ErrClosed)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// poolClosed returns the error of a closed pool, which database/sql does not export. It
// closes a pool without a driver to get it.
var poolClosed = sync.OnceValue(func() error {
	db := sql.OpenDB(nil)
	_ = db.Close()
	return db.PingContext(context.Background())
})
