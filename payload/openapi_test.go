package payload_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// buildOpenAPI makes the document from the schemas; openapi.json is its result.
func buildOpenAPI(t *testing.T) []byte {
	t.Helper()
	webhooks, schemas := map[string]any{}, map[string]any{}
	for trigger := range schemaTypes() {
		schema := loadSchema(t, trigger)
		operation := map[string]any{
			"operationId": trigger,
			"summary":     schema["description"],
			"requestBody": map[string]any{
				"required": true,
				"content": map[string]any{
					"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/" + trigger}},
				},
			},
			"responses": map[string]any{
				"2XX":     map[string]any{"description": "Received. The sender does not try again."},
				"default": map[string]any{"description": "Not received. The sender may try again, with the same body."},
			},
		}
		// Here the dialect is the document's, and an $id would move the base of references.
		delete(schema, "$schema")
		delete(schema, "$id")
		webhooks[trigger] = map[string]any{"post": operation}
		schemas[trigger] = schema
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": map[string]any{
			"title":       "Postrider webhooks",
			"version":     "1",
			"description": "The bodies that are sent when an event happens. Fields are only ever added.",
		},
		"webhooks":   webhooks,
		"components": map[string]any{"schemas": schemas},
	})
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestOpenAPI_isMadeFromTheSchemas(t *testing.T) {
	t.Parallel()
	want := buildOpenAPI(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Log("openapi.json is written; run the test again without -update")
		return
	}
	if diff := cmp.Diff(string(want), string(payload.OpenAPI())); diff != "" {
		t.Errorf("openapi.json is out of date, run go test -update (-want +got):\n%s", diff)
	}
	clear(payload.OpenAPI())
	if !json.Valid(payload.OpenAPI()) {
		t.Error("a caller can change what OpenAPI returns")
	}
}
