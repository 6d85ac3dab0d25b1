package sqlstore

import (
	"errors"

	"github.com/postrider/postrider/webhook/internal/dberr"
)

// settingError is an error of the driver whose cause is a setting of the database.
type settingError struct{ error }

func (e settingError) Is(target error) bool { return target == ErrSetting }
func (e settingError) Unwrap() error        { return e.error }

// wrap replaces the text of a driver's error by its code.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	if err = dberr.Wrap(err); dberr.NeedsSetting(err) && !errors.Is(err, ErrSetting) {
		return settingError{err}
	}
	return err
}
