package jsonschema_test

import (
	"encoding/json"
	"maps"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/internal/jsonschema"
)

type base struct {
	ID     string `json:"id"`
	Hidden string `json:"-"`
	Shadow int    `json:"shadow"`
}

type other struct {
	Clash string
}

type another struct {
	Clash string
}

type tree struct {
	Name string  `json:"name"`
	Kids []tree  `json:"kids"`
	Up   *tree   `json:"up"`
	Far  *forest `json:"far,omitempty"`
}

type forest struct{ Trees []tree }

type all struct {
	base
	other
	another
	*forest
	Shadow  string            `json:"shadow"`
	Flag    bool              `json:"flag,omitempty"`
	Count   uint8             `json:"count,string"`
	Ratio   float64           `json:"ratio"`
	At      time.Time         `json:"at"`
	Maybe   *time.Time        `json:"maybe"`
	Never   time.Time         `json:"never,omitempty"`
	Zero    time.Time         `json:"zero,omitzero"`
	Raw     json.RawMessage   `json:"raw"`
	Big     *big.Int          `json:"big"`
	Addr    netip.Addr        `json:"addr"`
	Bytes   []byte            `json:"bytes"`
	Fixed   [2]int            `json:"fixed"`
	Labels  map[string][]bool `json:"labels"`
	Any     any               `json:"any"`
	Number  json.Number       `json:"number"`
	Untaged string
	secret  string
}

// Rule: the members are those that encoding/json writes: required are those of a zero value,
// and no others are written for a full one.
func TestOf_members(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	full := all{base: base{ID: "1"}, forest: &forest{}, Flag: true, Maybe: &at, Zero: at, Raw: json.RawMessage("1"),
		Big: big.NewInt(1), Number: "1", secret: "s"}
	schema := jsonschema.Of(reflect.TypeFor[all]())
	properties := schema["properties"].(jsonschema.Schema)
	names := func(v any) []string {
		text, err := json.Marshal(v)
		var m map[string]any
		if err != nil || json.Unmarshal(text, &m) != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return sortedKeys(m)
	}
	if diff := cmp.Diff(names(full), sortedKeys(properties)); diff != "" {
		t.Errorf("properties (-encoding/json +schema):\n%s", diff)
	}
	required := slices.Sorted(slices.Values(schema["required"].([]string)))
	if diff := cmp.Diff(names(all{Number: "1"}), required); diff != "" {
		t.Errorf("required (-encoding/json +schema):\n%s", diff)
	}
}

func TestOf_kinds(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(jsonschema.Of(reflect.TypeFor[*all]())["properties"])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	var want map[string]any
	const expected = `{
		"id":{"type":"string"}, "shadow":{"type":"string"}, "flag":{"type":"boolean"}, "count":{"type":"string"},
		"ratio":{"type":"number"}, "at":{"type":"string","format":"date-time"}, "never":{"type":"string","format":"date-time"},
		"maybe":{"type":["string","null"],"format":"date-time"}, "zero":{"type":"string","format":"date-time"},
		"raw":{}, "big":{}, "addr":{"type":"string"}, "bytes":{"type":["string","null"],"contentEncoding":"base64"},
		"fixed":{"type":"array","items":{"type":"integer"}}, "any":{}, "number":{"type":"number"}, "Untaged":{"type":"string"},
		"labels":{"type":["object","null"],"additionalProperties":{"type":["array","null"],"items":{"type":"boolean"}}},
		"Trees":{"type":["array","null"],"items":{"type":"object","required":["name","kids","up"],"properties":{
			"name":{"type":"string"}, "kids":{"type":["array","null"],"items":{"$ref":"#/$defs/tree"}},
			"up":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]},
			"far":{"type":"object","required":["Trees"],"properties":{"Trees":{"type":["array","null"],"items":{"$ref":"#/$defs/tree"}}}}}}}
	}`
	if json.Unmarshal(text, &got) != nil || json.Unmarshal([]byte(expected), &want) != nil {
		t.Fatal("no JSON")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if defs, _ := jsonschema.Of(reflect.TypeFor[all]())["$defs"].(jsonschema.Schema); len(defs) != 1 || defs["tree"] == nil {
		t.Errorf("$defs = %v, want tree alone", defs)
	}
}

func TestRebase(t *testing.T) {
	t.Parallel()
	const before = `{"$schema":"` + jsonschema.Dialect + `","$id":"urn:x","$ref":"#","const":{"$ref":"#/a"},"maximum":1.50,
		"properties":{"const":{"$ref":"#/$defs/a"},"$ref":{"type":"string"}},"anyOf":[{"$ref":"other.json"},{"$ref":"#name"}],
		"$defs":{"a":{"items":{"$ref":"#/properties/const"}}}}`
	const after = `{"$ref":"#/p","const":{"$ref":"#/a"},"maximum":1.50,
		"properties":{"const":{"$ref":"#/p/$defs/a"},"$ref":{"type":"string"}},"anyOf":[{"$ref":"other.json"},{"$ref":"#name"}],
		"$defs":{"a":{"items":{"$ref":"#/p/properties/const"}}}}`
	s, err := jsonschema.Read([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	want, err := jsonschema.Read([]byte(`{"$schema":"x",` + after[1:]))
	if err != nil {
		t.Fatal(err)
	}
	delete(want, "$schema")
	if diff := cmp.Diff(want, jsonschema.Rebase(s, "#/p")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	foreign, _ := jsonschema.Read([]byte(`{"$schema":"http://json-schema.org/draft-07/schema#"}`))
	if got := jsonschema.Rebase(foreign, "#/p"); got["$schema"] == nil {
		t.Error("the dialect of a schema of another draft is gone")
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
