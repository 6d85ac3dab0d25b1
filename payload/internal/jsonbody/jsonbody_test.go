package jsonbody_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

type thing struct {
	Name string `json:"name"`
	Kept int    `json:"kept,omitempty"`
	Not  string `json:"-"`
}

// Rule: further members follow the struct's own in alphabetical order, compact, unescaped;
// a name that the struct has is left out.
func TestObject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    any
		more map[string]any
		want string
	}{
		"fields and more": {thing{Name: "<a> & \ufffd \\ufffd"}, map[string]any{"z": nil, `k"`: []int{1, 2}, "b": thing{}},
			`{"name":"<a> & ` + "\ufffd" + ` \\ufffd","b":{"name":""},"k\"":[1,2],"z":null}`},
		"a name of the struct":       {thing{}, map[string]any{"name": 1, "kept": 2}, `{"name":""}`},
		"nothing":                    {struct{}{}, nil, `{}`},
		"more alone":                 {struct{}{}, map[string]any{"a": true}, `{"a":true}`},
		"read only is never written": {secretive{Mail: "a@example.com", Flag: true}, nil, `{"flag":true}`},
		"promoted and zero":          {outer{thing: thing{Name: "n"}}, nil, `{"name":"n"}`},
	} {
		got, err := jsonbody.Object(c.v, c.more, jsonbody.Sent{})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v\nwant %s", name, got, err, c.want)
		}
	}
}

type secretive struct {
	Mail string `json:"mail" body:"readonly"`
	Flag bool   `json:"flag" body:"text"`
}

type outer struct {
	thing
	At *time.Time `json:"at,omitzero"`
}

// Rule: invalid UTF-8 is refused everywhere, and so is a value without JSON.
func TestObject_refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    any
		more map[string]any
	}{
		"in the struct": {v: thing{Name: "a\xff"}},
		"in a name":     {v: thing{}, more: map[string]any{"a\xff": 1}},
		"in a value":    {v: thing{}, more: map[string]any{"a": []string{`\`, "a\xff"}}},
	} {
		if body, err := jsonbody.Object(c.v, c.more, jsonbody.Sent{}); !errors.Is(err, jsonbody.ErrUTF8) || body != nil {
			t.Errorf("%s: %q, %v, want ErrUTF8", name, body, err)
		}
	}
	var bad *json.UnsupportedValueError
	if _, err := jsonbody.Object(thing{}, map[string]any{"a": math.NaN()}, jsonbody.Sent{}); !errors.As(err, &bad) {
		t.Errorf("error %v, want that of encoding/json", err)
	}
}

// Rule: a member that was read is written as it was sent until its field changes; the order is that
// of the fields.
func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"an empty value":    `{"name":"","kept":0}`,
		"left out":          `{}`,
		"null":              `{"name":null,"kept":null}`,
		"another case":      `{"NAME":1,"name":"n"}`,
		"unknown":           `{"name":"n","x":{"y":[1.50,1e400]}}`,
		"an escaped letter": `{"name":"\u0041\ufffd","kept":3}`,
	} {
		var v thing
		var more map[string]any
		var sent jsonbody.Sent
		if err := jsonbody.Unmarshal([]byte(in), &v, &more, &sent); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := jsonbody.Object(v, more, sent)
		if diff := cmp.Diff(generic(t, in), generic(t, string(got))); diff != "" || err != nil || sent.IsZero() {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		v.Name, v.Kept = "changed", 9
		if got, err := jsonbody.Object(v, nil, sent); err != nil || string(got) != `{"name":"changed","kept":9}` {
			t.Errorf("%s, changed: %s, %v", name, got, err)
		}
		if got, err := jsonbody.Object(v, nil, sent.With("name", []byte("1")).With("kept", nil)); err != nil || string(got) != `{"name":1}` {
			t.Errorf("%s, with another text: %s, %v", name, got, err)
		}
	}
	var wrong *jsonbody.MemberError
	if _, err := jsonbody.Read([]byte(`{"kept":"canary"}`), new(thing)); !errors.As(err, &wrong) || wrong.Name != "kept" || errors.Unwrap(err) == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("error %v, want a MemberError about kept", err)
	}
	if _, err := jsonbody.Read([]byte(`[]`), new(thing)); err == nil || errors.As(err, &wrong) && wrong.Name == "" {
		t.Errorf("an array: %v", err)
	}
	for in, want := range map[string]bool{`{"flag":true}`: true, `{"flag":"true"}`: true, `{"flag":"false"}`: false, `{"flag":1}`: false, `{}`: false} {
		var v secretive
		if _, err := jsonbody.Read([]byte(in), &v); err != nil || v.Flag != want {
			t.Errorf("%s: %v, %v", in, v.Flag, err)
		}
	}
}

func generic(t *testing.T, text string) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Rule: the names are those that encoding/json writes.
func TestNames(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(map[string]bool{"name": true, "kept": true, "at": true}, jsonbody.Names[outer]()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Rule: Marshal refuses exactly the strings that are not valid UTF-8, and keeps all of the others.
func FuzzMarshal(f *testing.F) {
	for _, s := range []string{"", `\`, `\ufffd`, "\ufffd", "a\xff", "\u2028", "<&>", "\\\xff", `"\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body, err := jsonbody.Marshal([]string{s})
		if valid := utf8.ValidString(s); (err == nil) != valid {
			t.Fatalf("%q: error %v, valid %v", s, err, valid)
		}
		var back []string
		if err == nil && (json.Unmarshal(body, &back) != nil || len(back) != 1 || back[0] != s) {
			t.Errorf("%q became %s", s, body)
		}
	})
}
