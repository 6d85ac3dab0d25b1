package payload

import (
	"net/url"
	"time"
	"unicode/utf8"
)

// Reasons that more than one rule gives.
const (
	reasonRequired = "must not be empty"
	reasonUTF8     = "must be valid UTF-8"
	reasonURL      = "must be an absolute https URL with a host and without user information"
	reasonTime     = "must be a time in the years 1 to 9999"
)

// check collects the first fault of a Data.
type check struct {
	typ string
	err error
}

func (c *check) fail(field, reason string) {
	if c.err == nil {
		c.err = &InvalidError{Type: c.typ, Field: field, Reason: reason}
	}
}

// text checks a required string.
func (c *check) text(field, s string) {
	if s == "" {
		c.fail(field, reasonRequired)
	} else if !utf8.ValidString(s) {
		c.fail(field, reasonUTF8)
	}
}

// texts checks a list of any strings, which may be empty.
func (c *check) texts(field string, list []string) {
	for i, s := range list {
		if !utf8.ValidString(s) {
			c.fail(element(field, i), reasonUTF8)
		}
	}
}

func (c *check) processID(s string, anyID bool) {
	c.text("processId", s)
	if !anyID && !isUUID(s) {
		c.fail("processId", "must be a UUID such as 007b5c6c-0078-4cf2-a9d9-3f8c02f74205; WithAnyProcessID lifts this rule")
	}
}

// https checks a required link for people. The text of net/url's errors is left out, because it
// repeats the URL.
func (c *check) https(field, s string) {
	c.text(field, s)
	if !httpsURL(s) {
		c.fail(field, reasonURL)
	}
}

func httpsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

func (c *check) time(field string, t time.Time) {
	if !writable(t) {
		c.fail(field, reasonTime)
	}
}

// writable reports whether t is set and has a year of four digits, as RFC 3339 requires.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return !t.IsZero() && 1 <= year && year <= 9999
}
