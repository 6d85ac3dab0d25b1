package payload

import "github.com/postrider/postrider/payload/internal/jsonbody"

// builtin is a type of this package. It is recognised by its concrete type, not by assertion: a
// host's struct that embeds one would inherit these methods and lose its own fields.
type builtin interface {
	Data
	validate(anyProcessID bool) error
	body(expiry ExpiryFormat) any // encodes to the members of the body, in order
}

// encoded is the result of encode.
type encoded struct {
	typ  string
	body []byte
}

// encode checks the data and turns it into bytes, once.
func encode(data Data, s *settings) (encoded, error) {
	if d, ok := asBuiltin(data); ok {
		return encodeBuiltin(d, s)
	}
	return encodeForeign(data, s)
}

func encodeBuiltin(d builtin, s *settings) (encoded, error) {
	if err := d.validate(s.anyProcessID); err != nil {
		return encoded{}, err
	}
	body, err := jsonbody.Encode(d.body(s.expiry))
	return encoded{typ: d.EventType(), body: body}, err
}

// asBuiltin finds this package's types, by value and by non-nil pointer.
func asBuiltin(data Data) (builtin, bool) {
	switch d := data.(type) {
	case TaskSuccess, TaskFailure, OrgKeyExpiry:
		return d.(builtin), true
	case *TaskSuccess:
		return deref(d)
	case *TaskFailure:
		return deref(d)
	case *OrgKeyExpiry:
		return deref(d)
	}
	return nil, false
}

func deref[T builtin](p *T) (builtin, bool) {
	if p == nil {
		return nil, false
	}
	return *p, true
}
