package confluenceevent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
)

// tree is JSON as maps, slices and numbers in their original form.
func tree(t testing.TB, text []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

// rewritten is a body after Decode and AppendBody.
func rewritten(t testing.TB, event string, text []byte) []byte {
	t.Helper()
	c, err := confluenceevent.Decode(event, text)
	if err != nil {
		t.Fatalf("Decode(%s) = %v", text, err)
	}
	out, err := c.AppendBody(nil)
	if err != nil {
		t.Fatalf("AppendBody of %s: %v", text, err)
	}
	return out
}

// Rule: a body decodes to the callback behind it.
func TestDecode_everyEvent(t *testing.T) {
	t.Parallel()
	for _, name := range confluenceevent.Events() {
		want := sample(name)
		body, err := want.AppendBody(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := confluenceevent.Decode(name, body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want.Session != nil || want.Search != nil {
			want.User = &confluenceevent.Actor{Name: "admin"} // these bodies have only the name
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: what was decoded is refused: %v", name, err)
		}
		if again, err := got.AppendBody(nil); err != nil || string(again) != string(body) {
			t.Errorf("%s: written again as %s, %v", name, again, err)
		}
	}
}

// Rule: there is a valid sample of every event, whose body does not name the event.
func TestSample(t *testing.T) {
	t.Parallel()
	for _, name := range confluenceevent.Events() {
		c, ok := confluenceevent.Sample(name)
		if !ok || c.Event != name || c.Validate() != nil {
			t.Errorf("Sample(%s) = %v, %v", name, ok, c.Validate())
		}
		if body, err := c.AppendBody(nil); err != nil || strings.Contains(string(body), name) && name != "login" {
			t.Errorf("body of %s: %s, %v", name, body, err)
		}
	}
	if _, ok := confluenceevent.Sample("page_exploded"); ok {
		t.Error("an unknown event has a sample")
	}
}

// spoil changes an object and everything in it into other forms than the fields are written in.
func spoil(r *rand.Rand, o map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		switch member := o[name].(type) {
		case map[string]any:
			spoil(r, member)
		case []any:
			for _, one := range member {
				if inner, ok := one.(map[string]any); ok {
					spoil(r, inner)
				}
			}
		case json.Number:
			if (strings.HasSuffix(strings.ToLower(name), "id") || strings.HasSuffix(name, "Date")) && r.IntN(3) == 0 {
				o[name] = member.String()
			}
		}
		switch r.IntN(12) {
		case 0:
			delete(o, name)
		case 1:
			o[name] = nil
		case 2:
			o[strings.ToUpper(name)] = map[string]any{"a": json.Number("1.50")} // another name
		case 3:
			switch o[name].(type) {
			case string:
				o[name] = ""
			case map[string]any:
				o[name] = map[string]any{}
			case []any:
				o[name] = []any{}
			}
		}
	}
	for range r.IntN(3) {
		o[fmt.Sprintf("unknown %d <&>", r.IntN(5))] = []any{nil, json.Number("1e400"), map[string]any{"id": "\u2028"}, false}[r.IntN(4)]
	}
}

// Rule: a decoded callback that is not changed is written again whole, with any members, at every
// depth of every entity.
func TestDecode_writtenAgainWhole(t *testing.T) {
	t.Parallel()
	all := map[string]any{}
	for _, name := range confluenceevent.Events() {
		text, err := sample(name).AppendBody(nil)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, tree(t, text))
	}
	all["attachment"] = map[string]any{"id": "9", "fileName": "a", "parent": all["page"]}
	all["userAccountId"], all["accountType"] = "99:27935d01", "customer"
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(300) {
		o := tree(t, text)
		spoil(rand.New(rand.NewPCG(seed, 2)), o)
		in, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		sent, written := tree(t, in), tree(t, rewritten(t, "page_created", in))
		if reflect.DeepEqual(sent, written) {
			continue // much faster than a diff
		}
		if diff := cmp.Diff(sent, written); diff != "" {
			t.Fatalf("seed %d: %s\n(-sent +written):\n%s", seed, in, diff)
		}
	}
}

func TestDecode_writtenAgainWhole_cases(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"nothing":                    `{}`,
		"null":                       `{"timestamp":null,"user":null,"page":null}`,
		"Confluence Cloud":           `{"timestamp":1525698237764,"userAccountId":"a","accountType":"customer","page":{"id":98306,"title":"N","contentType":"page","version":1,"spaceKey":"ds"},"updateTrigger":"edit_page","suppressNotifications":false}`,
		"a user and another":         `{"timestamp":1,"user":"a","username":"b"}`,
		"a user alone":               `{"timestamp":1,"user":"a"}`,
		"a user of both times":       `{"timestamp":1,"user":"a","username":"a","userKey":"k","userAccountId":"1"}`,
		"a host without an address":  `{"timestamp":1,"remoteHost":"h"}`,
		"a query without results":    `{"timestamp":1,"query":"q","spaceKeys":[],"spaceCategories":null}`,
		"an empty search":            `{"timestamp":1,"query":"","spaceKeys":[]}`,
		"times in ISO 8601":          `{"timestamp":"2026-05-27T09:30:00.000Z","page":{"id":"1","creationDate":"2026-05-27T09:30:00+02:00"}}`,
		"a comment with more":        `{"timestamp":1,"comment":{"id":1,"parent":{"id":2,"new":[]},"inReplyTo":{"id":"3"},"resolved":true}}`,
		"children that are null":     `{"timestamp":1,"newSortedChildren":[null,{"id":1}],"attachments":[]}`,
		"a label of Cloud":           `{"timestamp":1,"label":{"name":"x","id":"7","prefix":"global"},"content":{}}`,
		"a space without all":        `{"timestamp":1,"space":{"key":"ds"}}`,
		"the context of a blueprint": `{"timestamp":1,"blueprint":{"id":null},"blueprintContext":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := rewritten(t, "page_created", []byte(in))
			if diff := cmp.Diff(tree(t, []byte(in)), tree(t, out)); diff != "" {
				t.Errorf("(-sent +written):\n%s", diff)
			}
		})
	}
}

// Rule: a changed field is written in the way of this package, and the members around it in their
// original form.
func TestDecode_changedFields(t *testing.T) {
	t.Parallel()
	c, err := confluenceevent.Decode("page_updated", []byte(`{"timestamp":"1426661049725","user":"a","page":{"id":"1","title":null,"x":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	c.User = admin
	c.Page.Title = "Notes"
	got, err := c.AppendBody(nil)
	want := `{"timestamp":"1426661049725","user":"admin","username":"admin","userKey":"ff80","page":{"id":"1","title":"Notes","x":1}}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestDecode_refused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, field string }{
		{"no JSON", `{`, ""},
		{"an array", `[]`, ""},
		{"null", `null`, ""},
		{"two values", `{} {}`, ""},
		{"no UTF-8", "{\"a\":\"\xff\"}", ""},
		{"a timestamp that is none", `{"timestamp":"soon canary"}`, "timestamp"},
		{"a page that is none", `{"page":"canary"}`, "page"},
		{"an ID that is none", `{"page":{"id":"canary"}}`, "page"},
		{"an ID of a child that is none", `{"newSortedChildren":[{"id":{}}]}`, "newSortedChildren"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := confluenceevent.Decode("page_created", []byte(tc.in))
			var bad *payload.DecodeError
			if !errors.As(err, &bad) || bad.Field != tc.field || string(bad.Body) != tc.in || strings.Contains(err.Error(), "canary") {
				t.Errorf("Decode = %v, want a DecodeError about %q", err, tc.field)
			}
		})
	}
	if _, err := confluenceevent.Decode("", []byte(`{}`)); !errors.Is(err, payload.ErrDecode) {
		t.Errorf("without a name: %v, want ErrDecode", err)
	}
}

// Rule: only an option accepts a name that the catalogue does not list, for reading and for
// sending.
func TestDecode_anyEvent(t *testing.T) {
	t.Parallel()
	const in = `{"timestamp":1426661049725,"userAccountId":"a","database":{"id":"7"}}`
	if _, err := confluenceevent.Decode("database_created", []byte(in)); !errors.Is(err, confluenceevent.ErrUnknownEvent) {
		t.Errorf("Decode = %v, want ErrUnknownEvent", err)
	}
	c, err := confluenceevent.Decode("database_created", []byte(in), confluenceevent.AnyEvent())
	if err != nil || !c.AnyEvent || c.Event != "database_created" {
		t.Fatalf("Decode = %+v, %v", c, err)
	}
	ev, err := confluenceevent.New("acme", c)
	if err != nil || ev.Type != "database_created" || string(ev.Body) != in {
		t.Errorf("New = %s, %v", ev.Body, err)
	}
	c.AnyEvent = false
	if _, err := confluenceevent.New("acme", c); !errors.Is(err, confluenceevent.ErrUnknownEvent) {
		t.Errorf("New = %v, want ErrUnknownEvent", err)
	}
	if c, err := confluenceevent.Decode("page_created", []byte(`{}`), confluenceevent.AnyEvent()); err != nil || c.AnyEvent {
		t.Errorf("a known event: %+v, %v", c, err)
	}
}

// Rule: a body that names its event is read as it was written.
func TestDecodeNamed(t *testing.T) {
	t.Parallel()
	want := sample("page_moved")
	ev, err := payload.New("acme", want.Named("event"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := confluenceevent.DecodeNamed("event", ev.Body)
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b map[string]any) bool { return len(a) == 0 && len(b) == 0 })); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	again, err := payload.New("acme", got.Named("event"))
	if err != nil || string(again.Body) != string(ev.Body) {
		t.Errorf("written again as %s, %v", again.Body, err)
	}
	for _, in := range []string{`{}`, `{"event":1}`, `{"event":null}`} {
		if _, err := confluenceevent.DecodeNamed("event", []byte(in)); !errors.Is(err, payload.ErrDecode) {
			t.Errorf("DecodeNamed(%s) = %v, want ErrDecode", in, err)
		}
	}
}

// FuzzDecode: nothing panics, and a decoded body is written again whole.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"page":{"id":"7","x":[1.5e3,null]},"user":"a","username":"b","attachments":[null],"timestamp":""}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := confluenceevent.Decode("page_created", in)
		if err != nil {
			return
		}
		out, err := c.AppendBody(nil)
		if err != nil {
			t.Fatalf("AppendBody of %s: %v", in, err)
		}
		if diff := cmp.Diff(tree(t, in), tree(t, out)); diff != "" {
			t.Fatalf("%s is not written again whole (-sent +written):\n%s", in, diff)
		}
	})
}
