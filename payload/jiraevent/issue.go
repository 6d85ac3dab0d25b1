package jiraevent

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// MaxWorklogs is the number of worklogs in a callback: those updated last.
const MaxWorklogs = 100

// Issue is an issue as Jira's REST API returns it without expansions.
type Issue struct {
	ID     ID     `json:"id,omitempty"`
	Self   string `json:"self,omitempty"`
	Key    string `json:"key,omitempty"`
	Expand string `json:"expand,omitempty"`
	// Fields are the issue's fields by ID, such as "summary", "project" or "customfield_10010".
	// Values are of any type that encoding/json writes. [Decode] reads them as maps, slices,
	// strings, booleans and json.Number.
	Fields map[string]any `json:"fields,omitempty"`
	// Properties are entity properties by key, for JQL's issue.property; they are not part of a
	// callback.
	Properties map[string]any `json:"-"`
	More       map[string]any `json:"-"`
	Sent       Sent           `json:"-"`
}

// MarshalJSON writes the issue. Of a worklog field with more than [MaxWorklogs]
// entries it keeps those updated last, in their order.
func (i Issue) MarshalJSON() ([]byte, error) {
	if page, ok := i.Fields["worklog"]; ok {
		cut, err := newestWorklogs(page)
		if err != nil {
			return nil, err
		}
		if cut != nil {
			fields := make(map[string]any, len(i.Fields))
			for k, v := range i.Fields {
				fields[k] = v
			}
			fields["worklog"] = cut
			i.Fields = fields
		}
	}
	type plain Issue
	return jsonbody.Object(plain(i), i.More, i.Sent)
}

// newestWorklogs returns the page with fewer worklogs, or nil when it may stay as it is. The page
// may be of any type, so it is read as JSON.
func newestWorklogs(page any) (map[string]json.RawMessage, error) {
	raw, err := jsonbody.Marshal(page)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["worklogs"], &list) != nil || len(list) <= MaxWorklogs {
		return nil, nil
	}
	type dated struct {
		at    time.Time
		index int
	}
	order := make([]dated, len(list))
	for n, entry := range list {
		var w struct{ Updated, Started json.RawMessage }
		_ = json.Unmarshal(entry, &w)
		at, err := jsonbody.ReadTime(w.Updated)
		if err != nil || at.IsZero() {
			at, _ = jsonbody.ReadTime(w.Started)
		}
		order[n] = dated{at, n}
	}
	slices.SortStableFunc(order, func(a, b dated) int { return b.at.Compare(a.at) })
	order = order[:MaxWorklogs]
	slices.SortFunc(order, func(a, b dated) int { return a.index - b.index })
	kept := make([]json.RawMessage, len(order))
	for n, d := range order {
		kept[n] = list[d.index]
	}
	members["worklogs"], err = json.Marshal(kept)
	return members, err
}

// Changelog lists the changes of an update.
type Changelog struct {
	ID    ID             `json:"id,omitempty"`
	Items []ChangeItem   `json:"items"`
	More  map[string]any `json:"-"`
	Sent  Sent           `json:"-"`
}

// ChangeItem is one changed field. From and To are identifiers, FromString and ToString texts for
// people; each may be null.
type ChangeItem struct {
	Field      string  `json:"field"`
	FieldType  string  `json:"fieldtype"`
	FieldID    string  `json:"fieldId,omitempty"`
	From       *string `json:"from"`
	FromString *string `json:"fromString"`
	To         *string `json:"to"`
	ToString   *string `json:"toString"`
	// TmpFromAccountID and TmpToAccountID are the accounts behind From and To where
	// the field holds a user.
	TmpFromAccountID *string        `json:"tmpFromAccountId,omitempty"`
	TmpToAccountID   *string        `json:"tmpToAccountId,omitempty"`
	More             map[string]any `json:"-"`
	Sent             Sent           `json:"-"`
}

// BulkOperation describes the bulk operation behind an event.
type BulkOperation struct {
	SendMail bool           `json:"sendMail"`
	More     map[string]any `json:"-"`
	Sent     Sent           `json:"-"`
}

// Comment is a comment as Jira's REST API returns it.
type Comment struct {
	Self         string `json:"self,omitempty"`
	ID           ID     `json:"id"`
	Author       *User  `json:"author,omitempty"`
	Body         any    `json:"body"` // text, or a document in later versions of the API
	UpdateAuthor *User  `json:"updateAuthor,omitempty"`
	Created      Date   `json:"created,omitzero"`
	Updated      Date   `json:"updated,omitzero"`
	// Visibility restricts who sees the comment; nil means everyone who sees the issue.
	Visibility *Visibility `json:"visibility,omitempty"`
	// JSDPublic reports whether customers of a service desk see the comment. Jira sends it for
	// every comment; the documentation of 2019 does not list it.
	JSDPublic *bool          `json:"jsdPublic,omitempty"`
	More      map[string]any `json:"-"`
	Sent      Sent           `json:"-"`
}

// Visibility names the group or the project role that sees a comment. Type is
// "group" or "role".
type Visibility struct {
	Type       string         `json:"type"`
	Value      string         `json:"value,omitempty"`
	Identifier string         `json:"identifier,omitempty"`
	More       map[string]any `json:"-"`
	Sent       Sent           `json:"-"`
}
