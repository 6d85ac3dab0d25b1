package jira

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Decode reads a callback, for receivers. It takes the current shape and what
// older documentation prints: a timestamp in ISO 8601, the event's name under
// "event" instead of "webhookEvent", "accoundId", "active" as a string, numbers
// as strings. Of a name that stands twice in one object the last one counts.
// Names are matched exactly. Members at the root without a field of their own go
// to More; unknown members of the entities are dropped, those of Issue.Fields
// and of free-form values are kept.
//
// Errors: [ErrUnknownEvent] for an event the catalogue does not list, and
// [payload.ErrDecode] for everything else, both with a copy of the body out of
// the text.
func Decode(body []byte) (Callback, error) {
	refuse := func(field, reason string) (Callback, error) {
		return Callback{}, &payload.DecodeError{Field: field, Reason: reason, Body: bytes.Clone(body)}
	}
	if !utf8.Valid(body) {
		return refuse("", "must be valid UTF-8")
	}
	// The way through a map settles repeated names at every depth.
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var root map[string]any
	if err := dec.Decode(&root); err != nil || root == nil {
		return refuse("", "must be one JSON object and nothing else")
	}
	if _, err := dec.Token(); err != io.EOF {
		return refuse("", "must be one JSON object and nothing else")
	}
	if name, ok := root["event"].(string); ok && root["webhookEvent"] == nil {
		root["webhookEvent"] = name
	}
	known := make(map[string]any, len(root))
	more := make(map[string]any)
	for name, value := range root {
		if ownMember(name) {
			known[name] = value
		} else {
			more[name] = value
		}
	}
	var c plainCallback
	raw, err := jsonbody.Marshal(known)
	if err == nil {
		dec = json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		err = dec.Decode(&c)
	}
	if err != nil {
		return refuse(faultyMember(known), "has a value of the wrong kind")
	}
	if len(more) > 0 {
		c.More = more
	}
	if c.Event == "" {
		return refuse("webhookEvent", "must name the event")
	}
	if _, err := Lookup(c.Event); err != nil {
		return Callback{}, err
	}
	return Callback(c), nil
}

// faultyMember finds which member cannot be read, by reading them one at a time.
func faultyMember(known map[string]any) string {
	for name, value := range known {
		raw, err := jsonbody.Marshal(map[string]any{name: value})
		var c plainCallback
		if err != nil || json.NewDecoder(strings.NewReader(string(raw))).Decode(&c) != nil {
			return name
		}
	}
	return ""
}
