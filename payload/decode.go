package payload

import (
	"bytes"
	"errors"
)

// Decode reads a body and returns the typed Data that its key "trigger" names,
// by value. It is for receivers and takes a body of a later version: keys in any
// order, unknown keys ignored, expiresAt in both forms (in UTC, a date as 00:00
// of that day).
//
// Keys are matched exactly, "Trigger" is an unknown key. A key that it reads
// must be there once and have the right JSON type; null is none. It does not
// judge the values, so a processId may be any string: the Validate method of
// the result does.
//
// Errors: an [UnknownTriggerError], or a [DecodeError] for everything else,
// such as invalid UTF-8, bytes after the object, a lone surrogate escape in a
// string that is read, or nesting deeper than 64. Both keep a copy of the body.
func Decode(body []byte) (Data, error) {
	data, err := decode(body)
	var bad *DecodeError
	var unknown *UnknownTriggerError
	switch {
	case errors.As(err, &bad):
		bad.Body = bytes.Clone(body)
	case errors.As(err, &unknown):
		unknown.Body = bytes.Clone(body)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

func decode(body []byte) (Data, error) {
	if err := wellFormed(body); err != nil {
		return nil, err
	}
	head := readObject("", body, "trigger")
	trigger := head.text("trigger")
	if head.err != nil {
		return nil, head.err
	}
	switch trigger {
	case triggerTaskSuccess:
		r := readObject("", body, "processId", "name", "actionTypes", "deepLink")
		d := TaskSuccess(r.task())
		return d, r.err
	case triggerTaskFailure:
		r := readObject("", body, "processId", "name", "actionTypes", "deepLink")
		d := TaskFailure(r.task())
		return d, r.err
	case triggerOrgKeyExpiry:
		r := readObject("", body, "apiKeyId", "name", "expiresAt", "settingsUrl")
		d := OrgKeyExpiry{
			APIKeyID:    r.text("apiKeyId"),
			Name:        r.text("name"),
			ExpiresAt:   r.dateOrTime("expiresAt"),
			SettingsURL: r.text("settingsUrl"),
		}
		return d, r.err
	}
	return nil, &UnknownTriggerError{Trigger: trigger}
}

func (r *object) task() task {
	return task{
		ProcessID:   r.text("processId"),
		Name:        r.text("name"),
		ActionTypes: r.texts("actionTypes"),
		DeepLink:    r.text("deepLink"),
	}
}
