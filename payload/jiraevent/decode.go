package jiraevent

import (
	"bytes"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Decode reads a callback, for receivers. It reads the bodies of Jira Cloud and of older
// documentation: a timestamp in ISO 8601, the event's name under "event" instead of "webhookEvent",
// "accoundId", "active" as a string, numbers as strings. Of two equal names in one object the last
// one counts. Names are matched exactly. Members without a field go to More of their object.
//
// A callback that is not changed is written again whole, equal as JSON: see [Callback.Sent]. Of a
// list of worklogs that is longer than [MaxWorklogs] the rest is lost.
//
// Errors: [ErrUnknownEvent] for an event the catalogue does not list, unless [AnyEvent] is given,
// and [payload.ErrDecode] for everything else; the error keeps a copy of the body, its text does
// not.
func Decode(text []byte, opts ...DecodeOption) (Callback, error) {
	var s decodeSettings
	for _, opt := range opts {
		opt(&s)
	}
	refuse := func(field, reason string) (Callback, error) {
		return Callback{}, &payload.DecodeError{Field: field, Reason: reason, Body: bytes.Clone(text)}
	}
	type plain Callback
	var c plain
	members, field, reason := jsonbody.ReadBody(text, &c)
	if reason != "" {
		return refuse(field, reason)
	}
	c.More = members.More(&c)
	if name, ok := c.More["event"].(string); ok && c.Event == "" {
		c.Event = name
	}
	c.Sent = members.Sent(&c)
	if c.Event == "" {
		return refuse("webhookEvent", "must name the event")
	}
	_, err := Lookup(c.Event)
	if err != nil && !s.anyEvent {
		return Callback{}, err
	}
	c.AnyEvent = err != nil
	return Callback(c), nil
}

// DecodeOption changes what [Decode] accepts.
type DecodeOption func(*decodeSettings)

type decodeSettings struct{ anyEvent bool }

// AnyEvent accepts events that the catalogue does not list, such as a new one of Jira: see
// [Callback.AnyEvent].
func AnyEvent() DecodeOption { return func(s *decodeSettings) { s.anyEvent = true } }
