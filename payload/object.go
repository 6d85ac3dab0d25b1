package payload

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object reads the wanted members of one JSON object and remembers the first
// fault. encoding/json is not used for this: it matches keys in any case, takes
// the last of two equal keys and leaves a field alone that is null.
type object struct {
	path  string   // before the keys in errors: "" or "counts."
	names []string // the wanted keys
	raw   [][]byte // their values as sent, nil where the key is missing
	err   error
}

// readObject finds the members. The body is well formed JSON in UTF-8 and an
// object; unknown members are skipped, repeated or not.
func readObject(path string, body []byte, names ...string) *object {
	o := &object{path: path, names: names, raw: make([][]byte, len(names))}
	i := skipSpace(body, 0) + 1
	for {
		i = skipSpace(body, i)
		if body[i] == '}' {
			return o
		}
		if body[i] == ',' {
			i = skipSpace(body, i+1)
		}
		end := valueEnd(body, i)
		key := body[i:end]
		start := skipSpace(body, skipSpace(body, end)+1) // over the colon
		i = valueEnd(body, start)
		o.member(key, body[start:i])
	}
}

func (o *object) member(key, value []byte) {
	name := key[1 : len(key)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		s, _ := unquote(key) // "" for half a surrogate, which no wanted key has
		name = []byte(s)
	}
	for i, wanted := range o.names {
		if wanted != string(name) {
			continue
		}
		if o.raw[i] != nil {
			o.fail(wanted, "must be there once")
			return
		}
		o.raw[i] = value
	}
}

func (o *object) index(name string) int { return slices.Index(o.names, name) }

func (o *object) fail(key, reason string) {
	o.keep(&DecodeError{Field: o.path + key, Reason: reason})
}

func (o *object) keep(err error) {
	if o.err == nil {
		o.err = err
	}
}

// value returns a required member that starts with one of the bytes in kind.
func (o *object) value(key, kind, reason string) []byte {
	raw := o.raw[o.index(key)]
	if raw == nil {
		o.fail(key, "is missing")
		return nil
	}
	if strings.IndexByte(kind, raw[0]) < 0 {
		o.fail(key, reason)
		return nil
	}
	return raw
}

const (
	reasonString    = "must be a string"
	reasonSurrogate = "must not escape half of a surrogate pair"
)

func (o *object) text(key string) string {
	raw := o.value(key, `"`, reasonString)
	if raw == nil {
		return ""
	}
	s, lone := unquote(raw)
	if lone {
		o.fail(key, reasonSurrogate)
	}
	return s
}

// texts returns an array of strings, empty and not nil when there are none.
func (o *object) texts(key string) []string {
	raw := o.value(key, `[`, "must be an array of strings")
	list := []string{}
	if raw == nil {
		return list
	}
	for i := skipSpace(raw, 1); raw[i] != ']'; i = skipSpace(raw, i) {
		if raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
		end := valueEnd(raw, i)
		if raw[i] != '"' {
			o.fail(element(key, len(list)), reasonString)
			return list
		}
		s, lone := unquote(raw[i:end])
		if lone {
			o.fail(element(key, len(list)), reasonSurrogate)
			return list
		}
		list = append(list, s)
		i = end
	}
	return list
}

// element names one element of an array in errors.
func element(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// dateOrTime reads a date as the start of that day in UTC, or RFC 3339.
func (o *object) dateOrTime(key string) time.Time {
	s := o.text(key)
	if o.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		err = t.UnmarshalText([]byte(s)) // stricter than time.Parse
	}
	if err != nil || !writable(t) {
		o.fail(key, "must be a date such as 2026-05-27 or a time of RFC 3339, in the years 1 to 9999")
		return time.Time{}
	}
	return t.UTC()
}

// unquote decodes a JSON string. It reports lone when an escape stands for half
// of a surrogate pair, which encoding/json would replace silently.
func unquote(raw []byte) (s string, lone bool) {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), false
	}
	if loneSurrogate(inner) {
		return "", true
	}
	_ = json.Unmarshal(raw, &s) // a well formed string
	return s, false
}

func loneSurrogate(inner []byte) bool {
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			continue
		}
		i++ // the escaped byte
		switch surrogate(inner[i:]) {
		case 'l':
			return true
		case 'h':
			i += 5
			if i+1 >= len(inner) || inner[i] != '\\' || surrogate(inner[i+1:]) != 'l' {
				return true
			}
			i++
		}
	}
	return false
}

// surrogate tells whether "uXXXX" at the start of b is the high half ('h') or
// the low half ('l') of a pair, or neither (0).
func surrogate(b []byte) byte {
	if len(b) < 5 || b[0] != 'u' || b[1]|0x20 != 'd' {
		return 0
	}
	switch b[2] | 0x20 {
	case '8', '9', 'a', 'b':
		return 'h'
	case 'c', 'd', 'e', 'f':
		return 'l'
	}
	return 0
}
