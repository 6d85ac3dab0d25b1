package payload_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// invoicePaid is a type of a host.
type invoicePaid struct {
	Number string            `json:"number"`
	Cents  int64             `json:"cents"`
	PaidAt time.Time         `json:"paidAt"`
	Lines  []invoiceLine     `json:"lines"`
	Labels map[string]string `json:"labels,omitempty"`
	Note   *string           `json:"note,omitempty"`
}

type invoiceLine struct {
	Text string        `json:"text"`
	Sub  []invoiceLine `json:"sub,omitempty"`
}

func (invoicePaid) EventType() string { return "invoice.paid" }

func (i invoicePaid) Validate() error {
	if i.Number == "" {
		return errors.New("number must not be empty")
	}
	return nil
}

// card names its own type.
type card struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func (c *card) EventType() string { return c.Type }

func invoice() invoicePaid {
	note := "thanks"
	return invoicePaid{Number: "I-1", Cents: 1200, PaidAt: time.Date(2026, 5, 27, 9, 30, 0, 0, time.UTC),
		Lines: []invoiceLine{{"one", []invoiceLine{{"half", nil}}}}, Labels: map[string]string{"a": "b"}, Note: &note}
}

func ownTypes() []payload.Type {
	return []payload.Type{
		payload.Define[invoicePaid](payload.Type{Title: "Invoice paid", Description: "When money arrived.", Group: "Money", Example: invoice()}),
		payload.Define[*card](payload.Type{Name: "card.moved", Example: &card{"card.moved", "x"}, Deprecated: true}),
	}
}

