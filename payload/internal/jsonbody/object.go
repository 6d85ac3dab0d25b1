package jsonbody

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"sync"
)

// Object encodes a struct as a JSON object. The fields come first, in their order. A member whose
// field still has the value that was read is written in its original form, which sent has. The
// members of more follow in alphabetical order; a name that a field has is left out.
func Object(v any, more map[string]any, sent Sent) ([]byte, error) {
	value := reflect.ValueOf(v)
	fields := fieldsOf(value.Type())
	w := writers.Get().(*writer)
	defer w.free()
	for i := range fields {
		f := &fields[i]
		start := w.Len()
		w.WriteByte(',')
		w.Write(f.key)
		at := w.Len()
		if err := w.field(f, value); err != nil {
			return nil, err
		}
		if text, is := sent.instead(i, f.name, value.FieldByIndex(f.index), w.Bytes()[at:]); is {
			w.Truncate(at)
			w.Write(text)
		}
		if w.Len() == at {
			w.Truncate(start) // left out
		}
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			continue
		}
		w.WriteByte(',')
		err := w.value(name)
		w.WriteByte(':')
		if err = cmp.Or(err, w.value(more[name])); err != nil {
			return nil, err
		}
	}
	return w.object()
}

// writer builds an object. One encoder serves all members.
type writer struct {
	bytes.Buffer
	enc *json.Encoder
}

var writers = sync.Pool{New: func() any {
	w := &writer{}
	w.enc = json.NewEncoder(w)
	w.enc.SetEscapeHTML(false)
	return w
}}

// free returns the writer to the pool. Its bytes must not be used any more.
func (w *writer) free() {
	if w.Cap() > 64<<10 {
		return // large bodies are rare, so their buffers are not kept
	}
	w.Reset()
	writers.Put(w)
}

func (w *writer) value(v any) error {
	if err := w.enc.Encode(v); err != nil {
		return err
	}
	w.Truncate(w.Len() - 1) // the newline
	return nil
}

// field writes the value of a field, or nothing when it is left out.
func (w *writer) field(f *field, of reflect.Value) error {
	v := of.FieldByIndex(f.index)
	if f.omitted(v) {
		return nil
	}
	return w.value(v.Interface())
}

// object returns a copy of the written members, each after a comma.
func (w *writer) object() ([]byte, error) {
	if w.Len() == 0 {
		return []byte("{}"), nil
	}
	w.WriteByte('}')
	if Replaced(w.Bytes()) {
		return nil, ErrUTF8
	}
	body := bytes.Clone(w.Bytes())
	body[0] = '{' // instead of the first comma
	return body, nil
}
