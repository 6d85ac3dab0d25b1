// Package jsonschema derives JSON Schemas of draft 2020-12 from Go types as encoding/json
// writes them, and moves schemas into other documents.
package jsonschema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Dialect is the value of "$schema" of draft 2020-12.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is one schema object, encoded by encoding/json.
type Schema = map[string]any

// Of derives the schema of a type as encoding/json writes it. A struct is an object whose fields
// are required unless they have omitempty or omitzero. time.Time is a date-time. A slice, a map or
// a pointer may be null where encoding/json writes null. A type with its own encoder may be any
// value. A struct that contains itself stands once in "$defs".
func Of(t reflect.Type) Schema {
	d := deriver{names: make(map[reflect.Type]string), open: make(map[reflect.Type]bool)}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	schema := d.value(t, false)
	defs := Schema{}
	for i := 0; i < len(d.wanted); i++ { // a definition may add others
		defs[d.names[d.wanted[i]]] = d.value(d.wanted[i], false)
	}
	if len(defs) > 0 {
		schema["$defs"] = defs
	}
	return schema
}

type deriver struct {
	open   map[reflect.Type]bool   // structs whose fields are being derived
	names  map[reflect.Type]string // in "$defs", of structs that contain themselves
	wanted []reflect.Type
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	numberType    = reflect.TypeFor[json.Number]()
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// value is the schema of a type. Null is allowed where the type can be nil and is then written.
func (d *deriver) value(t reflect.Type, null bool) Schema {
	switch {
	case t == timeType:
		return Schema{"type": "string", "format": "date-time"}
	case t == numberType:
		return Schema{"type": "number"}
	case t.Kind() == reflect.Pointer:
		return orNull(d.value(t.Elem(), true), null)
	case t.Implements(marshaler), reflect.PointerTo(t).Implements(marshaler):
		return Schema{}
	case t.Implements(textMarshaler):
		return orNull(Schema{"type": "string"}, null && t.Kind() == reflect.Map)
	case reflect.PointerTo(t).Implements(textMarshaler):
		return Schema{} // depends on the path to the value
	}
	switch t.Kind() {
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Schema{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return Schema{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return Schema{"type": "number"}
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && d.plain(t.Elem()) {
			return orNull(Schema{"type": "string", "contentEncoding": "base64"}, null)
		}
		return orNull(Schema{"type": "array", "items": d.value(t.Elem(), true)}, null)
	case reflect.Array:
		return Schema{"type": "array", "items": d.value(t.Elem(), true)}
	case reflect.Map:
		return orNull(Schema{"type": "object", "additionalProperties": d.value(t.Elem(), true)}, null)
	case reflect.Struct:
		return d.object(t)
	}
	return Schema{} // an interface holds any value
}

// plain reports whether a type of bytes has no encoding of its own.
func (d *deriver) plain(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return !p.Implements(marshaler) && !p.Implements(textMarshaler)
}

func (d *deriver) object(t reflect.Type) Schema {
	if d.open[t] {
		return Schema{"$ref": "#/$defs/" + d.name(t)}
	}
	d.open[t] = true
	defer delete(d.open, t)
	properties, required := Schema{}, []string{}
	for _, f := range fields(t) {
		s := d.value(f.typ, !f.omitted)
		if f.quoted {
			s = orNull(Schema{"type": "string"}, f.typ.Kind() == reflect.Pointer && !f.omitted)
		}
		properties[f.name] = s
		if !f.optional {
			required = append(required, f.name)
		}
	}
	return Schema{"type": "object", "properties": properties, "required": required}
}

// name returns the name of a struct in "$defs": letters and digits, and unique.
func (d *deriver) name(t reflect.Type) string {
	if name, known := d.names[t]; known {
		return name
	}
	name := Identifier(t.Name())
	for _, other := range d.names {
		if other == name {
			name += strconv.Itoa(len(d.names) + 1)
			break
		}
	}
	d.names[t], d.wanted = name, append(d.wanted, t)
	return name
}

// Identifier replaces characters that the name of a component may not have: OpenAPI 3.1 allows
// letters, digits, ".", "-" and "_".
func Identifier(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
}

// orNull allows null beside a schema.
func orNull(s Schema, null bool) Schema {
	if !null {
		return s
	}
	switch typ := s["type"].(type) {
	case string:
		s["type"] = []string{typ, "null"}
	case nil:
		if s["$ref"] != nil {
			return Schema{"anyOf": []Schema{s, {"type": "null"}}}
		}
	}
	return s
}
