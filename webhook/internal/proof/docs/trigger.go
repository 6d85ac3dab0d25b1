package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload"
)

// trigger is one kind of event, from its Go type, its schema and its sample.
type trigger struct {
	name, description string
	fields            []field
	example           []byte
}

type field struct {
	name, kind, description, example string
	required                         bool
}

// schema is the part of a JSON Schema that is printed.
type schema struct {
	Description string
	Required    []string
	Properties  map[string]*schema
	Format      string
	AnyOf       []struct{ Format string }
}

func describe(name string) (trigger, error) {
	data, ok := payload.Sample(name)
	raw, described := payload.Schema(name)
	if !ok || !described {
		return trigger{}, fmt.Errorf("trigger %s has no sample or no schema", name)
	}
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return trigger{}, fmt.Errorf("schema of %s: %w", name, err)
	}
	e, err := payload.New("docs", data)
	if err != nil {
		return trigger{}, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(e.Body, &values); err != nil {
		return trigger{}, err
	}
	t := trigger{name: name, description: s.Description, example: e.Body}
	t.fields = []field{{"trigger", "string", s.Properties["trigger"].Description, string(values["trigger"]), true}}
	return t, t.add("", reflect.TypeOf(data), &s, values)
}

// add appends the fields of a struct, those of a nested one with dots.
func (t *trigger) add(prefix string, typ reflect.Type, s *schema, values map[string]json.RawMessage) error {
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil {
			return fmt.Errorf("%s: the schema lacks %s%s, which the Go type has", t.name, prefix, name)
		}
		ft := typ.Field(i).Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		t.fields = append(t.fields, field{prefix + name, kind(ft, p), p.Description, string(values[name]), slices.Contains(s.Required, name)})
		if kind(ft, p) == "object" {
			var nested map[string]json.RawMessage
			if values[name] != nil {
				if err := json.Unmarshal(values[name], &nested); err != nil {
					return err
				}
			}
			if err := t.add(prefix+name+".", ft, p, nested); err != nil {
				return err
			}
		}
	}
	return nil
}

// kind is the JSON type of a Go type.
func kind(t reflect.Type, s *schema) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		var formats []string
		for _, f := range s.AnyOf {
			formats = append(formats, f.Format)
		}
		if len(formats) == 0 {
			formats = append(formats, s.Format)
		}
		return "string, " + strings.Join(formats, " or ")
	case t.Kind() == reflect.String && s.Format != "":
		return "string, " + s.Format
	case t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Slice:
		return "array of strings"
	case t.Kind() == reflect.Int:
		return "integer"
	}
	return "object"
}

func (t trigger) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", t.name, t.description)
	b.WriteString("\n| field | type | meaning | smart value | example |\n|---|---|---|---|---|\n")
	for _, f := range t.fields {
		kind, example := f.kind, "-"
		if !f.required {
			kind += ", optional"
		}
		if f.example != "" && f.kind != "object" {
			example = "`" + f.example + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | `{{webhookData.%s}}` | %s |\n", f.name, kind, f.description, f.name, example)
	}
	var pretty bytes.Buffer
	_ = json.Indent(&pretty, t.example, "", "  ") // it was decoded above
	fmt.Fprintf(b, "\n```json\n%s\n```\n\nAs sent, %d bytes without spaces or a line break. Its JSON Schema is [%s.json](../payload/schema/%s.json).\n", pretty.Bytes(), len(t.example), t.name, t.name)
}

// rule names the rule of the allowlist that an error reports.
func rule(err error) string {
	var refused *allowlist.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	return refused.Rule
}
