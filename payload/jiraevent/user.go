package jiraevent

// User is the short form of a user inside a callback.
type User struct {
	Self      string `json:"self,omitempty"`
	AccountID string `json:"accountId,omitempty"`
	// AccountType is "atlassian", "app" or "customer"; other values are kept.
	AccountType string  `json:"accountType,omitempty"`
	AvatarURLs  Avatars `json:"avatarUrls,omitempty"`
	DisplayName string  `json:"displayName,omitempty"`
	Active      bool    `json:"active" body:"text"`
	TimeZone    string  `json:"timeZone,omitempty"`
	// Name and Key are of servers and of Jira Cloud before 2019.
	Name string `json:"name,omitempty"`
	Key  string `json:"key,omitempty"`
	// EmailAddress is read, and written only if it was read: Jira Cloud leaves it out of callbacks.
	EmailAddress string `json:"emailAddress" body:"readonly"`

	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}
