package payload_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/payload"
)

// FuzzDecode: nothing panics, and a decoded value encodes to a body that decodes to the same.
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
	for _, body := range []string{"", "{}", "[[", `{"trigger":"x"}`, object(mName, mTrigger, mTrigger), key(`"2026-05-27T17:04:05.5+02:00"`), `{"trigger":"\ud83d\ude00"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := payload.Decode(body)
		if err != nil {
			if !errors.Is(err, payload.ErrDecode) && !errors.Is(err, payload.ErrUnknownTrigger) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if !utf8.Valid(body) || !json.Valid(body) {
			t.Fatalf("decoded although it is no JSON: %q", body)
		}
		again, err := payload.Decode(payload.EncodeBuiltin(data, payload.ExpiryRFC3339))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if diff := cmp.Diff(data, again); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}

// FuzzNew: an accepted body is the one of encoding/json, and decodes to the same value.
func FuzzNew(f *testing.F) {
	f.Add("acme", runID, "Deactivate", "addToGroups", link, int64(1780000000), false)
	f.Add("a\nb", "run 1", "\"\\\u2028<&>", "", "https://a.example/\x00", int64(-1<<62), true)
	f.Add("s", "x", "\xff", "\x00", "https://[::1]:1/?", int64(1<<62), true)
	f.Fuzz(func(t *testing.T, scope, id, name, action, url string, seconds int64, anyID bool) {
		opts := []payload.Option{payload.WithMaxBody(1 << 20), payload.WithExpiryFormat(payload.ExpiryRFC3339)}
		if anyID {
			opts = append(opts, payload.WithAnyProcessID())
		}
		for _, data := range []payload.Data{
			payload.TaskSuccess{ProcessID: id, Name: name, ActionTypes: []string{action, name}, DeepLink: url},
			payload.TaskFailure{ProcessID: id, Name: name, ActionTypes: []string{}, DeepLink: url},
			payload.OrgKeyExpiry{APIKeyID: id, Name: name, ExpiresAt: time.Unix(seconds, 0).UTC(), SettingsURL: url},
		} {
			ev, err := payload.New(scope, data, opts...)
			if err != nil {
				if !errors.Is(err, payload.ErrInvalid) && !errors.Is(err, payload.ErrTooLarge) {
					t.Fatalf("untyped error: %v", err)
				}
				continue
			}
			if want := `{"trigger":"` + ev.Type + `",` + reference(t, data)[1:]; string(ev.Body) != want {
				t.Fatalf("body %s, want %s", ev.Body, want)
			}
			if bytes.ContainsAny([]byte(ev.ID), ". \r\n") {
				t.Fatalf("ID %q", ev.ID)
			}
			got, err := payload.Decode(ev.Body)
			if err != nil || !reflect.DeepEqual(got, data) {
				t.Fatalf("decoded %#v, %v; want %#v", got, err, data)
			}
		}
	})
}

// FuzzCatalogueDecode: nothing panics, errors are typed and keep the body, and a decoded value
// survives encoding and decoding in an envelope, apart from an empty list, which omitempty leaves out.
func FuzzCatalogueDecode(f *testing.F) {
	c, err := payload.NewCatalogue(append(payload.Builtin(), ownTypes()...)...)
	if err != nil {
		f.Fatal(err)
	}
	for _, typ := range c.Types() {
		for _, opts := range [][]payload.Option{nil, {payload.WithEnvelope()}} {
			f.Add(mustNew(f, typ.Example, opts...).Body)
		}
	}
	f.Add([]byte(`{"type":"invoice.paid","number":"1","lines":[{"text":"a","sub":[]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := c.Decode(body)
		if err != nil {
			if !errors.Is(err, payload.ErrDecode) && !errors.Is(err, payload.ErrUnknownTrigger) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		e, err := payload.New("acme", data, payload.WithEnvelope(), payload.WithAnyProcessID(), payload.WithExpiryFormat(payload.ExpiryRFC3339))
		if err != nil {
			return // decoded values are not checked
		}
		again, err := c.Decode(e.Body)
		if err != nil {
			t.Fatalf("%s does not decode: %v", e.Body, err)
		}
		if diff := cmp.Diff(data, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}
