package payload

import "time"

// OrgKeyExpiry announces that an API key of an organization expires soon.
//
// The body has the keys trigger, apiKeyId, name, expiresAt, settingsUrl, in
// this order.
type OrgKeyExpiry struct {
	// APIKeyID identifies the key; it is not the key. Required.
	APIKeyID string `json:"apiKeyId"`
	// Name is the key's name. Required; any text.
	Name string `json:"name"`
	// ExpiresAt is the end of the key. Required. It is written as the date in UTC, or as the time
	// with [WithExpiryFormat].
	ExpiresAt time.Time `json:"expiresAt"`
	// SettingsURL leads to the page with the settings of notifications: an absolute https URL.
	// Required.
	SettingsURL string `json:"settingsUrl"`
}

// ExpiryFormat is the format of expiresAt. [Decode] reads both.
type ExpiryFormat int

const (
	// ExpiryDate writes the date in UTC, such as "2026-05-27". Decode reads it
	// as the start of that day, 00:00 UTC.
	ExpiryDate ExpiryFormat = iota
	// ExpiryRFC3339 writes the time in UTC, such as "2026-05-27T15:04:05Z",
	// with a fraction of the second where there is one.
	ExpiryRFC3339
)

// EventType returns "orgKeyExpiry".
func (OrgKeyExpiry) EventType() string { return triggerOrgKeyExpiry }

// Validate returns ErrInvalid with the first field that [New] would refuse.
func (k OrgKeyExpiry) Validate() error { return k.validate(false) }

// Expires returns ExpiresAt in the format of the body, for other texts about the key.
func (k OrgKeyExpiry) Expires(f ExpiryFormat) string {
	layout := time.DateOnly
	if f == ExpiryRFC3339 {
		layout = time.RFC3339Nano
	}
	return k.ExpiresAt.UTC().Format(layout)
}

func (k OrgKeyExpiry) validate(bool) error {
	c := check{typ: triggerOrgKeyExpiry}
	c.text("apiKeyId", k.APIKeyID)
	c.text("name", k.Name)
	c.time("expiresAt", k.ExpiresAt)
	c.https("settingsUrl", k.SettingsURL)
	return c.err
}

func (k OrgKeyExpiry) body(expiry ExpiryFormat) any {
	return struct {
		Trigger     string `json:"trigger"`
		APIKeyID    string `json:"apiKeyId"`
		Name        string `json:"name"`
		ExpiresAt   string `json:"expiresAt"`
		SettingsURL string `json:"settingsUrl"`
	}{triggerOrgKeyExpiry, k.APIKeyID, k.Name, k.Expires(expiry), k.SettingsURL}
}
