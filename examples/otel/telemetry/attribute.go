package telemetry

import (
	"cmp"

	"go.opentelemetry.io/otel/attribute"

	"github.com/postrider/postrider/webhook"
)

// Attributes of spans and metrics beside OpenTelemetry's own. Identifiers stand in spans only,
// because in a metric each value would be its own time series.
const (
	ScopeKey      = attribute.Key("postrider.scope")
	WebhookIDKey  = attribute.Key("postrider.webhook.id")
	DeliveryIDKey = attribute.Key("postrider.delivery.id")
	EventIDKey    = attribute.Key("postrider.event.id")
	EventTypeKey  = attribute.Key("postrider.event.type")
	AttemptKey    = attribute.Key("postrider.attempt")     // 1 is the first
	CodeKey       = attribute.Key("postrider.code")        // a webhook.Code, "ok" for CodeOK
	StateKey      = attribute.Key("postrider.state")       // "delivered" or "failed"
	ExhaustedKey  = attribute.Key("postrider.exhausted")   // the retry budget was spent
	RetryAfterKey = attribute.Key("postrider.retry_after") // seconds, from the endpoint
	ReleasedKey   = attribute.Key("postrider.released")    // cut off by a shutdown: not counted as a try
)

func code(c webhook.Code) attribute.KeyValue { return CodeKey.String(cmp.Or(string(c), "ok")) }

func eventType(d webhook.Delivery) attribute.KeyValue { return EventTypeKey.String(d.Type) }
