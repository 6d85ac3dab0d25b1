package jiraevent

import (
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/internal/eventlist"
	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Callback is the body of one event. Its family decides the members: an issue event has User and
// Issue, a sprint event has Sprint, and so on; [Callback.Validate] checks them.
//
// It is [payload.Data]. [New] makes an event of it.
type Callback struct {
	// Timestamp is the time of the event. Zero means the time of encoding by [New].
	Timestamp Time `json:"timestamp"`
	// Event is a name of the catalogue. Required.
	Event string `json:"webhookEvent"`
	// IssueEventTypeName tells issue events apart further, such as
	// "issue_commented". The set is open.
	IssueEventTypeName string `json:"issue_event_type_name,omitempty"`
	// User is the user who caused the event, or the subject of a user event.
	User *User `json:"user,omitempty"`
	// Issue is the issue after the event; for a deletion before it.
	Issue *Issue `json:"issue,omitempty"`
	// Changelog is for jira:issue_updated and jira:issue_created. One without items is left out,
	// unless it was read.
	Changelog *Changelog `json:"changelog,omitempty"`
	// Comment is for comment events, and for an issue event that added one.
	Comment    *Comment    `json:"comment,omitempty"`
	Worklog    *Worklog    `json:"worklog,omitempty"`
	Attachment *Attachment `json:"attachment,omitempty"`
	IssueLink  *IssueLink  `json:"issueLink,omitempty"`
	IssueType  *IssueType  `json:"issuetype,omitempty"`
	Project    *Project    `json:"project,omitempty"`
	Version    *Version    `json:"version,omitempty"`
	// MergedTo is the version that replaced Version. It makes a jira:version_deleted a merge.
	MergedTo *Version  `json:"mergedTo,omitempty"`
	Sprint   *Sprint   `json:"sprint,omitempty"`
	Board    *Board    `json:"board,omitempty"`
	Filter   *Filter   `json:"filter,omitempty"`
	Property *Property `json:"property,omitempty"`
	// BulkOperationMetaData is set for events of a bulk operation.
	BulkOperationMetaData *BulkOperation `json:"bulkOperationMetaData,omitempty"`
	// MatchedWebhookIDs are the dynamic registrations that the event matched. [Decode] sets them;
	// the sender writes them with [WithMatched].
	MatchedWebhookIDs []Number `json:"matchedWebhookIds,omitempty"`
	// More are members at the root without a field, by name. They follow the others in alphabetical
	// order. The bodies of add-on, system and expression events consist of them. Every entity has a
	// More as well.
	More map[string]any `json:"-"`
	// Sent is set by [Decode], so that a callback that was read and not changed is written again
	// whole. Every entity has one. The zero Sent writes the fields in the way of this package.
	Sent Sent `json:"-"`
	// AnyEvent accepts an event that the catalogue does not list; its members are then not checked.
	AnyEvent bool `json:"-"`
	// Style chooses between the current shape of Jira Cloud, the zero value, and that of the
	// documentation of 2019.
	Style Style `json:"-"`
	// Secondary marks a consequence of another event: the changes of a bulk operation or of the
	// deletion of an issue in other entities. It is sent with less urgency. It is not part of the
	// body.
	Secondary bool `json:"-"`
}

// EventType returns the name of the event.
func (c Callback) EventType() string { return c.Event }

// Validate returns an error that names the member at fault: an [*UnknownEventError], or a
// [*payload.InvalidError] for an entity that the event must have and lacks, or has and must not
// have.
func (c Callback) Validate() error {
	if err := eventlist.Judge(Lookup, c.Event, c.AnyEvent, c.judge); err != nil {
		return err
	}
	if len(c.MatchedWebhookIDs) > 0 || jsonbody.Has[Callback](c.Sent, "matchedWebhookIds") {
		return c.refuse("matchedWebhookIds", "must be left out: the sender fills it in")
	}
	for name := range c.More {
		if members[name] {
			return c.refuse("More", "must not hold a member that Callback has a field for")
		}
	}
	return nil
}

// judge checks the members for an event of the catalogue.
func (c *Callback) judge(info Info) error {
	if info.Name != c.Event {
		return c.refuse("webhookEvent", "must be "+info.Name)
	}
	for _, r := range required[info.Family] {
		if !r.has(c) {
			return c.refuse(r.member, "must be set for this event")
		}
	}
	switch {
	case c.Changelog != nil && c.Event != IssueUpdated && c.Style.Edition2019:
		return c.refuse("changelog", "must be left out: in the edition of 2019 only "+IssueUpdated+" has one")
	case c.Changelog != nil && c.Event != IssueUpdated && c.Event != IssueCreated:
		return c.refuse("changelog", "must be left out: only "+IssueUpdated+" and "+IssueCreated+" have one")
	case c.MergedTo != nil && c.Event != VersionDeleted && c.Event != VersionMerged:
		return c.refuse("mergedTo", "must be left out: only a merge of versions has one")
	case c.MergedTo == nil && c.Event == VersionMerged:
		return c.refuse("mergedTo", "must be set for this event")
	}
	return nil
}

func (c *Callback) refuse(member, reason string) error {
	return &payload.InvalidError{Type: c.Event, Field: member, Reason: reason}
}

type requirement struct {
	member string
	has    func(*Callback) bool
}

var (
	needsUser  = requirement{"user", func(c *Callback) bool { return c.User != nil }}
	needsIssue = requirement{"issue", func(c *Callback) bool { return c.Issue != nil }}
)

// required lists the required members of each family. Families that are not here have bodies of
// free form.
var required = map[Family][]requirement{
	FamilyIssue:         {needsUser, needsIssue},
	FamilyIssueProperty: {{"property", func(c *Callback) bool { return c.Property != nil }}},
	FamilyWorklog:       {{"worklog", func(c *Callback) bool { return c.Worklog != nil || c.Issue != nil }}},
	FamilyComment:       {{"comment", func(c *Callback) bool { return c.Comment != nil }}},
	FamilyAttachment:    {{"attachment", func(c *Callback) bool { return c.Attachment != nil }}},
	FamilyIssueType:     {{"issuetype", func(c *Callback) bool { return c.IssueType != nil }}},
	FamilyProject:       {{"project", func(c *Callback) bool { return c.Project != nil }}},
	FamilyVersion:       {{"version", func(c *Callback) bool { return c.Version != nil }}},
	FamilyUser:          {needsUser},
	FamilyOption:        {{"property", func(c *Callback) bool { return c.Property != nil }}},
	FamilySprint:        {{"sprint", func(c *Callback) bool { return c.Sprint != nil }}},
	FamilyBoard:         {{"board", func(c *Callback) bool { return c.Board != nil }}},
	FamilyFilter:        {{"filter", func(c *Callback) bool { return c.Filter != nil }}},
}
