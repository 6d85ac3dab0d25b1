package payload

import (
	"encoding/json"
	"runtime/debug"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// encodeForeign encodes a type of another package. All of its methods may panic.
func encodeForeign(data Data, s *settings) (encoded, error) {
	if data == nil {
		return encoded{}, invalid("data", "must not be nil")
	}
	var typ string
	err := contain("EventType", func() error {
		typ = data.EventType()
		return nil
	})
	if err != nil {
		return encoded{}, &InvalidError{Field: "data", Reason: "cannot be used", Err: err}
	}
	if !validType(typ) {
		return encoded{}, invalid("EventType", "must return 1 to 255 bytes of visible ASCII")
	}
	if v, ok := data.(Validator); ok {
		if err := contain("Validate", v.Validate); err != nil {
			return encoded{}, asInvalid(typ, err)
		}
	}
	body, err := foreignBody(data)
	if err != nil {
		return encoded{}, &InvalidError{Type: typ, Field: "data", Reason: "cannot be encoded", Err: err}
	}
	enc := encoded{typ: typ, body: body}
	if known(typ) {
		err = checkKnown(typ, body, s)
	}
	return enc, err
}

// asInvalid wraps the error of a Validate method, unless it is already an InvalidError.
func asInvalid(typ string, err error) error {
	if bad, ok := err.(*InvalidError); ok {
		return bad
	}
	return &InvalidError{Type: typ, Err: err}
}

// foreignBody returns the bytes of the data's own encoder, or those of encoding/json without HTML
// escaping and without the final newline.
func foreignBody(data Data) ([]byte, error) {
	var body []byte
	if e, ok := data.(Encoder); ok {
		err := contain("AppendBody", func() (err error) {
			body, err = e.AppendBody(nil)
			return err
		})
		if err == nil && !json.Valid(body) {
			err = bodyFault("AppendBody must write one valid JSON value")
		}
		return validText(body, err)
	}
	err := contain("MarshalJSON", func() (err error) {
		body, err = jsonbody.Encode(data)
		return err
	})
	if _, exact := data.(json.Marshaler); err == nil && !exact && jsonbody.Replaced(body) {
		err = jsonbody.ErrUTF8
	}
	return validText(body, err)
}

// bodyFault is a cause inside an InvalidError, which names the package.
type bodyFault string

func (f bodyFault) Error() string { return string(f) }

func validText(body []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(body) {
		return nil, bodyFault("the body must be valid UTF-8")
	}
	return body, nil
}

// checkKnown checks that a foreign type with the name of a trigger has the body of that trigger, so
// that a receiver can rely on the name.
func checkKnown(typ string, body []byte, s *settings) error {
	data, err := Decode(body)
	if err != nil {
		return &InvalidError{Type: typ, Field: "data", Reason: "must encode to the body that this trigger has", Err: err}
	}
	d := data.(builtin)
	if d.EventType() != typ {
		return &InvalidError{Type: typ, Field: "trigger", Reason: "must equal the EventType"}
	}
	return d.validate(s.anyProcessID)
}

// contain calls a method of the host's Data and turns a panic into an error.
func contain(method string, call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Method: method, Value: v, Stack: debug.Stack()}
		}
	}()
	return call()
}

func validType(typ string) bool {
	return typ != "" && len(typ) <= maxType && ascii.IsVisible(typ)
}
