package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// dateLayout is how Jira's REST API writes times.
const dateLayout = "2006-01-02T15:04:05.000-0700"

// Time is a moment that is written as whole milliseconds since 1970, UTC. It is
// read from that, from the same number in a string, and from the forms of
// ISO 8601 that Jira has used.
type Time struct{ time.Time }

// At returns the Time of t.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON writes milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON reads every form.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	t.Time, err = readTime(b)
	return err
}

// Date is a moment that is written as Jira's REST API does it:
// 2011-06-07T10:31:26.805-0500. It is read from the same forms as [Time].
type Date struct{ time.Time }

// MarshalJSON writes a string in the time's own zone.
func (d Date) MarshalJSON() ([]byte, error) {
	return d.AppendFormat(nil, `"`+dateLayout+`"`), nil
}

// UnmarshalJSON reads every form.
func (d *Date) UnmarshalJSON(b []byte) (err error) {
	d.Time, err = readTime(b)
	return err
}

var errTime = errors.New("must be milliseconds since 1970 or a time in ISO 8601")

func readTime(b []byte) (time.Time, error) {
	text := unquote(b)
	if text == "" || text == "null" {
		return time.Time{}, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	if t, ok := parseDate(text); ok {
		return t, nil
	}
	return time.Time{}, errTime
}

func parseDate(text string) (time.Time, bool) {
	for _, layout := range [...]string{"2006-01-02T15:04:05Z0700", time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil { // fractions are read although no layout has them
			return t, true
		}
	}
	return time.Time{}, false
}

// Number is an integer that is also read from a string.
type Number int64

// UnmarshalJSON reads 10124 and "10124".
func (n *Number) UnmarshalJSON(b []byte) error {
	text := unquote(b)
	if text == "null" || text == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("must be an integer")
	}
	*n = Number(v)
	return nil
}

// ID is an identifier that is written as a string and also read from a number.
type ID string

// UnmarshalJSON reads "99291" and 99291.
func (id *ID) UnmarshalJSON(b []byte) error {
	if b[0] == '{' || b[0] == '[' {
		return errors.New("must be a string or a number")
	}
	if bytes.Equal(b, []byte("null")) {
		b = nil
	}
	*id = ID(unquote(b))
	return nil
}

// readBool reads true, "true" and nothing; anything else is false.
func readBool(b []byte) bool { return unquote(b) == "true" }

// unquote returns the text of a JSON string, or the bytes of any other value.
func unquote(b []byte) string {
	var s string
	if len(b) > 0 && b[0] == '"' && json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}
