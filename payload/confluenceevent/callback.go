package confluenceevent

import (
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/eventlist"
)

// Callback is the body of one event. Its family decides the members; [Callback.Validate] checks
// them. It is [payload.Data].
type Callback struct {
	// Event is a name of the catalogue. Required. It is not part of the body.
	Event string
	// Timestamp is the time of the event. Zero means the time of encoding.
	Timestamp Time
	// User caused the event; nil means an anonymous user.
	User *Actor

	Page *Content
	// OldParent and NewParent are for page_moved, each nil at the top of a space.
	OldParent, NewParent *Content
	// OldSortedChildren and NewSortedChildren are for page_children_reordered.
	OldSortedChildren, NewSortedChildren []Content

	Blog    *Content
	Comment *Comment
	// Content is for content_permissions_updated, and in Confluence Cloud the content of a label
	// event.
	Content *Content
	// AttachedTo and Attachments are of servers, Attachment is of Confluence Cloud.
	AttachedTo  *Content
	Attachments []Attachment
	Attachment  *Attachment
	Label       *Label
	// Labeled is the content that got or lost the label, on servers.
	Labeled     *Content
	Space       *Space
	UserProfile *UserProfile
	Group       *Group
	Session     *Session
	Search      *Search
	// Creator is the key of the user who made a page from Blueprint, and BlueprintContext the input
	// of the blueprint.
	Creator          string
	Blueprint        *Blueprint
	BlueprintContext map[string]any
	// More are further members at the root, by name. They follow the others in alphabetical order.
	// The bodies of add-on, status and system events consist of them. Every entity has a More as
	// well.
	More map[string]any
	// Sent is set by [Decode], so that a callback that was read and not changed is written again
	// whole. Every entity has one. The zero Sent writes the fields in the way of this package.
	Sent Sent
	// AnyEvent accepts an event that the catalogue does not list; its members are then not checked.
	AnyEvent bool
}

// EventType returns the name of the event.
func (c Callback) EventType() string { return c.Event }

// Validate returns an error that names the member at fault: an [*UnknownEventError], or a
// [*payload.InvalidError].
func (c Callback) Validate() error {
	if err := eventlist.Judge(Lookup, c.Event, c.AnyEvent, c.judge); err != nil {
		return err
	}
	for name := range c.More {
		if own[name] {
			return c.refuse("More", "must not hold a member that Callback has a field for")
		}
	}
	return nil
}

// judge checks the members for an event of the catalogue.
func (c *Callback) judge(info Info) error {
	if member, ok := missing(c, info.Family); ok {
		return c.refuse(member, "must be set for this event")
	}
	switch {
	case c.Event == PageChildrenReordered && len(c.NewSortedChildren) == 0:
		return c.refuse("newSortedChildren", "must be set for this event")
	case c.Event != PageMoved && (c.OldParent != nil || c.NewParent != nil):
		return c.refuse("oldParent and newParent", "must be left out: only "+PageMoved+" has them")
	}
	return nil
}

func (c *Callback) refuse(member, reason string) error {
	return &payload.InvalidError{Type: c.Event, Field: member, Reason: reason}
}

// missing returns the required member of a family that is not set, if any.
func missing(c *Callback, f Family) (member string, is bool) {
	switch f {
	case FamilyPage:
		return "page", c.Page == nil
	case FamilyBlog:
		return "blog", c.Blog == nil
	case FamilyComment:
		return "comment", c.Comment == nil
	case FamilyAttachment:
		return "attachments", len(c.Attachments) == 0 && c.Attachment == nil
	case FamilyLabel:
		return "label", c.Label == nil
	case FamilySpace:
		return "space", c.Space == nil
	case FamilySession:
		return "remoteHost and remoteIP", c.Session == nil
	case FamilySearch:
		return "results", c.Search == nil
	case FamilyContent:
		return "content", c.Content == nil
	case FamilyGroup:
		return "group", c.Group == nil
	case FamilyBlueprint:
		if c.Page == nil {
			return "page", true
		}
		return "blueprint", c.Blueprint == nil
	}
	return "", false
}
