package payload

import (
	"encoding/json"
	"errors"
)

// Decode reads a body of any type of the catalogue and returns the typed Data, by value of the T of
// [Define]. It reads a body in an envelope, and one without where the body names its type in a
// member "trigger" or "type", as those of this package do. A body with neither has no known type.
//
// A type of this package is read by [Decode], another one by encoding/json, so that unknown members
// are ignored and a missing one is zero. The values are not checked; see [Validator].
//
// Errors: an [UnknownTriggerError] for a type that the catalogue does not have, a [DecodeError]
// for everything else, also for a panic in a method of the data. Both keep a copy of the body.
func (c *Catalogue) Decode(body []byte) (Data, error) {
	data, err := c.decode(body)
	return withBody(data, err, body)
}

func (c *Catalogue) decode(body []byte) (Data, error) {
	o, err := readObject(body)
	if err != nil {
		return nil, err
	}
	name, bare := c.named(o, body)
	i, known := c.at[name]
	switch {
	case known:
		return c.types[i].read(bare)
	case name != "":
		return nil, &UnknownTriggerError{Trigger: name}
	}
	return nil, &DecodeError{Field: "type", Reason: "is missing: without an envelope, see WithEnvelope, a body must name its type in a member type or trigger, once and as a string"}
}

// named returns the type that a body names, empty where it names none, and the body without its
// envelope. With both a trigger and a type, the one in the catalogue counts.
func (c *Catalogue) named(o *object, body []byte) (name string, bare []byte) {
	if o.isEnvelope() {
		if o.repeated["data"] {
			return "", nil
		}
		return o.name("type"), o.raw["data"]
	}
	trigger, typ := o.name("trigger"), o.name("type")
	if _, known := c.at[typ]; known && typ != "" {
		if _, both := c.at[trigger]; !both {
			return typ, body
		}
	}
	if trigger != "" {
		return trigger, body
	}
	return typ, body
}

// read decodes a body without an envelope into the type.
func (t *Type) read(body []byte) (data Data, err error) {
	typ := ""
	err = contain("UnmarshalJSON", func() (err error) {
		data, err = t.decode(body)
		return err
	})
	if err == nil {
		err = contain("EventType", func() error { typ = data.EventType(); return nil })
	}
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
		return nil, &DecodeError{Reason: "cannot be read: a method of its type panicked", Err: err}
	case err != nil:
		return nil, err
	case typ != t.Name:
		return nil, &DecodeError{Field: "type", Reason: "must be the one that the rest of the body is of"}
	}
	return data, nil
}

// decodeInto reads a body with encoding/json.
func decodeInto[T Data](body []byte) (Data, error) {
	var data *T
	err := json.Unmarshal(body, &data)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return nil, &DecodeError{Field: kind.Field, Reason: "has a value of the wrong kind", Err: err}
	case err != nil:
		return nil, &DecodeError{Reason: "cannot be read as its type", Err: err}
	case data == nil:
		return nil, &DecodeError{Reason: "must not be null"}
	}
	return *data, nil
}
