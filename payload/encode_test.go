package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postrider/postrider/payload"
)

// reference is encoding/json without HTML escaping and final newline.
func reference(t testing.TB, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// quoted writes a text as in the bodies, by a rule that does not depend on encoding/json, because
// signatures and stored bodies depend on these bytes.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case strings.ContainsRune("\b\f\n\r\t", r):
			b.WriteString(map[rune]string{'\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}[r])
		case r < 0x20 || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// Rule: controls, quotes and the two line separators are escaped, everything
// else, such as & < > and other scripts, is written as it is.
func TestNew_escapes(t *testing.T) {
	t.Parallel()
	body := func(name string) string {
		s := success()
		s.Name, s.ActionTypes = name, []string{name}
		return string(mustNew(t, s).Body)
	}
	const head = `{"trigger":"taskSuccess","processId":"` + runID + `","name":`
	for r := range rune(0x3000) {
		if !utf8.ValidRune(r) {
			continue
		}
		for _, s := range []string{string(r), "a" + string(r) + "z", string(r) + string(r)} {
			want := head + quoted(s) + `,"actionTypes":[` + quoted(s) + `],"deepLink":` + quoted(link) + `}`
			if got := body(s); got != want {
				t.Fatalf("%U: %s, want %s", r, got, want)
			}
		}
	}
	for _, s := range []string{"😀", "\ufffd", "\ufeff", "R&D <x> 'y'", `\u2028`} {
		if got, want := body(s), head+quoted(s)+`,"actionTypes":[`+quoted(s)+`],"deepLink":`+quoted(link)+`}`; got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

// Rule: the key "trigger" comes first, then the fields in the order of the type.
func TestNew_fieldsInOrder(t *testing.T) {
	t.Parallel()
	for trigger := range schemaTypes() {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			data, _ := payload.Sample(trigger)
			ev := mustNew(t, data, payload.WithExpiryFormat(payload.ExpiryRFC3339))
			want := `{"trigger":"` + trigger + `",` + reference(t, data)[1:]
			if string(ev.Body) != want {
				t.Errorf("body %s, want %s", ev.Body, want)
			}
		})
	}
}
