package webhook

import "time"

// Health is the record of the failures of a webhook's endpoint. The zero value, apart from
// WebhookID and Scope, is a webhook in good health.
type Health struct {
	WebhookID string `json:"webhook_id"`
	Scope     string `json:"scope"`
	// FailingSince is the end of the first of the failures in a row; zero when the
	// latest attempt was accepted. Failures counts them.
	FailingSince time.Time `json:"failing_since,omitzero"`
	Failures     int       `json:"failures"`
	// PausedUntil is the end of a pause that the endpoint asked for with Retry-After.
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// OpenUntil is set while the breaker is open: nothing is sent before, then one
	// probe. Opened counts how often it opened in a row.
	OpenUntil time.Time `json:"open_until,omitzero"`
	Opened    int       `json:"opened"`
	// DisabledReason repeats Webhook.DisabledReason in the result of Manager.Health;
	// Stores leave it empty.
	DisabledReason string `json:"disabled_reason,omitempty"`
	// CertificateUntil is the end of the client certificate in Webhook.TLS, the earliest of its
	// chain, in the result of Manager.Health; zero without one. Stores leave it empty.
	CertificateUntil time.Time `json:"certificate_until,omitzero"`
}

// HealthStatus is the short form of a Health, for lists.
type HealthStatus string

// The health of a webhook in one word, the most serious first.
const (
	HealthDisabled HealthStatus = "disabled" // switched off by Postrider
	HealthOpen     HealthStatus = "open"     // the breaker holds deliveries back
	HealthPaused   HealthStatus = "paused"   // the endpoint asked to wait
	HealthFailing  HealthStatus = "failing"  // the latest attempts failed
	HealthOK       HealthStatus = "ok"
)

// Status is the most serious state at the given time.
func (h Health) Status(now time.Time) HealthStatus {
	switch {
	case h.DisabledReason != "":
		return HealthDisabled
	case h.OpenUntil.After(now):
		return HealthOpen
	case h.PausedUntil.After(now):
		return HealthPaused
	case h.Failures > 0:
		return HealthFailing
	}
	return HealthOK
}

// OK reports whether the record is empty, so that a Store need not keep it.
func (h Health) OK() bool { return h.Equal(Health{WebhookID: h.WebhookID, Scope: h.Scope}) }

// HoldUntil is the later of PausedUntil and OpenUntil: nothing is sent before.
func (h Health) HoldUntil() time.Time {
	if h.OpenUntil.After(h.PausedUntil) {
		return h.OpenUntil
	}
	return h.PausedUntil
}

// Equal compares two records; times are equal to the microsecond, the precision
// that SQL stores keep.
func (h Health) Equal(o Health) bool {
	return h.forScheduler().Equal(o.forScheduler()) && h.DisabledReason == o.DisabledReason
}
