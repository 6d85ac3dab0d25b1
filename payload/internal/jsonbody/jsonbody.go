// Package jsonbody writes and reads bodies with encoding/json.
//
// A written body is compact, without HTML escaping and final newline, and has no repaired text. A
// body that was read is written again whole: [Unmarshal] keeps the members without a field, and the
// original form of members that the type would write in another way; [Object] uses both.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Encode is json.Marshal without HTML escaping.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Replaced reports whether encoding/json met invalid UTF-8 when it wrote a body. It then writes the
// escape \ufffd, but a U+FFFD in the value as it is.
func Replaced(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return false
		}
		if bytes.HasPrefix(body[i:], []byte(`\ufffd`)) {
			return true
		}
		body = body[i+2:] // valid JSON: a backslash never stands last
	}
}

// ErrUTF8 is a cause; the error that wraps it names the package and the value.
var ErrUTF8 = errors.New("a string is not valid UTF-8")

// Marshal is Encode, but refuses invalid UTF-8 with ErrUTF8.
func Marshal(v any) ([]byte, error) {
	body, err := Encode(v)
	if err == nil && Replaced(body) {
		err = ErrUTF8
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}
