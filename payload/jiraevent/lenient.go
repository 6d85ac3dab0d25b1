package jiraevent

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// dateLayout is the time layout of Jira's REST API.
const dateLayout = "2006-01-02T15:04:05.000-0700"

// Time embeds a time.Time. It is written as whole milliseconds since 1970, UTC, and read from that, from
// the same number in a string, and from the forms of ISO 8601 that Atlassian's products have used.
type Time = jsonbody.Time

// At returns the Time of t.
func At(t time.Time) Time { return Time{Time: t} }

// Date is a time that is written as in Jira's REST API: 2011-06-07T10:31:26.805-0500. It is read
// from the same forms as [Time].
type Date struct{ time.Time }

// MarshalJSON writes a string in the time's own zone.
func (d Date) MarshalJSON() ([]byte, error) {
	return d.AppendFormat(nil, `"`+dateLayout+`"`), nil
}

// UnmarshalJSON reads every form.
func (d *Date) UnmarshalJSON(b []byte) (err error) {
	d.Time, err = jsonbody.ReadTime(b)
	return err
}

// AgileTime is a time that is written as in Jira's agile API, in RFC 3339:
// 2026-05-27T09:30:00.000Z. It is read from the same forms as [Time].
type AgileTime struct{ time.Time }

// MarshalJSON writes a string in the time's own zone, with milliseconds.
func (t AgileTime) MarshalJSON() ([]byte, error) {
	return t.AppendFormat(nil, `"2006-01-02T15:04:05.000Z07:00"`), nil
}

// UnmarshalJSON reads every form.
func (t *AgileTime) UnmarshalJSON(b []byte) (err error) {
	t.Time, err = jsonbody.ReadTime(b)
	return err
}

// Number is an int64 that is also read from a string.
type Number = jsonbody.Number

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
	*id = ID(jsonbody.Unquote(b))
	return nil
}

// Avatars are addresses of pictures by size, such as "48x48". Members that are no strings are
// ignored.
type Avatars map[string]string

// UnmarshalJSON reads an object.
func (a *Avatars) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*a = make(Avatars, len(members))
	for size, address := range members {
		if address[0] == '"' {
			(*a)[size] = jsonbody.Unquote(address)
		}
	}
	return nil
}
