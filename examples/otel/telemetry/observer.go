package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/webhook"
)

// Observer counts and measures every step. It is for webhook.Options.Observer; an application with
// its own Observer calls these functions from it.
func (t *Telemetry) Observer() *webhook.Observer {
	m := t.metrics
	return &webhook.Observer{
		Enqueued:  m.onEnqueued,
		Attempted: m.onAttempted,
		Settled:   m.onSettled,
		Lost: func(ctx context.Context, d webhook.Delivery) {
			m.lost.Add(ctx, 1, metric.WithAttributes(eventType(d)))
		},
		Disabled: func(ctx context.Context, _ webhook.Webhook) { m.disabled.Add(ctx, 1) },
		Attention: func(ctx context.Context, _ webhook.Webhook, c webhook.Code, _ *webhook.Attempt) {
			m.attentions.Add(ctx, 1, metric.WithAttributes(code(c)))
		},
	}
}

// onEnqueued also adds the delivery to the span of Dispatch.
func (m *metrics) onEnqueued(ctx context.Context, d webhook.Delivery) {
	m.enqueued.Add(ctx, 1, metric.WithAttributes(eventType(d)))
	trace.SpanFromContext(ctx).AddEvent("postrider.enqueued", trace.WithAttributes(
		eventType(d), WebhookIDKey.String(d.WebhookID), EventIDKey.String(d.EventID), DeliveryIDKey.String(d.ID)))
}

func (m *metrics) onAttempted(ctx context.Context, d webhook.Delivery, a webhook.Attempt) {
	attrs := []attribute.KeyValue{eventType(d), code(a.Code)}
	if a.Status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(a.Status))
	}
	m.attempts.Record(ctx, a.Duration.Seconds(), metric.WithAttributes(attrs...))
	if a.Number > 1 {
		m.retries.Add(ctx, 1, metric.WithAttributes(eventType(d)))
	}
	if a.RetryAfter > 0 && (a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable) {
		m.pauses.Add(ctx, 1, metric.WithAttributes(semconv.HTTPResponseStatusCode(a.Status)))
	}
}

func (m *metrics) onSettled(ctx context.Context, d webhook.Delivery) {
	attrs := []attribute.KeyValue{eventType(d), StateKey.String(d.State.String())}
	since := d.QueuedAt // a redelivery starts anew
	if since.IsZero() {
		since = d.CreatedAt
	}
	if !since.IsZero() {
		m.latency.Record(ctx, max(0, d.FinishedAt.Sub(since).Seconds()), metric.WithAttributes(attrs...))
	}
	last := d.LastCode
	if d.State == webhook.StateDelivered {
		last = webhook.CodeOK
	}
	m.settled.Add(ctx, 1, metric.WithAttributes(append(attrs, code(last), ExhaustedKey.Bool(d.Exhausted))...))
}
