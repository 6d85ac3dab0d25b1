package oracle

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

type bodyOf struct {
	Schema string `json:"schema"`
	Body   string `json:"body"`
}

// Rule: ajv, in strict mode, compiles every schema of package payload and finds every received body
// valid. It finds a body without a required member, or with one of another type, invalid.
func TestSchemas(t *testing.T) {
	t.Parallel()
	secret, err := sign.GenerateSecret()
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]json.RawMessage{}
	var bodies []bodyOf
	var valid []bool
	add := func(schema, body string, ok bool) {
		bodies, valid = append(bodies, bodyOf{schema, body}), append(valid, ok)
	}
	arrived := map[string][]byte{}
	for _, r := range deliver(t, webhook.Standard(), secret) {
		var body struct{ Trigger string }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		arrived[body.Trigger] = r.Body
	}
	for _, trigger := range payload.Triggers() {
		schema, ok := payload.Schema(trigger)
		if !ok {
			t.Fatalf("%s has no schema", trigger)
		}
		schemas[trigger] = schema
		body := arrived[trigger]
		if body == nil {
			t.Fatalf("no body of %s arrived", trigger)
		}
		add(trigger, string(body), true)
		for _, spoilt := range spoil(t, body, schema) {
			add(trigger, spoilt, false)
		}
	}
	if len(arrived) != len(payload.Triggers()) {
		t.Errorf("%d kinds of bodies arrived, want %d", len(arrived), len(payload.Triggers()))
	}
	for i, verdict := range ask[[]*string](t, "ajv", map[string]any{"schemas": schemas, "bodies": bodies}) {
		switch {
		case valid[i] && verdict != nil:
			t.Errorf("%s: %s\n%s", bodies[i].Schema, *verdict, bodies[i].Body)
		case !valid[i] && verdict == nil:
			t.Errorf("%s: found valid\n%s", bodies[i].Schema, bodies[i].Body)
		}
	}
}

// spoil returns the body without each required member in turn, and with each of
// another type.
func spoil(t *testing.T, body, schema []byte) (out []string) {
	t.Helper()
	var s struct{ Required []string }
	if err := json.Unmarshal(schema, &s); err != nil || len(s.Required) == 0 {
		t.Fatalf("no required members, %v", err)
	}
	for _, name := range s.Required {
		for _, replaced := range []bool{false, true} {
			var m map[string]any
			if err := json.Unmarshal(body, &m); err != nil {
				t.Fatal(err)
			}
			if delete(m, name); replaced {
				m[name] = map[string]any{"of": "another type"}
			}
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(text))
		}
	}
	return out
}

type problem struct{ Severity, Rule, Message, At string }

// Rule: the linter of Redocly reports nothing, not even a warning, about any OpenAPI document of
// the repository.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	documents := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == ".git"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasPrefix(name, "openapi") || filepath.Ext(name) != ".json":
			return nil
		}
		documents++
		document, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		off := []string{}
		if strings.Contains(filepath.ToSlash(path), "payload/") {
			// The document describes other people's servers, signed as a profile defines, and is no
			// product with its own licence.
			off = append(off, "security-defined", "no-empty-servers", "info-license")
		}
		for _, p := range ask[[]problem](t, "openapi", map[string]any{"document": string(document), "off": off}) {
			t.Errorf("%s: %s %s at %s: %s", path, p.Severity, p.Rule, p.At, p.Message)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if documents == 0 {
		t.Error("no document was found")
	}
	var whole []string
	for _, c := range catalogues(t) {
		whole = append(whole, string(c.OpenAPI("Webhooks of a host")))
		off := []string{"security-defined", "no-empty-servers", "info-license"}
		for _, p := range ask[[]problem](t, "openapi", map[string]any{"document": whole[len(whole)-1], "off": off}) {
			t.Errorf("catalogue: %s %s at %s: %s", p.Severity, p.Rule, p.At, p.Message)
		}
	}
	whole = append(whole, strings.Replace(whole[0], `"operationId"`, `"operation"`, 1))
	for i, verdict := range ask[[]*string](t, "openapiSchema", whole) {
		if bad := i == len(whole)-1; bad != (verdict != nil) {
			t.Errorf("document %d, broken %t: %v", i, bad, *cmp.Or(verdict, new(string)))
		}
	}
	broken := strings.Replace(string(payload.OpenAPI()), `"#/components/schemas/taskSuccess"`, `"#/components/schemas/nothing"`, 1)
	if ps := ask[[]problem](t, "openapi", map[string]any{"document": broken, "off": []string{}}); len(ps) == 0 {
		t.Error("the linter finds no fault with a broken document: it judges nothing")
	}
}
