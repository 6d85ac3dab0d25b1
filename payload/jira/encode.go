package jira

import (
	"bytes"
	"strconv"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// members are the names at the root that Callback has fields for, and those that
// only older bodies have.
var members = func() map[string]bool {
	m := jsonbody.Members[Callback]()
	m["event"] = true
	return m
}()

func ownMember(name string) bool { return members[name] }

// AppendBody appends the callback in the shape that Jira Cloud sends today:
// compact, timestamp in milliseconds, no HTML escaping.
func (c Callback) AppendBody(dst []byte) ([]byte, error) { return c.append(dst, Style{}) }

// Style chooses between the current shape of a callback and what documentation
// of 2019 prints. The zero value is the current shape.
type Style struct {
	// ISOTime writes the timestamp as 2011-06-07T10:31:26.805-0500.
	ISOTime bool
	// EventKey repeats the name of the event under the key "event".
	EventKey bool
}

// In returns the callback as data that is written in another style.
func (c Callback) In(s Style) payload.Data { return styled{c, s} }

type styled struct {
	Callback
	style Style
}

// AppendBody appends the callback in the chosen style.
func (s styled) AppendBody(dst []byte) ([]byte, error) { return s.append(dst, s.style) }

func (c Callback) append(dst []byte, s Style) ([]byte, error) {
	if c.Timestamp.IsZero() {
		c.Timestamp = At(time.Now())
	}
	if c.Changelog != nil && len(c.Changelog.Items) == 0 {
		c.Changelog = nil
	}
	if s == (Style{}) {
		return jsonbody.AppendObject(dst, plainCallback(c), c.More)
	}
	return jsonbody.AppendObject(dst, s.wrap(c), c.More)
}

// plainCallback is Callback without methods.
type plainCallback Callback

func (s Style) wrap(c Callback) any {
	event := ""
	if s.EventKey {
		event = c.Event
	}
	if !s.ISOTime {
		return struct {
			Timestamp Time   `json:"timestamp"`
			Event     string `json:"event,omitempty"`
			plainCallback
		}{c.Timestamp, event, plainCallback(c)}
	}
	return struct {
		Timestamp Date   `json:"timestamp"`
		Event     string `json:"event,omitempty"`
		plainCallback
	}{Date(c.Timestamp), event, plainCallback(c)}
}

// WithMatched returns a copy of a body with matchedWebhookIds as its last
// member. The rest stays byte for byte. The body must be a JSON object without
// that member, as AppendBody writes it; otherwise the error is
// [payload.ErrDecode].
func WithMatched(body []byte, ids []int64) ([]byte, error) {
	open := bytes.TrimSpace(body)
	inner, ok := bytes.CutSuffix(open, []byte("}"))
	if !ok || len(inner) < 1 || inner[0] != '{' {
		return nil, &payload.DecodeError{Reason: "must be one JSON object and nothing else"}
	}
	out := make([]byte, 0, len(inner)+len(`,"matchedWebhookIds":[]}`)+20*len(ids))
	out = append(out, inner...)
	if len(bytes.TrimSpace(inner)) > 1 {
		out = append(out, ',')
	}
	out = append(out, `"matchedWebhookIds":[`...)
	for i, id := range ids {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, id, 10)
	}
	return append(out, "]}"...), nil
}
