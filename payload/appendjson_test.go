package payload_test

import (
	"bytes"
	"encoding/json"
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

func TestAppendString_equalsEncodingJSON(t *testing.T) {
	t.Parallel()
	for r := range rune(0x3000) { // every control, ASCII, and both line separators
		for _, s := range []string{string(r), "a" + string(r), string(r) + "z", string(r) + string(r)} {
			if !utf8.ValidString(s) {
				continue
			}
			if got, want := string(payload.AppendString(nil, s)), reference(t, s); got != want {
				t.Fatalf("%U: %s, want %s", r, got, want)
			}
		}
	}
}

// Strings are looked at in groups of eight bytes: a byte that needs an escape
// is found at every place in a group, after plain and beside other such bytes.
func TestAppendString_everyPosition(t *testing.T) {
	t.Parallel()
	special := []string{"\"", "\\", "\x00", "\x1f", "\n", "\x7f", " ", "!", "#", "[", "]", "\u2028", "é", "\u07ff"}
	for _, fill := range []byte{'a', ' ', '!', '#', '[', ']', '~', 0x7f, '"', '\\', 0x1f} {
		for _, one := range special {
			for at := range 25 {
				plain := bytes.Repeat([]byte{fill}, 24)
				s := string(plain[:at]) + one + string(plain[at:])
				if got, want := string(payload.AppendString(nil, s)), reference(t, s); got != want {
					t.Fatalf("%q: %s, want %s", s, got, want)
				}
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "<&>", "\u2027\u2028\u2029\u202a", "é日😀", "\xe2\x80"} {
		f.Add(s)
		f.Add("a longer text before " + s + " and one after it")
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("the encoder takes valid UTF-8 only")
		}
		if got, want := string(payload.AppendString(nil, s)), reference(t, s); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// The hand-written encoders write what encoding/json makes of the same fields.
func TestNew_equalsEncodingJSON(t *testing.T) {
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
