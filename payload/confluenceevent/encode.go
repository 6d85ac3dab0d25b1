package confluenceevent

import (
	"maps"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// wire is the body, in the order of its members.
type wire struct {
	Timestamp         Time           `json:"timestamp"`
	User              *string        `json:"user,omitempty"`
	Username          *string        `json:"username,omitempty"`
	UserKey           *string        `json:"userKey,omitempty"`
	UserAccountID     string         `json:"userAccountId,omitempty"`
	AccountType       string         `json:"accountType,omitempty"`
	RemoteHost        *string        `json:"remoteHost,omitempty"`
	RemoteIP          *string        `json:"remoteIP,omitempty"`
	Results           *int           `json:"results,omitempty"`
	Query             string         `json:"query,omitempty"`
	SpaceKeys         []string       `json:"spaceKeys,omitempty"`
	SpaceCategories   []string       `json:"spaceCategories,omitempty"`
	Page              *Content       `json:"page,omitempty"`
	OldParent         *Content       `json:"oldParent,omitempty"`
	NewParent         *Content       `json:"newParent,omitempty"`
	OldSortedChildren []Content      `json:"oldSortedChildren,omitempty"`
	NewSortedChildren []Content      `json:"newSortedChildren,omitempty"`
	Blog              *Content       `json:"blog,omitempty"`
	Comment           *Comment       `json:"comment,omitempty"`
	AttachedTo        *Content       `json:"attachedTo,omitempty"`
	Attachments       []Attachment   `json:"attachments,omitempty"`
	Attachment        *Attachment    `json:"attachment,omitempty"`
	Label             *Label         `json:"label,omitempty"`
	Labeled           *Content       `json:"labeled,omitempty"`
	Content           *Content       `json:"content,omitempty"`
	Space             *Space         `json:"space,omitempty"`
	UserProfile       *UserProfile   `json:"userProfile,omitempty"`
	Group             *Group         `json:"group,omitempty"`
	Creator           string         `json:"creator,omitempty"`
	Blueprint         *Blueprint     `json:"blueprint,omitempty"`
	BlueprintContext  map[string]any `json:"blueprintContext,omitempty"`
}

// own are the names of the members that wire has.
var own = jsonbody.Names[wire]()

// AppendBody appends the callback as compact JSON without HTML escaping, times
// in milliseconds.
func (c Callback) AppendBody(dst []byte) ([]byte, error) { return c.append(dst, c.More) }

// Named returns the callback as data whose body has the name of the event in the given member, such
// as "event", for receivers with one URL for several events. Confluence itself sends no such
// member. Validate refuses a name that the body uses already.
func (c Callback) Named(member string) payload.Data { return named{c, member} }

type named struct {
	Callback
	member string
}

// Validate also checks the name of the member.
func (n named) Validate() error {
	if _, taken := n.More[n.member]; taken || own[n.member] || n.member == "" {
		return &payload.InvalidError{Type: n.Event, Field: "Named", Reason: "must be given a member that the body does not have"}
	}
	return n.Callback.Validate()
}

// AppendBody appends the callback with the name of its event.
func (n named) AppendBody(dst []byte) ([]byte, error) {
	more := maps.Clone(n.More)
	if more == nil {
		more = make(map[string]any, 1)
	}
	more[n.member] = n.Event
	return n.append(dst, more)
}

func (c Callback) append(dst []byte, more map[string]any) ([]byte, error) {
	if c.Timestamp.IsZero() && !jsonbody.Has[wire](c.Sent, "timestamp") {
		c.Timestamp = At(time.Now())
	}
	text, err := jsonbody.Object(c.wire(), more, c.Sent)
	return append(dst, text...), err
}

func (c *Callback) wire() wire {
	w := wire{
		Timestamp: c.Timestamp,
		Page:      c.Page, OldParent: c.OldParent, NewParent: c.NewParent,
		OldSortedChildren: c.OldSortedChildren, NewSortedChildren: c.NewSortedChildren,
		Blog: c.Blog, Comment: c.Comment,
		AttachedTo: c.AttachedTo, Attachments: c.Attachments, Attachment: c.Attachment,
		Label: c.Label, Labeled: c.Labeled, Content: c.Content, Space: c.Space,
		UserProfile: c.UserProfile, Group: c.Group,
		Creator: c.Creator, Blueprint: c.Blueprint, BlueprintContext: c.BlueprintContext,
	}
	if s := c.Search; s != nil {
		w.Results, w.Query, w.SpaceKeys, w.SpaceCategories = &s.Results, s.Query, s.SpaceKeys, s.SpaceCategories
	}
	if s := c.Session; s != nil {
		w.RemoteHost, w.RemoteIP = &s.RemoteHost, &s.RemoteIP
	}
	c.actor(&w)
	return w
}

// actor writes the user who caused the event. A login and a search have the short form: the
// deprecated member "user" alone.
func (c *Callback) actor(w *wire) {
	var a Actor
	if c.User != nil {
		a = *c.User
	}
	w.UserAccountID, w.AccountType = a.AccountID, a.AccountType
	switch {
	case a.AccountID != "" && a.Name == "":
	case c.Search != nil && a.Name == "":
	case c.Session != nil || c.Search != nil:
		w.User = &a.Name
	default:
		w.User, w.Username, w.UserKey = &a.Name, &a.Name, &a.Key
	}
}
