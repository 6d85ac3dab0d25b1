package payload_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/payload"
)

// plain is a host's own type that encoding/json encodes.
type plain struct {
	Type string `json:"-"`
	Name string `json:"name"`
	Any  any    `json:"any,omitempty"`
}

func (p plain) EventType() string { return p.Type }

// scripted is a host's own type with every optional method.
type scripted struct {
	eventType func() string
	validate  func() error
	body      func(dst []byte) ([]byte, error)
}

func (s scripted) EventType() string {
	if s.eventType == nil {
		return "acme.done"
	}
	return s.eventType()
}

func (s scripted) Validate() error {
	if s.validate == nil {
		return nil
	}
	return s.validate()
}

func (s scripted) AppendBody(dst []byte) ([]byte, error) {
	if s.body == nil {
		return append(dst, "{}"...), nil
	}
	return s.body(dst)
}

// marshaler writes its JSON through encoding/json's own interface.
type marshaler func() ([]byte, error)

func (marshaler) EventType() string              { return "acme.done" }
func (m marshaler) MarshalJSON() ([]byte, error) { return m() }

func body(text string) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return append(dst, text...), nil }
}

func TestNew_foreignData(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		data payload.Data
		want string
	}{
		{"encoding/json without HTML escaping or newline", plain{Type: "acme.done", Name: "R&D <x>\n"}, `{"name":"R&D <x>\n"}`},
		{"a replacement character of the host's is text", plain{Type: "acme.done", Name: "a\ufffdb"}, "{\"name\":\"a\ufffdb\"}"},
		{"an escaped backslash before ufffd is text", plain{Type: "acme.done", Name: `a\ufffd`}, `{"name":"a\\ufffd"}`},
		{"by pointer", &plain{Type: "acme.done", Name: "x"}, `{"name":"x"}`},
		{"an Encoder's bytes are kept", scripted{body: body("{ \"a\" : 1 }\n")}, "{ \"a\" : 1 }\n"},
		{"a Marshaler is compacted, its escapes kept", marshaler(func() ([]byte, error) { return []byte(`{ "a": "<\ufffd" }`), nil }), `{"a":"<\ufffd"}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ev := mustNew(t, tc.data)
			if string(ev.Body) != tc.want || ev.Type != "acme.done" {
				t.Errorf("type %s, body %s; want body %s", ev.Type, ev.Body, tc.want)
			}
		})
	}
}

func TestNew_refusesForeignData(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	secret := func() { panic("canary-secret") }
	cases := []struct {
		name  string
		data  payload.Data
		cause error // expected inside, if any
	}{
		{"EventType empty", plain{}, nil},
		{"EventType with a space", plain{Type: "a b"}, nil},
		{"EventType with a newline", plain{Type: "a\n"}, nil},
		{"EventType not ASCII", plain{Type: "ä"}, nil},
		{"EventType too long", plain{Type: strings.Repeat("t", 256)}, nil},
		{"EventType panics", scripted{eventType: func() string { secret(); return "" }}, nil},
		{"Validate answers an error", scripted{validate: func() error { return boom }}, boom},
		{"Validate panics", scripted{validate: func() error { secret(); return nil }}, nil},
		{"Validate panics with an error", scripted{validate: func() error { panic(boom) }}, boom},
		{"AppendBody answers an error", scripted{body: func([]byte) ([]byte, error) { return nil, boom }}, boom},
		{"AppendBody panics", scripted{body: func([]byte) ([]byte, error) { secret(); return nil, nil }}, nil},
		{"AppendBody writes nothing", scripted{body: body("")}, nil},
		{"AppendBody writes no JSON", scripted{body: body("{")}, nil},
		{"AppendBody writes two values", scripted{body: body("{}{}")}, nil},
		{"AppendBody writes invalid UTF-8", scripted{body: body("{\"a\":\"\xff\"}")}, nil},
		{"MarshalJSON answers an error", marshaler(func() ([]byte, error) { return nil, boom }), boom},
		{"MarshalJSON panics", marshaler(func() ([]byte, error) { secret(); return nil, nil }), nil},
		{"MarshalJSON writes invalid UTF-8", marshaler(func() ([]byte, error) { return []byte("\"\xff\""), nil }), nil},
		{"a string is invalid UTF-8", plain{Type: "acme.done", Name: "a\xff"}, nil},
		{"a value has no JSON", plain{Type: "acme.done", Any: make(chan int)}, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := refused(t, tc.data)
			if tc.cause != nil && !errors.Is(err, tc.cause) {
				t.Errorf("%v does not wrap %v", err, tc.cause)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error prints the panic's value: %v", err)
			}
			var panicked *payload.PanicError
			if got, want := errors.As(err, &panicked), strings.Contains(tc.name, "panics"); got != want {
				t.Errorf("PanicError inside = %v, want %v: %v", got, want, err)
			}
			if panicked != nil && (panicked.Value == nil || len(panicked.Stack) == 0) {
				t.Error("the PanicError lacks the value or the stack")
			}
		})
	}
}

// extended adds a field to a type of this package, as a host may.
type extended struct {
	Trigger string `json:"trigger"`
	payload.TaskSuccess
	Team string `json:"team"`
}

func TestNew_reservedTrigger(t *testing.T) {
	t.Parallel()
	t.Run("an extended body passes", func(t *testing.T) {
		t.Parallel()
		ev := mustNew(t, extended{"taskSuccess", success(), "ops"})
		if _, err := payload.Decode(ev.Body); err != nil || !strings.HasSuffix(string(ev.Body), `,"team":"ops"}`) {
			t.Errorf("%s: %v", ev.Body, err)
		}
	})
	bad := success()
	bad.DeepLink = "http://a.example/"
	invalidLink, _ := json.Marshal(map[string]any{
		"trigger": "taskFailure", "processId": runID, "name": "n", "actionTypes": []string{}, "deepLink": "http://a.example/",
	})
	for name, data := range map[string]payload.Data{
		"a body of another shape is refused":     plain{Type: "taskSuccess", Name: "x"},
		"the trigger of another type is refused": extended{"taskFailure", success(), "ops"},
		"a promoted Validate is asked":           extended{"taskSuccess", bad, "ops"},
		"the values are judged": scripted{
			eventType: func() string { return "taskFailure" }, body: body(string(invalidLink)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := refused(t, data); strings.Count(err.Error(), "taskSuccess: ") > 1 {
				t.Errorf("the error repeats itself: %v", err)
			}
		})
	}
}
