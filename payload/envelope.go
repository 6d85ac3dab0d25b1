package payload

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// envelopeTime is RFC 3339 in UTC with milliseconds, always three digits.
const envelopeTime = "2006-01-02T15:04:05.000Z"

// WithEnvelope puts the body into an object with the members id, type, timestamp and data, in this
// order: the event's ID, its type, its time (RFC 3339, UTC, milliseconds), and the body. Standard
// Webhooks 1.0.0 requires the last three. A receiver then knows the type of any body;
// [Catalogue.Decode] reads it. [WithMaxBody] bounds the whole body.
func WithEnvelope() Option {
	return func(s *settings) error {
		s.envelope = true
		return nil
	}
}

// envelop returns the body of an event inside an envelope.
func envelop(e *Event) ([]byte, error) {
	body, err := jsonbody.Encode(struct {
		ID        string `json:"id"`
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
	}{e.ID, e.Type, e.Time.Format(envelopeTime)})
	if err != nil {
		return nil, err
	}
	body = append(body[:len(body)-1], `,"data":`...)
	return append(append(body, e.Body...), '}'), nil
}

// isEnvelope reports whether an object has the members of Standard Webhooks, with texts where an
// envelope has them.
func (o *object) isEnvelope() bool {
	is := func(key string, kind byte) bool {
		raw := o.raw[key]
		return raw != nil && (kind == 0 || raw[0] == kind)
	}
	return is("type", '"') && is("timestamp", '"') && is("data", 0)
}

// name is the text of a member, empty where there is none.
func (o *object) name(key string) (s string) {
	if raw := o.raw[key]; raw != nil && raw[0] == '"' && !o.repeated[key] {
		_ = json.Unmarshal(raw, &s) // a valid string
	}
	return s
}

// sampleTime is when the events of examples happened.
var sampleTime = time.Date(2026, time.May, 27, 9, 30, 0, 0, time.UTC)
