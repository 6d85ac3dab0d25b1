package payload

import (
	"bytes"
	"errors"
)

// Decode reads a body and returns the typed Data that its key "trigger" names, by value. It is for
// receivers and also reads a body of a later version: keys in any order, unknown keys ignored,
// expiresAt in both forms (in UTC, a date as 00:00 of that day).
//
// Keys are matched exactly, "Trigger" is an unknown key. A key that Decode reads must be there once
// and have the right JSON type; null is none. Decode does not check the values, so a processId may
// be any string; the Validate method of the result checks them. A [Catalogue] decodes a host's own
// types, and bodies in the envelope of [WithEnvelope].
//
// The "{}" of a Test has no trigger. A receiver answers it with 200 and does not decode it.
//
// Errors: an [UnknownTriggerError], or a [DecodeError] for everything else, such as a body without
// a trigger (a host's own Data has none), invalid UTF-8, bytes after the object, a lone surrogate
// escape in a string that is read, or nesting deeper than 64. Both keep a copy of the body.
func Decode(body []byte) (Data, error) {
	data, err := decode(body)
	return withBody(data, err, body)
}

// withBody copies a body into the error of its decoding.
func withBody(data Data, err error, body []byte) (Data, error) {
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
	o, err := readObject(body)
	if err != nil {
		return nil, err
	}
	if o.raw["trigger"] == nil {
		return nil, &DecodeError{Field: "trigger", Reason: "is missing: Decode reads bodies of the triggers that Triggers lists; " +
			"a Catalogue decodes bodies of other types and envelopes"}
	}
	trigger := o.text("trigger")
	if o.err != nil {
		return nil, o.err
	}
	var data Data
	switch trigger {
	case triggerTaskSuccess:
		data = TaskSuccess(o.task())
	case triggerTaskFailure:
		data = TaskFailure(o.task())
	case triggerOrgKeyExpiry:
		data = OrgKeyExpiry{
			APIKeyID:    o.text("apiKeyId"),
			Name:        o.text("name"),
			ExpiresAt:   o.dateOrTime("expiresAt"),
			SettingsURL: o.text("settingsUrl"),
		}
	default:
		return nil, &UnknownTriggerError{Trigger: trigger}
	}
	return data, o.err
}

func (o *object) task() task {
	return task{
		ProcessID:   o.text("processId"),
		Name:        o.text("name"),
		ActionTypes: o.texts("actionTypes"),
		DeepLink:    o.text("deepLink"),
	}
}
