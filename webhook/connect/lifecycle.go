package connect

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/postrider/postrider/payload"
)

// The events about an add-on itself. A descriptor may call them "enabled" and
// "disabled".
const (
	Enabled  = "connect_addon_enabled"
	Disabled = "connect_addon_disabled"
)

// Lifecycle is the body of the events about an add-on. It is payload.Data. It has no shared secret:
// the add-on gets the secret once, at its installation, which is no webhook.
type Lifecycle struct {
	// Event is [Enabled] or [Disabled]. It is not part of the body.
	Event string `json:"-"`
	// Key belongs to the add-on, ClientKey to the tenant. Both are required.
	Key       string `json:"key"`
	ClientKey string `json:"clientKey"`
	PublicKey string `json:"publicKey,omitempty"`
	// ServerVersion and PluginsVersion are those of the product.
	ServerVersion  string `json:"serverVersion,omitempty"`
	PluginsVersion string `json:"pluginsVersion,omitempty"`
	// BaseURL is the tenant's, ProductType "jira" or "confluence".
	BaseURL     string `json:"baseUrl,omitempty"`
	ProductType string `json:"productType,omitempty"`
	Description string `json:"description,omitempty"`
	// ServiceEntitlementNumber is that of the licence.
	ServiceEntitlementNumber string `json:"serviceEntitlementNumber,omitempty"`
}

// EventType returns the name of the event.
func (l Lifecycle) EventType() string { return l.Event }

// Validate refuses another event, and a body without key or client key.
func (l Lifecycle) Validate() error {
	switch {
	case l.Event != Enabled && l.Event != Disabled:
		return &payload.InvalidError{Type: "Lifecycle", Field: "Event", Reason: "must be " + Enabled + " or " + Disabled}
	case l.Key == "":
		return &payload.InvalidError{Type: l.Event, Field: "key", Reason: "must be set"}
	case l.ClientKey == "":
		return &payload.InvalidError{Type: l.Event, Field: "clientKey", Reason: "must be set"}
	}
	return nil
}

// MarshalJSON writes the body, with eventType as its last member.
func (l Lifecycle) MarshalJSON() ([]byte, error) {
	type members Lifecycle
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		members
		EventType string `json:"eventType"`
	}{members(l), strings.TrimPrefix(l.Event, "connect_addon_")})
	return b.Bytes(), err
}

// NewLifecycle makes an event about an add-on, which only the webhooks of this add-on receive.
// Options override the values that it sets. For the errors see payload.New.
func NewLifecycle(scope string, l Lifecycle, opts ...payload.Option) (payload.Event, error) {
	all := []payload.Option{payload.WithVars(map[string]string{VarAddOn: l.Key})}
	return payload.New(scope, l, append(all, opts...)...)
}
