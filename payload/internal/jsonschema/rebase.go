package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

var (
	errObject  = errors.New("must be one JSON object and nothing else")
	errDialect = errors.New(`must have the member "$schema", such as "` + Dialect + `"`)
)

// Read reads a schema document: a JSON object with "$schema". Numbers keep their form.
func Read(text []byte) (Schema, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var s Schema
	if err := dec.Decode(&s); err != nil || s == nil {
		return nil, errObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errObject
	}
	if dialect, _ := s["$schema"].(string); dialect == "" {
		return nil, errDialect
	}
	return s, nil
}

// Rebase makes a schema part of another document, at a JSON pointer such as
// "#/components/schemas/x", and adapts the references within the schema. It changes s. It removes
// "$id", because that would move the base of references, and "$schema" where it is [Dialect].
func Rebase(s Schema, pointer string) Schema {
	if s["$schema"] == Dialect {
		delete(s, "$schema")
	}
	delete(s, "$id")
	rebase(s, pointer)
	return s
}

func rebase(s Schema, pointer string) {
	for keyword, arg := range s {
		switch keyword {
		case "const", "enum", "default", "example", "examples":
			continue // values hold no references
		case "$ref", "$dynamicRef":
			if ref, is := arg.(string); is && (ref == "#" || strings.HasPrefix(ref, "#/")) {
				s[keyword] = pointer + ref[1:]
			}
			continue
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
			if named, is := arg.(Schema); is { // the keys are names, not keywords
				for _, sub := range named {
					rebaseAny(sub, pointer)
				}
			}
			continue
		}
		rebaseAny(arg, pointer)
	}
}

func rebaseAny(v any, pointer string) {
	switch v := v.(type) {
	case Schema:
		rebase(v, pointer)
	case []any:
		for _, item := range v {
			rebaseAny(item, pointer)
		}
	}
}