func catalogue(t *testing.T, types ...payload.Type) *payload.Catalogue {
	t.Helper()
	c, err := payload.NewCatalogue(types...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func whole(t *testing.T) *payload.Catalogue {
	return catalogue(t, slices.Concat(payload.Builtin(), ownTypes())...)
}

func TestCatalogue_decodesBothForms(t *testing.T) {
	t.Parallel()
	c := whole(t)
	for _, typ := range c.Types() {
		t.Run(typ.Name, func(t *testing.T) {
			t.Parallel()
			enveloped := mustNew(t, typ.Example, payload.WithEnvelope())
			got, err := c.Decode(enveloped.Body)
			if diff := cmp.Diff(typ.Example, got); err != nil || diff != "" {
				t.Errorf("in an envelope: %v (-want +got):\n%s", err, diff)
			}
			got, err = c.Decode(mustNew(t, typ.Example).Body)
			if typ.Name == "invoice.paid" { // its body names no type
				var bad *payload.DecodeError
				if !errors.As(err, &bad) || bad.Field != "type" || len(bad.Body) == 0 {
					t.Errorf("a body that names no type: %v", err)
				}
				return
			}
			if diff := cmp.Diff(typ.Example, got); err != nil || diff != "" {
				t.Errorf("bare: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestCatalogue_decodeRefuses(t *testing.T) {
	t.Parallel()
	c := whole(t)
	const frame = `{"id":"e","timestamp":"2026-05-27T09:30:00.000Z",`
	cases := map[string]struct {
		body    string
		unknown bool
		field   string
	}{
		"no object":                    {`[1]`, false, ""},
		"nesting of 65 levels":         {`{"type":"card.moved","text":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, false, ""},
		"no type":                      {`{}`, false, "type"},
		"a type that is no string":     {`{"type":1}`, false, "type"},
		"a type twice":                 {`{"type":"card.moved","type":"card.moved"}`, false, "type"},
		"an unknown type":              {`{"type":"x"}`, true, ""},
		"an unknown trigger":           {`{"trigger":"x"}`, true, ""},
		"an unknown type, enveloped":   {frame + `"type":"x","data":{}}`, true, ""},
		"a value of the wrong kind":    {frame + `"type":"invoice.paid","data":{"cents":"many"}}`, false, "cents"},
		"data that is null":            {frame + `"type":"invoice.paid","data":null}`, false, ""},
		"data twice":                   {frame + `"type":"invoice.paid","data":{},"data":{}}`, false, "type"},
		"data of another type":         {frame + `"type":"card.moved","data":{"type":"card.gone"}}`, false, "type"},
		"a built-in body that lacks a": {frame + `"type":"taskSuccess","data":{"trigger":"taskSuccess"}}`, false, "processId"},
		"a built-in of another type":   {frame + `"type":"taskFailure","data":` + string(mustNew(t, success()).Body) + `}`, false, "type"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Decode([]byte(tc.body))
			var bad *payload.DecodeError
			var unknown *payload.UnknownTriggerError
			switch {
			case got != nil:
				t.Errorf("got %v", got)
			case tc.unknown && (!errors.As(err, &unknown) || unknown.Trigger != "x" || string(unknown.Body) != tc.body):
				t.Errorf("error %v, want an UnknownTriggerError", err)
			case !tc.unknown && (!errors.As(err, &bad) || bad.Field != tc.field || string(bad.Body) != tc.body):
				t.Errorf("error %v, want a DecodeError of %q", err, tc.field)
			case strings.Contains(err.Error(), "many"):
				t.Errorf("the error quotes the body: %v", err)
			}
		})
	}
}

// explosive panics in the method that its first byte selects.
type explosive struct{ In string }

func (e explosive) EventType() string {
	if e.In == "type" {
		panic("boom")
	}
	return "explosive"
}

func (e *explosive) UnmarshalJSON(b []byte) error {
	if strings.Contains(string(b), "decode") {
		panic("boom")
	}
	return json.Unmarshal(b, &e.In)
}

func (e explosive) MarshalJSON() ([]byte, error) { return json.Marshal(e.In) }

func TestCatalogue_containsPanics(t *testing.T) {
	t.Parallel()
	c := catalogue(t, payload.Define[explosive](payload.Type{Example: explosive{"calm"}}))
	for _, in := range []string{"type", "decode"} {
		_, err := c.Decode([]byte(`{"type":"explosive","timestamp":"t","data":"` + in + `"}`))
		var panicked *payload.PanicError
		if !errors.Is(err, payload.ErrDecode) || !errors.As(err, &panicked) {
			t.Errorf("%s: %v, want a DecodeError of a panic", in, err)
		}
	}
}

// forgetful loses its field, looksEnveloped has the members of an envelope.
type forgetful struct{ A int }

func (forgetful) EventType() string              { return "forgetful" }
func (f forgetful) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int{"b": f.A}) }

type looksEnveloped struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      string `json:"data"`
}

func (looksEnveloped) EventType() string { return "looks" }

func TestNewCatalogue_refuses(t *testing.T) {
	t.Parallel()
	define := payload.Define[invoicePaid]
	cases := map[string]struct {
		types []payload.Type
		field string
	}{
		"a name twice":                 {[]payload.Type{ownTypes()[0], ownTypes()[0]}, "Name"},
		"a type that Define never saw": {[]payload.Type{{Example: invoice()}}, "Type"},
		"an interface":                 {[]payload.Type{payload.Define[payload.Data](payload.Type{Example: invoice()})}, "Type"},
		"no example":                   {[]payload.Type{define(payload.Type{Name: "invoice.paid"})}, "Example"},
		"an example that is invalid":   {[]payload.Type{define(payload.Type{Example: invoicePaid{}})}, "Example"},
		"another name than EventType":  {[]payload.Type{define(payload.Type{Name: "invoice.due", Example: invoice()})}, "Example"},
		"a star in the name":           {[]payload.Type{payload.Define[*card](payload.Type{Example: &card{Type: "card.*"}})}, "Name"},
		"a name that is too long":      {[]payload.Type{payload.Define[*card](payload.Type{Example: &card{Type: strings.Repeat("c", 101)}})}, "Name"},
		"a field that is lost":         {[]payload.Type{payload.Define[forgetful](payload.Type{Example: forgetful{1}})}, "Example"},
		"an example of another type":   {[]payload.Type{define(payload.Type{Example: success()})}, "Example"},
		"a body like an envelope":      {[]payload.Type{payload.Define[looksEnveloped](payload.Type{Example: looksEnveloped{"looks", "t", "d"}})}, "Example"},
		"a body of another type": {append(ownTypes(), payload.Define[looksEnveloped](payload.Type{Example: looksEnveloped{"card.moved", "t", "d"}})),
			"Example"},
		"a schema that is no JSON":  {[]payload.Type{define(payload.Type{Example: invoice(), Schema: []byte(`{`)})}, "Schema"},
		"a schema that is a list":   {[]payload.Type{define(payload.Type{Example: invoice(), Schema: []byte(`[]`)})}, "Schema"},
		"a schema with more behind": {[]payload.Type{define(payload.Type{Example: invoice(), Schema: []byte(`{"$schema":"x"} {}`)})}, "Schema"},
		"a schema without $schema":  {[]payload.Type{define(payload.Type{Example: invoice(), Schema: []byte(`{"type":"object"}`)})}, "Schema"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := payload.NewCatalogue(tc.types...)
			var bad *payload.InvalidError
			if c != nil || !errors.As(err, &bad) || bad.Field != tc.field {
				t.Errorf("error %v, want one of %s", err, tc.field)
			}
		})
	}
}

// Rule: the caller owns the results of a catalogue, and another call does not see its changes.
func TestCatalogue_isNotShared(t *testing.T) {
	t.Parallel()
	c := whole(t)
	for _, typ := range c.Types() {
		clear(typ.Schema)
	}
	data, _ := c.Sample("invoice.paid")
	data.(invoicePaid).Labels["a"] = "changed"
	again, ok := c.Sample("invoice.paid")
	if diff := cmp.Diff(payload.Data(invoice()), again); !ok || diff != "" {
		t.Errorf("Sample (-want +got):\n%s", diff)
	}
	schema, ok := c.Schema("invoice.paid")
	if !ok || !json.Valid(schema) {
		t.Errorf("Schema was changed: %s", schema)
	}
	for _, name := range []string{"", "*", "invoice", "Invoice.paid"} {
		if _, ok := c.Schema(name); ok {
			t.Errorf("there is a schema of %q", name)
		}
		if _, ok := c.Sample(name); ok {
			t.Errorf("there is a sample of %q", name)
		}
	}
}

func TestCatalogue_New(t *testing.T) {
	t.Parallel()
	c := catalogue(t, ownTypes()...)
	if e, err := c.New("acme", invoice()); err != nil || e.Body[1] == 'i' {
		t.Errorf("%s, %v: want the bare body", e.Body, err)
	}
	if e, err := c.Enveloped().New("acme", invoice(), payload.WithID("e1")); err != nil || !strings.HasPrefix(string(e.Body), `{"id":"e1","type":"invoice.paid",`) {
		t.Errorf("%s, %v: want an envelope", e.Body, err)
	}
	if _, err := c.New("acme", success()); !errors.Is(err, payload.ErrInvalid) {
		t.Errorf("a type that the catalogue does not have: %v", err)
	}
}

func TestWithEnvelope_body(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 27, 11, 30, 0, 123_456_789, time.FixedZone("", 2*3600))
	e := mustNew(t, &card{"card.moved", "a<b"}, payload.WithEnvelope(), payload.WithID("evt:1"), payload.WithTime(at))
	const want = `{"id":"evt:1","type":"card.moved","timestamp":"2026-05-27T09:30:00.123Z","data":{"type":"card.moved","text":"a<b"}}`
	if diff := cmp.Diff(want, string(e.Body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := payload.New("acme", &card{"card.moved", "a<b"}, payload.WithEnvelope(), payload.WithID("evt:1"), payload.WithMaxBody(len(want)-1))
	if !errors.Is(err, payload.ErrTooLarge) {
		t.Errorf("one byte too many, counted with the envelope: %v", err)
	}
}
