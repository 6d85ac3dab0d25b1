package jiraevent

import (
	"bytes"
	"strconv"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// members are the names at the root that have a field of Callback.
var members = jsonbody.Names[Callback]()

// AppendBody appends the callback as compact JSON without HTML escaping, in the current shape of
// Jira Cloud or that of Style.
func (c Callback) AppendBody(dst []byte) ([]byte, error) {
	if c.Timestamp.IsZero() && !jsonbody.Has[Callback](c.Sent, "timestamp") {
		c.Timestamp = At(time.Now())
	}
	if l := c.Changelog; l != nil && len(l.Items) == 0 && l.Sent.IsZero() {
		c.Changelog = nil
	}
	c.Style.apply(&c)
	type plain Callback
	text, err := jsonbody.Object(plain(c), c.More, c.Sent)
	return append(dst, text...), err
}

// WithMatched returns a copy of a body with matchedWebhookIds as its last member. The rest stays
// byte for byte. The body must be a JSON object without that member, as AppendBody writes it;
// otherwise the error is [payload.ErrDecode].
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
