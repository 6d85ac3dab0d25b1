package payload

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a body that Decode reads. This package's bodies have two levels.
const maxDepth = 64

// object holds the members of one JSON object and its first fault. json.Unmarshal into a struct
// would match keys in any case, take the last of two equal keys and ignore a field that is null.
type object struct {
	raw      map[string]json.RawMessage
	repeated map[string]bool
	err      error
}

// readObject reads the members of a body, which must be one JSON object in
// UTF-8 of bounded depth.
func readObject(body []byte) (*object, error) {
	switch {
	case !utf8.Valid(body):
		return nil, &DecodeError{Reason: "must be valid UTF-8"}
	case !json.Valid(body), bytes.TrimLeft(body, " \t\r\n")[0] != '{':
		return nil, &DecodeError{Reason: "must be one JSON object and nothing else"}
	case depth(body) > maxDepth:
		return nil, &DecodeError{Reason: "must not be nested deeper than 64"}
	}
	o := &object{raw: map[string]json.RawMessage{}, repeated: map[string]bool{}}
	dec := json.NewDecoder(bytes.NewReader(body))
	_, err := dec.Token() // the opening brace; the body is valid, so nothing fails below
	for err == nil && dec.More() {
		var key json.Token
		var value json.RawMessage
		if key, err = dec.Token(); err == nil {
			err = dec.Decode(&value)
		}
		name, _ := key.(string)
		o.repeated[name] = o.raw[name] != nil
		o.raw[name] = value
	}
	return o, err
}

// depth is the deepest nesting of valid JSON.
func depth(body []byte) (deepest int) {
	level, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

func (o *object) fail(key, reason string) {
	if o.err == nil {
		o.err = &DecodeError{Field: key, Reason: reason}
	}
}

// value returns a required member that is there once and starts with the byte kind.
func (o *object) value(key string, kind byte, reason string) json.RawMessage {
	raw := o.raw[key]
	switch {
	case raw == nil:
		o.fail(key, "is missing")
	case o.repeated[key]:
		o.fail(key, "must be there once")
	case raw[0] != kind:
		o.fail(key, reason)
	default:
		return raw
	}
	return nil
}

func (o *object) text(key string) string {
	return o.unquote(key, o.value(key, '"', "must be a string"))
}

// texts returns an array of strings, empty and not nil when there are none.
func (o *object) texts(key string) []string {
	var items []json.RawMessage
	if raw := o.value(key, '[', "must be an array of strings"); raw != nil {
		_ = json.Unmarshal(raw, &items) // a valid array
	}
	list := make([]string, len(items))
	for i, item := range items {
		if item[0] != '"' {
			o.fail(element(key, i), "must be a string")
			return list
		}
		list[i] = o.unquote(element(key, i), item)
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

// escape matches one escape of a JSON string, or two that are a surrogate pair.
// Its group matches the start of an escape that is half of a pair.
var escape = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]|(u[dD][89a-fA-F])|.)`)

// unquote decodes a JSON string. It refuses half a surrogate pair, which encoding/json would
// replace silently.
func (o *object) unquote(key string, raw json.RawMessage) (s string) {
	if raw == nil {
		return ""
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		for _, match := range escape.FindAllSubmatch(raw, -1) {
			if match[1] != nil {
				o.fail(key, "must not escape half of a surrogate pair")
				return ""
			}
		}
	}
	_ = json.Unmarshal(raw, &s) // a valid string
	return s
}
