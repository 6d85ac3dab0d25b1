package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Sent keeps members that were sent in another form than their fields are written: left out, null,
// empty, or in another spelling. The zero value is empty. A Sent is immutable, so copies may share
// it.
type Sent struct {
	read    bool
	absent  uint64 // the fields, by index, that were left out, are zero and would be written
	members map[string]member
}

type member struct {
	raw    []byte // as it was sent, empty where it was left out
	was    []byte // the field's encoding then, empty where it was left out
	always bool   // raw holds for any encoding of the field
}

// instead returns the replacement of the i-th field's encoding, if there is one. Empty text leaves
// the member out.
func (s *Sent) instead(i int, name string, v reflect.Value, encoded []byte) (text []byte, is bool) {
	if m, ok := s.members[name]; ok && (m.always || bytes.Equal(m.was, encoded)) {
		return m.raw, true
	}
	return nil, s.leftOut(i) && v.IsZero()
}

func (s *Sent) leftOut(i int) bool { return i < 64 && s.absent&(1<<i) != 0 }

// Has reports whether a member of the struct T was sent in another form than its field is written.
func Has[T any](s Sent, name string) bool {
	i := slices.IndexFunc(fieldsOf(reflect.TypeFor[T]()), func(f field) bool { return f.name == name })
	_, ok := s.members[name]
	return ok || i >= 0 && s.leftOut(i)
}

// Equal returns true: two values that differ only in their original form are equal. It is for
// packages that compare structs.
func (Sent) Equal(Sent) bool { return true }

// IsZero reports whether the value was not read.
func (s Sent) IsZero() bool { return !s.read && len(s.members) == 0 }

// With returns a copy that writes a member as text for any value of its field; nil leaves it out.
func (s Sent) With(name string, text []byte) Sent {
	members := maps.Clone(s.members)
	if members == nil {
		members = make(map[string]member, 1)
	}
	members[name] = member{raw: text, always: true}
	return Sent{s.read, s.absent, members}
}

// Members are the members of an object as they were sent.
type Members map[string]json.RawMessage

// Unmarshal reads an object into the struct that v points to. Names are matched exactly; of two
// equal names the last one counts. Members without a field go to more. The error is a
// [*MemberError], or that of encoding/json for a value that is no object.
func Unmarshal(body []byte, v any, more *map[string]any, sent *Sent) error {
	m, err := Read(body, v)
	if err != nil {
		return err
	}
	*more, *sent = m.More(v), m.Sent(v)
	return nil
}

// Read is the first half of [Unmarshal]. The caller may change the struct before it calls the
// methods of the result.
func Read(body []byte, v any) (Members, error) {
	var m Members
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	value := reflect.ValueOf(v).Elem()
	value.SetZero()
	for _, f := range fieldsOf(value.Type()) {
		unmarshal := json.Unmarshal
		if f.free {
			unmarshal = decode
		}
		raw, ok := m[f.name]
		if !ok {
			continue
		}
		into := value.FieldByIndex(f.index)
		if f.text {
			into.SetBool(string(raw) == "true" || string(raw) == `"true"`)
		} else if err := unmarshal(raw, into.Addr().Interface()); err != nil {
			return nil, &MemberError{Name: f.name, Err: err}
		}
	}
	return m, nil
}

// ReadBody is [Read] for a whole body, which must be valid UTF-8. For a refused body reason is the
// broken rule, and field the member at fault, empty for the body itself.
func ReadBody(body []byte, v any) (m Members, field, reason string) {
	const object = "must be one JSON object and nothing else"
	if !utf8.Valid(body) {
		return nil, "", "must be valid UTF-8"
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return nil, "", object
	}
	m, err := Read(body, v)
	var wrong *MemberError
	switch {
	case errors.As(err, &wrong):
		return nil, wrong.Name, "has a value of the wrong kind"
	case err != nil:
		return nil, "", object
	}
	return m, "", ""
}

// MemberError names the member that has a value of the wrong kind.
type MemberError struct {
	Name string
	Err  error
}

func (e *MemberError) Error() string { return e.Name + " has a value of the wrong kind" }

// Unwrap returns the cause.
func (e *MemberError) Unwrap() error { return e.Err }

// decode is json.Unmarshal with json.Number.
func decode(raw []byte, into any) error {
	if free, ok := into.(*any); ok && raw[0] != '{' && raw[0] != '[' { // no decoder is needed
		if raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9' {
			*free = json.Number(raw)
			return nil
		}
		return json.Unmarshal(raw, into)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

// More returns the members without a field, nil when there are none.
func (m Members) More(v any) map[string]any {
	fields := fieldsOf(reflect.TypeOf(v).Elem())
	var more map[string]any
	for name, raw := range m {
		if slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			continue
		}
		if more == nil {
			more = make(map[string]any)
		}
		var value any
		_ = decode(raw, &value) // valid
		more[name] = value
	}
	return more
}

// Sent compares the encodings of the struct's fields with the members that were sent.
func (m Members) Sent(v any) Sent {
	if m == nil {
		return Sent{} // null was sent, so no member was read
	}
	value := reflect.ValueOf(v).Elem()
	s, w := Sent{read: true}, writers.Get().(*writer)
	defer w.free()
	for i, f := range fieldsOf(value.Type()) {
		raw, ok := m[f.name]
		in := value.FieldByIndex(f.index)
		if ok && f.kept(in) || !ok && f.omitted(in) {
			continue
		}
		if !ok && in.IsZero() && i < 64 {
			s.absent |= 1 << i
			continue
		}
		w.Reset()
		if err := w.field(&f, value); err != nil || same(raw, w.Bytes()) {
			continue // Object reports a value that cannot be encoded
		}
		if s.members == nil {
			s.members = make(map[string]member)
		}
		s.members[f.name] = member{raw: normal(raw), was: bytes.Clone(w.Bytes())}
	}
	return s
}

// same reports whether two values are equal as JSON. No bytes stand for an absent member.
func same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return len(a) > 0 && len(b) > 0 && decode(a, &x) == nil && decode(b, &y) == nil && reflect.DeepEqual(x, y)
}

// normal is the compact form of a value, nil for nil.
func normal(raw []byte) []byte {
	if raw == nil {
		return nil
	}
	var value any
	if decode(raw, &value) != nil {
		return nil
	}
	text, err := Encode(value)
	if err != nil {
		return nil
	}
	return text
}
