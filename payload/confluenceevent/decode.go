package confluenceevent

import (
	"bytes"
	"cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Decode reads the callback of an event, for receivers. A body does not name its event, so the
// caller does, from the URL at which the body came in; [DecodeNamed] is for bodies of
// [Callback.Named].
//
// It reads the members of servers and of Confluence Cloud, times in milliseconds or ISO 8601, and
// numbers in strings. Of two equal names in one object the last one counts. Names are matched
// exactly. Members without a field go to More of their object. A callback that is not changed is
// written again whole, equal as JSON: see [Callback.Sent].
//
// Errors: [ErrUnknownEvent] for an event the catalogue does not list, unless [AnyEvent] is given,
// and [payload.ErrDecode] for everything else; the error keeps a copy of the body, its text does
// not.
func Decode(event string, body []byte, opts ...DecodeOption) (Callback, error) {
	return decode(body, opts, func(*Callback) string { return event })
}

// DecodeNamed is [Decode] for a body that has the name of its event in the given member. The member
// is not part of the callback: [Callback.Named] writes it again.
func DecodeNamed(member string, body []byte, opts ...DecodeOption) (Callback, error) {
	return decode(body, opts, func(c *Callback) string {
		event, _ := c.More[member].(string)
		delete(c.More, member)
		return event
	})
}

// DecodeOption changes what [Decode] accepts.
type DecodeOption func(*decodeSettings)

type decodeSettings struct{ anyEvent bool }

// AnyEvent accepts events that the catalogue does not list, such as a new one of Confluence: see
// [Callback.AnyEvent].
func AnyEvent() DecodeOption { return func(s *decodeSettings) { s.anyEvent = true } }

func decode(body []byte, opts []DecodeOption, event func(*Callback) string) (Callback, error) {
	var s decodeSettings
	for _, opt := range opts {
		opt(&s)
	}
	refuse := func(field, reason string) (Callback, error) {
		return Callback{}, &payload.DecodeError{Field: field, Reason: reason, Body: bytes.Clone(body)}
	}
	var w wire
	members, field, reason := jsonbody.ReadBody(body, &w)
	if reason != "" {
		return refuse(field, reason)
	}
	c := w.callback()
	c.More = members.More(&w)
	w = c.wire()
	c.Sent = members.Sent(&w)
	if c.Event = event(&c); c.Event == "" {
		return refuse("event", "must be named")
	}
	_, err := Lookup(c.Event)
	if err != nil && !s.anyEvent {
		return Callback{}, err
	}
	c.AnyEvent = err != nil
	return c, nil
}

// callback is the reverse of [Callback.wire].
func (w *wire) callback() Callback {
	c := Callback{
		Timestamp: w.Timestamp,
		Page:      w.Page, OldParent: w.OldParent, NewParent: w.NewParent,
		OldSortedChildren: w.OldSortedChildren, NewSortedChildren: w.NewSortedChildren,
		Blog: w.Blog, Comment: w.Comment,
		AttachedTo: w.AttachedTo, Attachments: w.Attachments, Attachment: w.Attachment,
		Label: w.Label, Labeled: w.Labeled, Content: w.Content, Space: w.Space,
		UserProfile: w.UserProfile, Group: w.Group,
		Creator: w.Creator, Blueprint: w.Blueprint, BlueprintContext: w.BlueprintContext,
	}
	if a := (Actor{cmp.Or(text(w.Username), text(w.User)), text(w.UserKey), w.UserAccountID, w.AccountType}); a != (Actor{}) {
		c.User = &a
	}
	if w.RemoteHost != nil || w.RemoteIP != nil {
		c.Session = &Session{text(w.RemoteHost), text(w.RemoteIP)}
	}
	if w.Results != nil || w.Query != "" || w.SpaceKeys != nil || w.SpaceCategories != nil {
		c.Search = &Search{Query: w.Query, SpaceKeys: w.SpaceKeys, SpaceCategories: w.SpaceCategories}
		if w.Results != nil {
			c.Search.Results = *w.Results
		}
	}
	return c
}

// text is the text that p points to, empty when there is none.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
