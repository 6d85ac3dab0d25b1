package payload_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

func TestOpenAPI_golden(t *testing.T) {
	t.Parallel()
	golden(t, "openapi.json", payload.OpenAPI())
	clear(payload.OpenAPI())
	if !json.Valid(payload.OpenAPI()) {
		t.Error("a caller can change what OpenAPI returns")
	}
}

// Rule: the document describes every type of the catalogue, each with the result of Schema and with
// its example.
func TestOpenAPI_isMadeFromTheSchemas(t *testing.T) {
	t.Parallel()
	var document struct {
		Webhooks map[string]struct {
			Post struct {
				Deprecated  bool
				RequestBody struct {
					Content map[string]struct {
						Schema  map[string]string
						Example json.RawMessage
					}
				}
			}
		}
		Components struct{ Schemas map[string]map[string]any }
	}
	unmarshal(t, payload.OpenAPI(), &document)
	if len(document.Webhooks) != len(payload.Triggers()) {
		t.Errorf("%d webhooks, want %d", len(document.Webhooks), len(payload.Triggers()))
	}
	for _, trigger := range payload.Triggers() {
		want := loadSchema(t, trigger)
		delete(want, "$schema") // the document has the dialect
		delete(want, "$id")     // it would move the base of references
		if diff := cmp.Diff(want, document.Components.Schemas[trigger]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", trigger, diff)
		}
		content := document.Webhooks[trigger].Post.RequestBody.Content["application/json"]
		if content.Schema["$ref"] != "#/components/schemas/"+trigger {
			t.Errorf("%s: schema is %v", trigger, content.Schema)
		}
		if faults := check(t, want, content.Example); len(faults) > 0 {
			t.Errorf("%s: the example breaks its schema: %v", trigger, faults)
		}
	}
}

func unmarshal(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
