package oracle

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// deployed is a type of a host, with most kinds of fields of a derived schema.
type deployed struct {
	Name    string            `json:"name"`
	At      time.Time         `json:"at"`
	Stages  []stage           `json:"stages"`
	Nothing []string          `json:"nothing"` // written as null
	Labels  map[string]string `json:"labels"`
	Ratio   float64           `json:"ratio"`
	Count   uint              `json:"count"`
	Done    bool              `json:"done"`
	Key     []byte            `json:"key"`
	Parent  *stage            `json:"parent"`
	Until   *time.Time        `json:"until,omitempty"`
	Raw     json.RawMessage   `json:"raw"`
}

type stage struct {
	Name  string  `json:"name"`
	Inner []stage `json:"inner"`
}

func (deployed) EventType() string { return "deploy:done" }

// noted has a hand-written schema with references.
type noted struct {
	Text string `json:"text"`
}

func (noted) EventType() string { return "deploy.done/note" }

const notedSchema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/noted","type":"object",
	"required":["text"],"properties":{"text":{"$ref":"#/$defs/text"}},"$defs":{"text":{"type":"string","minLength":1}}}`

// catalogues are one catalogue of built-in and own types, bare and in envelopes.
func catalogues(t *testing.T) []*payload.Catalogue {
	t.Helper()
	own := payload.Define[deployed](payload.Type{Title: "Deployed", Description: "After a deployment.", Example: deployed{Name: "café ☕ <b>",
		At: time.Date(2026, 5, 27, 9, 30, 0, 1000, time.UTC), Stages: []stage{{"build", []stage{{Name: "compile"}}}, {Name: "test"}},
		Labels: map[string]string{"a": "b"}, Ratio: 0.25, Count: 3, Key: []byte{1, 2, 3}, Raw: json.RawMessage(`[1,{"x":null}]`)}})
	note := payload.Define[noted](payload.Type{Example: noted{"x"}, Schema: []byte(notedSchema), Deprecated: true})
	c, err := payload.NewCatalogue(append(payload.Builtin(), own, note)...)
	if err != nil {
		t.Fatal(err)
	}
	return []*payload.Catalogue{c, c.Enveloped()}
}

// Rule: ajv, in strict mode, and Python's jsonschema compile the schema of every type, given or
// derived, bare or in an envelope. They find the body of each example valid, and a body without a
// member, or with one of another type, invalid.
func TestCatalogueSchemas(t *testing.T) {
	t.Parallel()
	schemas := map[string]json.RawMessage{}
	var bodies []bodyOf
	var valid []bool
	for i, c := range catalogues(t) {
		form := []string{"bare ", "enveloped "}[i]
		for _, typ := range c.Types() {
			schema, ok := c.Schema(typ.Name)
			e, err := c.New("acme", typ.Example)
			if !ok || err != nil {
				t.Fatal(typ.Name, ok, err)
			}
			name := form + typ.Name
			schemas[name] = schema
			bodies, valid = append(bodies, bodyOf{name, string(e.Body)}), append(valid, true)
			spoilt := spoil(t, e.Body, schema)
			if typ.Name == (deployed{}).EventType() && i == 0 {
				spoilt = slices.DeleteFunc(spoilt, mayBeAnObject)
			}
			for _, body := range spoilt {
				bodies, valid = append(bodies, bodyOf{name, body}), append(valid, false)
			}
		}
	}
	question := map[string]any{"schemas": schemas, "bodies": bodies}
	judge := func(by string, verdicts []*string) {
		for i, verdict := range verdicts {
			switch {
			case valid[i] && verdict != nil:
				t.Errorf("%s: %s: %s\n%s", by, bodies[i].Schema, *verdict, bodies[i].Body)
			case !valid[i] && verdict == nil:
				t.Errorf("%s: %s: found valid\n%s", by, bodies[i].Schema, bodies[i].Body)
			}
		}
	}
	t.Run("ajv", func(t *testing.T) { judge("ajv", ask[[]*string](t, "ajv", question)) })
	t.Run("jsonschema", func(t *testing.T) {
		needsJSONSchema(t)
		judge("jsonschema", askPython[[]*string](t, "schemas", question))
	})
}

// mayBeAnObject reports whether the spoilt member of a body may have any value.
func mayBeAnObject(body string) bool {
	return strings.Contains(body, `"raw":{"of":"another type"}`) || strings.Contains(body, `"labels":{"of":"another type"}`)
}

// Rule: a body that a receiver in Python read and wrote again decodes to the value that was sent.
func TestCatalogueRoundTrip(t *testing.T) {
	t.Parallel()
	c := catalogues(t)[1]
	var bodies []string
	for _, typ := range c.Types() {
		e, err := c.New("acme", typ.Example)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(e.Body))
	}
	for i, body := range askPython[[]string](t, "roundtrip", bodies) {
		want := c.Types()[i].Example
		got, err := c.Decode([]byte(body))
		if d, is := got.(deployed); is { // as sent, except for its spaces
			var raw any
			if json.Unmarshal(d.Raw, &raw) != nil {
				t.Errorf("raw: %s", d.Raw)
			}
			d.Raw, _ = json.Marshal(raw)
			got = d
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", body, err, diff)
		}
	}
}
