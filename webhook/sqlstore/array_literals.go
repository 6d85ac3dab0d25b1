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
		switch v := v.(type) {
		case string:
			a.text(col, v)
		case int64:
			a.int(col, v)
		case bool:
			a.bool(col, v)
		case []byte:
			a.bytes(col, v)
		}
	}
}

func (a arrays) next(col int) *strings.Builder {
	b := &a[col]
	if b.Len() == 0 {
		b.WriteByte('{')
	} else {
		b.WriteByte(',')
	}
	return b
}

func (a arrays) int(col int, n int64) {
	var buf [20]byte
	a.next(col).Write(strconv.AppendInt(buf[:0], n, 10))
}

func (a arrays) bool(col int, v bool) {
	if v {
		a.next(col).WriteByte('t')
	} else {
		a.next(col).WriteByte('f')
	}
}

// text appends a string. Inside double quotes only the quote and the backslash are
// special (PostgreSQL manual, 8.15.6).
func (a arrays) text(col int, s string) {
	b := a.next(col)
	b.WriteByte('"')
	for {
		i := strings.IndexAny(s, `"\`)
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		b.WriteByte('\\')
		b.WriteByte(s[i])
		s = s[i+1:]
	}
	b.WriteString(s)
	b.WriteByte('"')
}

// bytes appends a bytea in the hex format; its backslash is doubled.
func (a arrays) bytes(col int, p []byte) {
	b := a.next(col)
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

// textList is a list of texts as a parameter: an array literal, or JSON for SQLite.
func (s *Store) textList(list []string) (string, error) {
	if s.dialect == SQLite {
		b, err := json.Marshal(list)
		return string(b), err
	}
	a := make(arrays, 1)
	for _, text := range list {
		a.add(text)
	}
	return a.args()[0].(string), nil
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
