package sqlstore

import (
	"errors"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/dberr"
)

// settingError is an error of the driver whose cause is a setting of the database.
type settingError struct{ error }

func (e settingError) Is(target error) bool { return target == ErrSetting }
func (e settingError) Unwrap() error        { return e.error }

// ownErrors are errors of this package and of webhook.
var ownErrors = []error{ErrDialect, ErrMigrate, ErrSchema, ErrSetting, ErrSealed, ErrText, ErrCursor, errNotStored,
	webhook.ErrNotFound, webhook.ErrConflict, webhook.ErrLimit, webhook.ErrHeld, webhook.ErrStale, webhook.ErrProfile, webhook.ErrInvalid}

// wrap replaces the text of a driver's error by its code.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	for _, one := range ownErrors {
		if errors.Is(err, one) {
			return err
		}
	}
	if err = dberr.Wrap(err); dberr.NeedsSetting(err) {
		return settingError{err}
	}
	return err
}
