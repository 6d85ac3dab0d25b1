package payload_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"testing"
	"time"
	"unicode/utf8"
)

// check validates a body against the part of JSON Schema 2020-12 that the schemas use, formats
// included, and fails on an unknown keyword.
func check(t *testing.T, schema map[string]any, body []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	v := &validator{t: t}
	v.value("$", schema, value)
	return v.faults
}

type validator struct {
	t      *testing.T
	faults []string
}

func (v *validator) fault(at, format string, args ...any) {
	v.faults = append(v.faults, at+": "+fmt.Sprintf(format, args...))
}

func (v *validator) value(at string, schema map[string]any, value any) {
	if typ, ok := schema["type"]; ok && !hasType(typ, value) {
		v.fault(at, "is no %v", typ)
		return
	}
	for keyword, arg := range schema {
		switch keyword {
		case "type", "$schema", "$id", "title", "description", "examples":
		case "additionalProperties":
			if arg != true {
				v.t.Fatalf("%s: additionalProperties must be true", at)
			}
		case "const":
			if value != arg {
				v.fault(at, "is not %v", arg)
			}
		case "required":
			for _, name := range arg.([]any) {
				if _, ok := value.(map[string]any)[name.(string)]; !ok {
					v.fault(at, "lacks %v", name)
				}
			}
		case "properties":
			for name, sub := range arg.(map[string]any) {
				if member, ok := value.(map[string]any)[name]; ok {
					v.value(at+"."+name, sub.(map[string]any), member)
				}
			}
		case "items":
			for i, item := range value.([]any) {
				v.value(fmt.Sprintf("%s[%d]", at, i), arg.(map[string]any), item)
			}
		case "anyOf":
			if !v.anyOf(at, arg.([]any), value) {
				v.fault(at, "matches no alternative")
			}
		case "minLength":
			if utf8.RuneCountInString(value.(string)) < int(arg.(float64)) {
				v.fault(at, "is too short")
			}
		case "minimum":
			if value.(float64) < arg.(float64) {
				v.fault(at, "is too small")
			}
		case "pattern":
			if !regexp.MustCompile(arg.(string)).MatchString(value.(string)) {
				v.fault(at, "does not match %v", arg)
			}
		case "format":
			if !v.format(arg.(string), value.(string)) {
				v.fault(at, "is no %v", arg)
			}
		default:
			v.t.Fatalf("%s: keyword %s", at, keyword)
		}
	}
}

func (v *validator) anyOf(at string, alternatives []any, value any) bool {
	for _, alternative := range alternatives {
		probe := &validator{t: v.t}
		if probe.value(at, alternative.(map[string]any), value); len(probe.faults) == 0 {
			return true
		}
	}
	return false
}

func hasType(typ, value any) bool {
	switch x := value.(type) {
	case string:
		return typ == "string"
	case []any:
		return typ == "array"
	case map[string]any:
		return typ == "object"
	case float64:
		return typ == "integer" && x == math.Trunc(x)
	}
	return false
}

var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func (v *validator) format(name, s string) bool {
	switch name {
	case "uuid":
		return uuidForm.MatchString(s)
	case "uri":
		u, err := url.Parse(s)
		return err == nil && u.IsAbs()
	case "date":
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	case "date-time":
		_, err := time.Parse(time.RFC3339, s)
		return err == nil
	}
	v.t.Fatalf("format %s", name)
	return false
}
