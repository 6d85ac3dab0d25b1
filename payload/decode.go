package payload

import (
	"bytes"
	"errors"
)

// Decode reads a body and returns the typed Data that its key "trigger" names,
// by value, announced triggers included. It is for receivers and takes a body
// of a later version: keys in any order, unknown keys ignored, expiresAt in
// both forms (in UTC, a date as 00:00 of that day).
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
		r := readObject("", body, "processId", "name", "actionTypes", "deepLink", "counts")
		t := r.task()
		d := TaskSuccess{t.ProcessID, t.Name, t.ActionTypes, t.DeepLink, r.optionalCounts("counts")}
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
	return decodePlanned(trigger, body)
}

func decodePlanned(trigger string, body []byte) (Data, error) {
	switch trigger {
	case plannedBulkOperation:
		r := readObject("", body, "processId", "name", "actionTypes", "deepLink", "counts")
		t := r.task()
		d := BulkOperationCompleted{t.ProcessID, t.Name, t.ActionTypes, t.DeepLink, r.counts("counts")}
		return d, r.err
	case plannedSyncCompleted:
		return readSync(body)
	case plannedSyncFailed:
		s, err := readSync(body)
		return SyncFailed(s), err
	case plannedLicense:
		r := readObject("", body, "product", "used", "limit", "threshold", "settingsUrl")
		d := LicenseThreshold{
			Product:     r.text("product"),
			Used:        r.number("used"),
			Limit:       r.number("limit"),
			Threshold:   r.number("threshold"),
			SettingsURL: r.text("settingsUrl"),
		}
		return d, r.err
	case plannedPreDeactivation:
		r := readObject("", body, "processId", "name", "deactivatesAt", "users", "deepLink")
		d := PreDeactivationNotice{
			ProcessID:     r.text("processId"),
			Name:          r.text("name"),
			DeactivatesAt: r.dateOrTime("deactivatesAt"),
			Users:         r.number("users"),
			DeepLink:      r.text("deepLink"),
		}
		return d, r.err
	}
	return nil, &UnknownTriggerError{Trigger: trigger}
}

func readSync(body []byte) (SyncCompleted, error) {
	r := readObject("", body, "syncId", "finishedAt", "deepLink")
	s := SyncCompleted{
		SyncID:     r.text("syncId"),
		FinishedAt: r.dateOrTime("finishedAt"),
		DeepLink:   r.text("deepLink"),
	}
	return s, r.err
}

func (r *object) task() task {
	return task{
		ProcessID:   r.text("processId"),
		Name:        r.text("name"),
		ActionTypes: r.texts("actionTypes"),
		DeepLink:    r.text("deepLink"),
	}
}

func (r *object) optionalCounts(key string) *Counts {
	if !r.has(key) {
		return nil
	}
	n := r.counts(key)
	return &n
}

func (r *object) counts(key string) Counts {
	in := r.object(key, "total", "succeeded", "failed")
	n := Counts{Total: in.number("total"), Succeeded: in.number("succeeded"), Failed: in.number("failed")}
	r.keep(in.err)
	return n
}
