package jsonbody

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// Time is a time that is written as whole milliseconds since 1970, UTC. It is read from that, from
// the same number in a string, and from the forms of ISO 8601 that Atlassian's products use.
type Time struct{ time.Time }

// MarshalJSON writes milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON reads every form.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	t.Time, err = ReadTime(b)
	return err
}

// Number is an integer that is also read from a string.
type Number int64

// UnmarshalJSON reads 10124 and "10124".
func (n *Number) UnmarshalJSON(b []byte) error {
	v, err := ReadNumber(b)
	*n = Number(v)
	return err
}

var errTime = errors.New("must be milliseconds since 1970 or a time in ISO 8601")

// ReadTime reads milliseconds since 1970, the same number in a string, and the forms of ISO 8601
// that Atlassian's products use. An empty input and null are the zero time.
func ReadTime(b []byte) (time.Time, error) {
	text := Unquote(b)
	if text == "" || text == "null" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	// Fractions are read although no layout has them.
	for _, layout := range [...]string{"2006-01-02T15:04:05Z0700", time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errTime
}

var errNumber = errors.New("must be an integer")

// ReadNumber reads an integer and the same in a string. An empty input and null are 0.
func ReadNumber(b []byte) (int64, error) {
	text := Unquote(b)
	if text == "null" || text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errNumber
	}
	return n, nil
}

// Unquote returns the text of a JSON string, or the bytes of any other value.
func Unquote(b []byte) string {
	var s string
	if len(b) > 0 && b[0] == '"' && json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}
