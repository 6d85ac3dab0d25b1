package jsonbody_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

type thing struct {
	Name string `json:"name"`
	Kept int    `json:"kept,omitempty"`
	Not  string `json:"-"`
}

// Rule: further members follow the struct's own in alphabetical order, compact, unescaped.
func TestAppendObject(t *testing.T) {
	t.Parallel()
	got, err := jsonbody.AppendObject([]byte("x"), thing{Name: "<a> & \ufffd \\ufffd"}, map[string]any{"z": nil, `k"`: []int{1, 2}, "b": thing{}})
	want := `x{"name":"<a> & ` + "\ufffd" + ` \\ufffd","b":{"name":""},"k\"":[1,2],"z":null}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// Rule: invalid UTF-8 is refused, wherever it stands; a value that JSON does not have is, too.
func TestAppendObject_refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    any
		more map[string]any
	}{
		"in the struct": {v: thing{Name: "a\xff"}},
		"in a name":     {v: thing{}, more: map[string]any{"a\xff": 1}},
		"in a value":    {v: thing{}, more: map[string]any{"a": []string{`\`, "a\xff"}}},
	} {
		if body, err := jsonbody.AppendObject(nil, c.v, c.more); !errors.Is(err, jsonbody.ErrUTF8) || body != nil {
			t.Errorf("%s: %q, %v, want ErrUTF8", name, body, err)
		}
	}
	var bad *json.UnsupportedValueError
	if _, err := jsonbody.AppendObject(nil, thing{}, map[string]any{"a": math.NaN()}); !errors.As(err, &bad) {
		t.Errorf("error %v, want that of encoding/json", err)
	}
}

// Rule: the names are those that encoding/json writes.
func TestMembers(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(map[string]bool{"name": true, "kept": true}, jsonbody.Members[thing]()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Rule: Marshal refuses a string exactly if it is not valid UTF-8, and loses nothing of
// another.
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
