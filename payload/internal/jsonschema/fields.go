package jsonschema

import (
	"reflect"
	"strings"
	"unicode"
)

// field is a member that encoding/json writes for a struct.
type field struct {
	name     string
	typ      reflect.Type
	optional bool // left out in some cases
	omitted  bool // left out where it is nil
	quoted   bool // a number or bool that is written as a string
	tagged   bool
	depth    int // how many embedded structs it is in
}

// fields lists the members of a struct by the rules of encoding/json: of several fields with one
// name the least deep counts, then the one with a tag. If more than one is left, none counts.
func fields(t reflect.Type) []field {
	all := collect(t, 0, false, map[reflect.Type]bool{})
	var list []field
	for i, f := range all {
		wins := true
		for j, other := range all {
			wins = wins && (i == j || other.name != f.name || f.before(other))
		}
		if wins {
			list = append(list, f)
		}
	}
	return list
}

func (f field) before(other field) bool {
	return f.depth < other.depth || f.depth == other.depth && f.tagged && !other.tagged
}

func collect(t reflect.Type, depth int, optional bool, open map[reflect.Type]bool) (list []field) {
	if open[t] {
		return nil
	}
	open[t] = true
	defer delete(open, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		elem := sf.Type
		if elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		tag := sf.Tag.Get("json")
		if tag == "-" || !sf.IsExported() && !(sf.Anonymous && elem.Kind() == reflect.Struct) {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if !validName(name) {
			name = ""
		}
		if sf.Anonymous && name == "" && elem.Kind() == reflect.Struct {
			list = append(list, collect(elem, depth+1, optional || sf.Type.Kind() == reflect.Pointer, open)...)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := field{name: name, typ: sf.Type, optional: optional, tagged: name != "", depth: depth}
		if name == "" {
			f.name = sf.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			f.omitted = f.omitted || option == "omitzero" || option == "omitempty" && canBeEmpty(sf.Type)
			f.quoted = f.quoted || option == "string" && canBeQuoted(elem)
		}
		f.optional = f.optional || f.omitted
		list = append(list, f)
	}
	return list
}

// canBeEmpty reports whether omitempty has an effect on a type.
func canBeEmpty(t reflect.Type) bool {
	return t.Kind() != reflect.Struct && (t.Kind() != reflect.Array || t.Len() == 0)
}

// canBeQuoted reports whether the option string has an effect on a type.
func canBeQuoted(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.Bool, k == reflect.String, k == reflect.Float32, k == reflect.Float64:
		return true
	default:
		return reflect.Int <= k && k <= reflect.Uintptr
	}
}

// validName reports whether encoding/json accepts a name from a tag.
func validName(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return s != ""
}
