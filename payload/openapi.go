package payload

import (
	"encoding/json"
	"strconv"
	"sync"

	"github.com/postrider/postrider/payload/internal/jsonschema"
)

// openAPI is the document of this package.
var openAPI = sync.OnceValue(func() []byte {
	c, err := NewCatalogue(Builtin()...)
	if err != nil {
		return nil // a test makes this document
	}
	return c.OpenAPI("Postrider webhooks")
})

// OpenAPI returns an OpenAPI 3.1 document, in JSON, whose section "webhooks"
// describes every trigger with the schemas that [Schema] returns. The caller
// owns the bytes.
func OpenAPI() []byte { return append([]byte(nil), openAPI()...) }

// OpenAPI returns an OpenAPI 3.1 document, in JSON, whose section "webhooks" describes every
// type of the catalogue, with its schema and its example. An empty title becomes "Webhooks".
// A schema that was derived has the extension "x-derived". The caller owns the bytes.
func (c *Catalogue) OpenAPI(title string) []byte {
	if title == "" {
		title = "Webhooks"
	}
	webhooks, schemas := map[string]any{}, map[string]any{}
	for i := range c.types {
		t := &c.types[i]
		name := component(t.Name, schemas)
		pointer := "#/components/schemas/" + name
		schemas[name] = c.component(t, pointer)
		webhooks[t.Name] = map[string]any{"post": c.operation(t, name, pointer)}
	}
	return indented(map[string]any{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": jsonschema.Dialect,
		"info": map[string]any{
			"title":       title,
			"version":     "1",
			"description": "The bodies that are sent when an event happens.",
		},
		"webhooks":   webhooks,
		"components": map[string]any{"schemas": schemas},
	})
}

// component returns a name for the schema of a type that no other type has.
func component(name string, taken map[string]any) string {
	base := jsonschema.Identifier(name)
	unique := base
	for n := 2; taken[unique] != nil; n++ {
		unique = base + "_" + strconv.Itoa(n)
	}
	return unique
}

// component is the schema of a type within the document.
func (c *Catalogue) component(t *Type, pointer string) jsonschema.Schema {
	at := pointer
	if c.envelope {
		at += "/properties/data"
	}
	schema := t.schemaAt(at)
	if t.form.derived {
		delete(schema, "$comment")
		schema["x-derived"] = true
	}
	if c.envelope {
		return envelopeSchema(t, schema)
	}
	return schema
}

func (c *Catalogue) operation(t *Type, id, pointer string) map[string]any {
	operation := map[string]any{
		"operationId": id,
		"summary":     t.Title,
		"requestBody": map[string]any{
			"required": true,
			"content": map[string]any{
				"application/json": map[string]any{
					"schema":  map[string]any{"$ref": pointer},
					"example": json.RawMessage(c.example(t)),
				},
			},
		},
		"responses": map[string]any{
			"2XX":     map[string]any{"description": "Received. The sender does not try again."},
			"default": map[string]any{"description": "Not received. The sender may try again, with the same body."},
		},
	}
	if t.Description != "" {
		operation["description"] = t.Description
	}
	if t.Group != "" {
		operation["tags"] = []string{t.Group}
	}
	if t.Deprecated {
		operation["deprecated"] = true
	}
	return operation
}

// example is the body of an example in its final form, the same at every call.
func (c *Catalogue) example(t *Type) []byte {
	if !c.envelope {
		return t.form.bare
	}
	body, _ := envelop(&Event{ID: "evt_example", Type: t.Name, Time: sampleTime, Body: t.form.bare}) // two texts always encode
	return body
}
