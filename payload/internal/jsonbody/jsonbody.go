// Package jsonbody writes and reads bodies with encoding/json.
//
// What it writes is compact, without HTML escaping and final newline, and holds no text
// that had to be repaired. What it reads is written again whole: [Unmarshal] keeps the
// members that a type has no field for, and how the others were sent where the type would
// write them in another way; [Object] uses both.
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

// Replaced reports whether encoding/json met invalid UTF-8 when it wrote a body. It then
// writes the escape \ufffd; a U+FFFD that was there before it writes as it is.
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

// ErrUTF8 is a cause: the error around it names the package and the value.
var ErrUTF8 = errors.New("a string is not valid UTF-8")

// Marshal is Encode that refuses invalid UTF-8 with ErrUTF8.
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
