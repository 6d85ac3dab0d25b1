// Package jsonbody writes bodies as compact JSON with encoding/json: no HTML escaping, no
// final newline, and no text that had to be repaired.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Encode is json.Marshal without HTML escaping.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Replaced reports whether encoding/json met invalid UTF-8 when it wrote a body. It then
// writes the escape \ufffd; a U+FFFD that was there before it writes as it is.
func Replaced(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return false
		}
		if bytes.HasPrefix(body[i:], []byte(`\ufffd`)) {
			return true
		}
		body = body[i+2:] // valid JSON: a backslash never stands last
	}
}

// ErrUTF8 is a cause: the error around it names the package and the value.
var ErrUTF8 = errors.New("a string is not valid UTF-8")

// Marshal is Encode that refuses invalid UTF-8 with ErrUTF8.
func Marshal(v any) ([]byte, error) {
	body, err := Encode(v)
	if err == nil && Replaced(body) {
		err = ErrUTF8
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

// AppendObject appends v, which encodes to an object with at least one member, and more
// members after its own, in alphabetical order. That no name is there twice is the caller's
// to see to: [Members] tells those of v.
func AppendObject(dst []byte, v any, more map[string]any) ([]byte, error) {
	body, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	dst = append(dst, body[:len(body)-1]...)
	for _, name := range slices.Sorted(maps.Keys(more)) {
		key, err := Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := Marshal(more[name])
		if err != nil {
			return nil, err
		}
		dst = append(append(append(append(dst, ','), key...), ':'), value...)
	}
	return append(dst, '}'), nil
}

// Members returns the names that the fields of a struct have in JSON. Every field must have
// a tag.
func Members[T any]() map[string]bool {
	m := make(map[string]bool)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			m[name] = true
		}
	}
	return m
}
