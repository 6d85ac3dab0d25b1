package payload_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// schemaTypes are the Go types by trigger.
func schemaTypes() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, name := range payload.Triggers() {
		if data, ok := payload.Sample(name); ok {
			types[name] = reflect.TypeOf(data)
		}
	}
	return types
}

func loadSchema(t *testing.T, trigger string) map[string]any {
	t.Helper()
	b, ok := payload.Schema(trigger)
	if !ok {
		t.Fatalf("no schema of %s", trigger)
	}
	var schema map[string]any
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatalf("%s: %v", trigger, err)
	}
	return schema
}

func TestSchema_agreesWithTypes(t *testing.T) {
	t.Parallel()
	types := schemaTypes()
	if len(types) != 3 {
		t.Fatalf("%d types, want 3", len(types))
	}
	for trigger, typ := range types {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			schema := loadSchema(t, trigger)
			properties := schema["properties"].(map[string]any)
			if got := properties["trigger"].(map[string]any)["const"]; got != trigger {
				t.Errorf("const of trigger = %v, want %s", got, trigger)
			}
			delete(properties, "trigger")
			required := schema["required"].([]any)
			if required[0] != "trigger" {
				t.Errorf("required[0] = %v, want trigger", required[0])
			}
			schema["required"] = required[1:]
			compareObject(t, schema, typ)
			if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" || schema["additionalProperties"] != true || schema["title"] != trigger {
				t.Error("dialect, title or additionalProperties is not as it must be")
			}
		})
	}
}

// compareObject compares the properties and the required list with the fields.
func compareObject(t *testing.T, schema map[string]any, typ reflect.Type) {
	t.Helper()
	properties := schema["properties"].(map[string]any)
	required := []any{}
	fields := 0
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("%s: the schema lacks %s", typ, name)
			continue
		}
		fields++
		if options == "" {
			required = append(required, name)
		}
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		want := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Slice: "array", reflect.Struct: "object"}[kind.Kind()]
		if kind.String() == "time.Time" {
			want = "string"
		}
		if property["type"] != want {
			t.Errorf("%s: type of %s = %v, want %s", typ, name, property["type"], want)
		}
		if want == "object" {
			compareObject(t, property, kind)
		}
	}
	if len(properties) != fields {
		t.Errorf("%s: %d properties, %d fields", typ, len(properties), fields)
	}
	if diff := cmp.Diff(required, schema["required"]); diff != "" {
		t.Errorf("%s: required (-want +got):\n%s", typ, diff)
	}
}

func TestSchema_acceptsWhatNewWrites(t *testing.T) {
	t.Parallel()
	for trigger := range schemaTypes() {
		data, _ := payload.Sample(trigger)
		for _, format := range []payload.ExpiryFormat{payload.ExpiryDate, payload.ExpiryRFC3339} {
			body := mustNew(t, data, payload.WithExpiryFormat(format)).Body
			if faults := check(t, loadSchema(t, trigger), body); len(faults) > 0 {
				t.Errorf("%s: %s: %v", trigger, body, faults)
			}
		}
	}
}

// The checker refuses a body that breaks one rule.
func TestSchema_refuses(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"another trigger": object(`"trigger":"taskFailure"`, mProcess, mName, mActions, mLink),
		"a missing key":   object(mTrigger, mProcess, mName, mActions),
		"a wrong type":    object(mTrigger, mProcess, mName, `"actionTypes":null`, mLink),
		"a wrong item":    object(mTrigger, mProcess, mName, `"actionTypes":[1]`, mLink),
		"an empty text":   object(mTrigger, mProcess, `"name":""`, mActions, mLink),
		"no UUID":         object(mTrigger, `"processId":"x"`, mName, mActions, mLink),
		"an http link":    object(mTrigger, mProcess, mName, mActions, `"deepLink":"http://a.example/"`),
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if faults := check(t, loadSchema(t, "taskSuccess"), []byte(body)); len(faults) != 1 {
				t.Errorf("faults = %v, want one", faults)
			}
		})
	}
	if faults := check(t, loadSchema(t, "orgKeyExpiry"), []byte(key(`"27.5.2026"`))); len(faults) != 1 {
		t.Errorf("a date of another form: faults = %v, want one", faults)
	}
}

func TestSchema_filesAndNames(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("schema")
	if err != nil || len(files) != len(schemaTypes()) {
		t.Errorf("%d schema files, want %d: %v", len(files), len(schemaTypes()), err)
	}
	for _, trigger := range []string{"", "syncFailed", "userInvited", "../openapi", "TaskSuccess"} {
		if b, ok := payload.Schema(trigger); ok || b != nil {
			t.Errorf("Schema(%q) = %s, %v", trigger, b, ok)
		}
		if data, ok := payload.Sample(trigger); ok || data != nil {
			t.Errorf("Sample(%q) = %v, %v", trigger, data, ok)
		}
	}
	first, _ := payload.Schema("taskSuccess")
	want := string(first)
	clear(first)
	if again, _ := payload.Schema("taskSuccess"); string(again) != want {
		t.Error("a caller can change what Schema returns")
	}
}
