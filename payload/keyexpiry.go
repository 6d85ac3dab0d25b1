package payload

import "time"

// OrgKeyExpiry tells that an API key of an organization is about to run out.
//
// The body has the keys trigger, apiKeyId, name, expiresAt, settingsUrl, in
// this order.
type OrgKeyExpiry struct {
	// APIKeyID identifies the key; it is not the key. Required.
	APIKeyID string `json:"apiKeyId"`
	// Name is the key's name as its owner chose it. Required; any text.
	Name string `json:"name"`
	// ExpiresAt is when the key stops working. Required. It is written as the
	// date in UTC unless [WithExpiryFormat] asks for the time.
	ExpiresAt time.Time `json:"expiresAt"`
	// SettingsURL leads to the page where notifications are set up: an absolute
	// https URL. Required.
	SettingsURL string `json:"settingsUrl"`
}

// ExpiryFormat is how expiresAt is written. [Decode] reads both.
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

// Validate answers ErrInvalid, naming the first field that [New] would refuse.
func (k OrgKeyExpiry) Validate() error { return k.validate(false) }

// Expires returns ExpiresAt as the body writes it, for texts that tell the same.
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
