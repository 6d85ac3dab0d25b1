package oracle

import (
	"encoding/json"
	"testing"

	"github.com/postrider/postrider/payload"
)

// Rule: ajv with every strict mode on compiles each schema of package payload. It refuses one with
// a keyword that JSON Schema does not define, and one that requires a member that it does not
// describe, which shows that ajv does judge.
func TestSchemasAreStrict(t *testing.T) {
	t.Parallel()
	var schemas []json.RawMessage
	var wrong []string // the reason for a refusal, empty for none
	add := func(schema any, why string) {
		text, err := json.Marshal(schema)
		if err != nil {
			t.Fatal(err)
		}
		schemas, wrong = append(schemas, text), append(wrong, why)
	}
	for _, trigger := range payload.Triggers() {
		text, ok := payload.Schema(trigger)
		if !ok {
			t.Fatalf("%s has no schema", trigger)
		}
		add(json.RawMessage(text), "")
		for why, change := range map[string]func(map[string]any){
			"a keyword of our own":       func(s map[string]any) { s["x-provisional"] = true },
			"a member that is not there": func(s map[string]any) { s["required"] = append(s["required"].([]any), "nothing") },
			"a format that is none": func(s map[string]any) {
				s["properties"].(map[string]any)["name"].(map[string]any)["format"] = "nothing"
			},
		} {
			var schema map[string]any
			if err := json.Unmarshal(text, &schema); err != nil {
				t.Fatal(err)
			}
			change(schema)
			add(schema, why)
		}
	}
	for i, verdict := range ask[[]*string](t, "compile", schemas) {
		switch {
		case wrong[i] == "" && verdict != nil:
			t.Errorf("%s\n%s", *verdict, schemas[i])
		case wrong[i] != "" && verdict == nil:
			t.Errorf("%s passes:\n%s", wrong[i], schemas[i])
		}
	}
}
