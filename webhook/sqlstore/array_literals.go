package sqlstore

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// PostgreSQL gets lists as array literals in a text parameter, `$1::text::int8[]`:
// every driver can send text, and unnest of an array is a third faster than JSON.

// arrays builds the literals of one statement, one for each column.
type arrays []strings.Builder

func (a arrays) args(more ...any) []any {
	out := make([]any, len(a), len(a)+len(more))
	for i := range a {
		if a[i].Len() == 0 {
			a[i].WriteByte('{')
		}
		a[i].WriteByte('}')
		out[i] = a[i].String()
	}
	return append(out, more...)
}

// add appends a row with one value for each column: string, int64, bool or []byte.
func (a arrays) add(values ...any) {
	for col, v := range values {
		b := &a[col]
		if b.Len() == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		switch v := v.(type) {
		case string:
			b.WriteByte('"')
			_, _ = quoted.WriteString(b, v) // a Builder does not fail
			b.WriteByte('"')
		case int64:
			var buf [20]byte
			b.Write(strconv.AppendInt(buf[:0], v, 10))
		case bool:
			b.WriteString(strconv.FormatBool(v)[:1])
		case []byte:
			writeBytea(b, v)
		}
	}
}

// quoted escapes a text. Inside double quotes only the quote and the backslash are special
// (PostgreSQL manual, 8.15.6).
var quoted = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// writeBytea writes a bytea in the hex format; its backslash is doubled.
func writeBytea(b *strings.Builder, p []byte) {
	b.Grow(2*len(p) + 6)
	b.WriteString(`"\\x`)
	var buf [1024]byte
	for len(p) > 0 {
		n := min(len(p), len(buf)/2)
		hex.Encode(buf[:], p[:n])
		b.Write(buf[:2*n])
		p = p[n:]
	}
	b.WriteByte('"')
}

// textArray is the literal of a list of texts.
func textArray(list []string) string {
	a := make(arrays, 1)
	for _, text := range list {
		a.add(text)
	}
	return a.args()[0].(string)
}

// textList is a list of texts as a parameter: an array literal, or JSON for SQLite.
func (s *Store) textList(list []string) string {
	if s.dialect == PostgreSQL {
		return textArray(list)
	}
	b, _ := json.Marshal(list) // it never fails for texts
	return string(b)
}

// in is the condition that a column is in the list of a parameter.
func (s *Store) in(parameter string) string {
	return s.pick(`IN (SELECT value FROM json_each(`+parameter+`))`, `= ANY(`+parameter+`::text::text[])`)
}

// storable reports whether both databases keep the strings unchanged: PostgreSQL refuses
// invalid UTF-8 and NUL.
func storable(list ...string) bool {
	for _, s := range list {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return false
		}
	}
	return true
}
