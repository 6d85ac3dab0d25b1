package confluenceevent

import (
	"time"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// Time embeds a time.Time. It is written as whole milliseconds since 1970, UTC, and read from that, from
// the same number in a string, and from the forms of ISO 8601 that Atlassian's products have used.
type Time = jsonbody.Time

// At returns the Time of t.
func At(t time.Time) Time { return Time{Time: t} }

// Number is an int64 that is also read from a string.
type Number = jsonbody.Number

// Actor is the user who caused an event. An Actor with an AccountID and no Name is written as in
// Confluence Cloud; otherwise name and key are written, even if they are empty.
type Actor struct {
	Name        string // user name on servers
	Key         string // user key on servers
	AccountID   string
	AccountType string // "atlassian", "app" or "customer"; other values pass
}

// Content is a page, a blog post, a comment or anything else in a space.
type Content struct {
	ID                    Number `json:"id"`
	Title                 string `json:"title,omitempty"`
	ContentType           string `json:"contentType,omitempty"`
	CreatorName           string `json:"creatorName,omitempty"`
	CreatorKey            string `json:"creatorKey,omitempty"`
	CreatorAccountID      string `json:"creatorAccountId,omitempty"`
	LastModifierName      string `json:"lastModifierName,omitempty"`
	LastModifierKey       string `json:"lastModifierKey,omitempty"`
	LastModifierAccountID string `json:"lastModifierAccountId,omitempty"`
	CreationDate          Time   `json:"creationDate,omitzero"`
	ModificationDate      Time   `json:"modificationDate,omitzero"`
	Version               int    `json:"version,omitempty"`
	Self                  string `json:"self,omitempty"` // absolute URL
	SpaceKey              string `json:"spaceKey,omitempty"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Comment is a comment on Parent, in answer to another one if InReplyTo is set.
type Comment struct {
	Content
	Parent    *Content   `json:"parent,omitempty"`
	InReplyTo *Reference `json:"inReplyTo,omitempty"`
}

// Reference names content by its ID.
type Reference struct {
	ID Number `json:"id"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Attachment is a file. FileSize is in bytes.
type Attachment struct {
	FileName              string   `json:"fileName"`
	Version               int      `json:"version,omitempty"`
	Comment               string   `json:"comment,omitempty"`
	FileSize              int64    `json:"fileSize"`
	MediaType             string   `json:"mediaType,omitempty"`
	ID                    Number   `json:"id"`
	CreatorName           string   `json:"creatorName,omitempty"`
	CreatorKey            string   `json:"creatorKey,omitempty"`
	CreatorAccountID      string   `json:"creatorAccountId,omitempty"`
	LastModifierName      string   `json:"lastModifierName,omitempty"`
	LastModifierKey       string   `json:"lastModifierKey,omitempty"`
	LastModifierAccountID string   `json:"lastModifierAccountId,omitempty"`
	CreationDate          Time     `json:"creationDate,omitzero"`
	ModificationDate      Time     `json:"modificationDate,omitzero"`
	Self                  string   `json:"self,omitempty"`
	Parent                *Content `json:"parent,omitempty"` // in Confluence Cloud, instead of Callback.AttachedTo

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Label is a label. ID and Prefix are of Confluence Cloud, the owner and Title of
// servers.
type Label struct {
	Name     string `json:"name"`
	ID       Number `json:"id,omitempty"`
	Prefix   string `json:"prefix,omitempty"`
	Owner    string `json:"owner,omitempty"`
	OwnerKey string `json:"ownerKey,omitempty"`
	Title    string `json:"title,omitempty"`
	Self     string `json:"self,omitempty"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Space is a space.
type Space struct {
	Key              string     `json:"key"`
	Title            string     `json:"title,omitempty"`
	Name             string     `json:"name,omitempty"` // the title, in Confluence Cloud
	Description      string     `json:"description,omitempty"`
	IsPersonalSpace  bool       `json:"isPersonalSpace"`
	Self             string     `json:"self,omitempty"`
	HomePage         *Reference `json:"homePage,omitempty"`
	CreatorName      string     `json:"creatorName,omitempty"`
	CreatorKey       string     `json:"creatorKey,omitempty"`
	LastModifierName string     `json:"lastModifierName,omitempty"`
	LastModifierKey  string     `json:"lastModifierKey,omitempty"`
	CreationDate     Time       `json:"creationDate,omitzero"`
	ModificationDate Time       `json:"modificationDate,omitzero"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// UserProfile is the user whom a user event is about.
type UserProfile struct {
	UserKey  string `json:"userKey"`
	Username string `json:"username"`
	Email    string `json:"email,omitempty"`
	FullName string `json:"fullName,omitempty"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Group is a group of users.
type Group struct {
	Name string `json:"name"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Session is the origin of a login. A body with it has only the time, the user name and these two.
type Session struct {
	RemoteHost string
	RemoteIP   string
}

// Search is the text of a search. Results is the number of results.
type Search struct {
	Results         int
	Query           string
	SpaceKeys       []string
	SpaceCategories []string
}

// Blueprint is the blueprint that a page was made from.
type Blueprint struct {
	ID                string `json:"id"`
	IndexKey          string `json:"indexKey,omitempty"`
	SpaceKey          string `json:"spaceKey,omitempty"`
	I18nNameKey       string `json:"i18nNameKey,omitempty"`
	IndexTitleI18nKey string `json:"indexTitleI18nKey,omitempty"`
	ModuleCompleteKey string `json:"moduleCompleteKey,omitempty"`
	CreateResult      string `json:"createResult,omitempty"`
	HowToUseTemplate  string `json:"howToUseTemplate,omitempty"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}
