package jira

import (
	"cmp"
	"encoding/json"

	"github.com/postrider/postrider/payload/internal/jsonbody"
)

// User is the short form of a user inside a callback.
type User struct {
	Self      string `json:"self,omitempty"`
	AccountID string `json:"accountId,omitempty"`
	// AccountType is "atlassian", "app" or "customer"; other values pass.
	AccountType string            `json:"accountType,omitempty"`
	AvatarURLs  map[string]string `json:"avatarUrls,omitempty"`
	DisplayName string            `json:"displayName,omitempty"`
	Active      bool              `json:"active"`
	TimeZone    string            `json:"timeZone,omitempty"`
	// Name and Key are those of servers and of Jira Cloud before 2019.
	Name string `json:"name,omitempty"`
	Key  string `json:"key,omitempty"`
	// EmailAddress is read and never written: Jira Cloud leaves it out of
	// callbacks.
	EmailAddress string `json:"emailAddress,omitempty"`
}

// MarshalJSON writes everything but the e-mail address.
func (u User) MarshalJSON() ([]byte, error) {
	type plain User
	u.EmailAddress = ""
	return jsonbody.Marshal(plain(u))
}

// UnmarshalJSON also takes "accoundId", which older examples print, and
// "active" as a string.
func (u *User) UnmarshalJSON(b []byte) error {
	type plain User
	in := struct {
		*plain
		Active    json.RawMessage `json:"active"`
		AccoundID string          `json:"accoundId"`
	}{plain: new(plain)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*u = User(*in.plain)
	u.Active = readBool(in.Active)
	u.AccountID = cmp.Or(u.AccountID, in.AccoundID)
	return nil
}
