package payload

import (
	"bytes"
	"embed"
	"encoding/json"

	"github.com/postrider/postrider/payload/internal/jsonbody"
	"github.com/postrider/postrider/payload/internal/jsonschema"
)

//go:embed schema/*.json
var schemas embed.FS

// Schema returns the JSON Schema, draft 2020-12, of a trigger's body, and false
// for a trigger that this package does not define. The caller owns the bytes.
//
// A schema describes the bodies of [New] without [WithAnyProcessID] and [WithEnvelope]. It allows
// further properties, because later versions may add some. Strict validators check uuid, uri and
// dates only with format assertions switched on.
func Schema(trigger string) ([]byte, bool) {
	if !known(trigger) {
		return nil, false // also keeps file names such as "../x" out
	}
	b, err := schemas.ReadFile("schema/" + trigger + ".json")
	return bytes.Clone(b), err == nil
}

// Schema returns the JSON Schema of the body of a type, and false for a type that the catalogue
// does not have. It is [Type].Schema, or the derived one, which holds "x-derived" in its
// "$comment". Where the catalogue is [Catalogue.Enveloped], it is inside the schema of the
// envelope. The caller owns the bytes.
func (c *Catalogue) Schema(name string) ([]byte, bool) {
	i, known := c.at[name]
	if !known {
		return nil, false
	}
	t := &c.types[i]
	if !c.envelope {
		return bytes.Clone(t.form.schema), true
	}
	schema := envelopeSchema(t, t.schemaAt("#/properties/data"))
	schema["$schema"] = jsonschema.Dialect
	return indented(schema), true
}

// derivedComment marks a derived schema. It is no keyword, because strict validators refuse unknown
// keywords.
const derivedComment = "x-derived: made from the Go type, so it says nothing about the values"

// describe checks the schema, or derives it.
func (t *Type) describe() error {
	if t.Schema != nil {
		if _, err := jsonschema.Read(t.Schema); err != nil {
			return t.refuse("Schema", "cannot be used", err)
		}
		t.form.schema = bytes.Clone(t.Schema)
		return nil
	}
	schema := jsonschema.Schema{} // a type with its own encoder may write any JSON
	if _, own := t.Example.(Encoder); !own {
		schema = jsonschema.Of(t.goType)
	}
	schema["$schema"], schema["$comment"], schema["title"] = jsonschema.Dialect, derivedComment, t.Title
	if t.Description != "" {
		schema["description"] = t.Description
	}
	t.form.schema, t.form.derived = indented(schema), true
	return nil
}

// schemaAt returns the schema for a JSON pointer of another document.
func (t *Type) schemaAt(pointer string) jsonschema.Schema {
	schema, _ := jsonschema.Read(t.form.schema) // it was read before
	return jsonschema.Rebase(schema, pointer)
}

// envelopeSchema is the schema of a body with an envelope.
func envelopeSchema(t *Type, data jsonschema.Schema) jsonschema.Schema {
	return jsonschema.Schema{
		"title": t.Title, "type": "object", "required": []string{"id", "type", "timestamp", "data"},
		"properties": jsonschema.Schema{
			"id":        jsonschema.Schema{"type": "string", "minLength": 1, "description": "Identifies the event, the same on every attempt."},
			"type":      jsonschema.Schema{"const": t.Name, "description": "Names the kind of event."},
			"timestamp": jsonschema.Schema{"type": "string", "format": "date-time", "description": "When it happened."},
			"data":      data,
		},
	}
}

// indented encodes a value that cannot fail.
func indented(v any) []byte {
	text, _ := jsonbody.Encode(v)
	var out bytes.Buffer
	_ = json.Indent(&out, text, "", "  ")
	return append(out.Bytes(), '\n')
}
