package jsonbody

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// field is a field of a struct that has a name in JSON.
type field struct {
	name      string
	key       []byte // the name as JSON, with its colon
	index     []int
	omitEmpty bool
	omitZero  bool
	readOnly  bool // never written
	text      bool // a bool that is true for true and "true", false for anything else
	free      bool // holds any JSON
	whole     bool // encodes to the JSON that it was read from, unless it is zero
}

var structs sync.Map // reflect.Type to []field

// fieldsOf lists the fields of a struct, promoted ones included, in their order. Names are
// plain ASCII. Beside those of encoding/json there is a tag body, which may be readonly or
// text, see field.
func fieldsOf(t reflect.Type) []field {
	if known, ok := structs.Load(t); ok {
		return known.([]field)
	}
	var list []field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" {
			continue
		}
		one := field{name: name, key: []byte(strconv.Quote(name) + ":"), index: f.Index, free: free(f.Type), whole: whole(f.Type)}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "omitempty":
				one.omitEmpty = true
			case "omitzero":
				one.omitZero = true
			}
		}
		switch f.Tag.Get("body") {
		case "readonly":
			one.readOnly = true
		case "text":
			one.text = true
		}
		list = append(list, one)
	}
	structs.Store(t, list)
	return list
}

// free reports whether a type holds any JSON.
func free(t reflect.Type) bool {
	return t.Kind() == reflect.Interface || t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Interface
}

// whole reports whether a type keeps the whole JSON that it reads: free JSON, structs with a Sent,
// and lists of these.
func whole(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return remembers(t.Elem())
	case reflect.Slice:
		return remembers(t.Elem())
	}
	return free(t)
}

func remembers(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName("Sent")
	return ok && f.Type == reflect.TypeFor[Sent]()
}

// kept reports whether a whole field holds everything that was sent for it. An element of a list
// that was sent as null was not read.
func (f *field) kept(v reflect.Value) bool {
	if !f.whole || v.IsZero() || empty(v) {
		return false
	}
	if v.Kind() != reflect.Slice {
		return true
	}
	for i := range v.Len() {
		if !v.Index(i).FieldByName("Sent").Interface().(Sent).read {
			return false
		}
	}
	return true
}

// omitted reports whether encoding/json leaves the field out.
func (f *field) omitted(v reflect.Value) bool {
	switch {
	case f.readOnly:
		return true
	case f.omitZero:
		if v.IsZero() {
			return true
		}
		z, ok := v.Interface().(interface{ IsZero() bool })
		return ok && z.IsZero()
	case f.omitEmpty:
		return empty(v)
	}
	return false
}

// empty reports whether the option omitempty of encoding/json leaves the value out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// Names returns the names that the fields of a struct have in JSON. Every field must have a
// tag.
func Names[T any]() map[string]bool {
	m := make(map[string]bool)
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		m[f.name] = true
	}
	return m
}
