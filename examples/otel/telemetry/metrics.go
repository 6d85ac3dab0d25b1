package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments. A Prometheus exporter turns the dots of a name into
// underscores and adds the unit and, for a counter, "total".
type metrics struct {
	enqueued, settled, lost metric.Int64Counter
	attempts                metric.Float64Histogram
	inFlight                metric.Int64UpDownCounter
	retries, pauses         metric.Int64Counter
	latency                 metric.Float64Histogram
	disabled, attentions    metric.Int64Counter
}

// attemptBounds go from one millisecond to the longest timeout in use, latencyBounds to the longest
// retry schedule: both in seconds.
var (
	attemptBounds = []float64{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	latencyBounds = []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600}
)

func newMetrics(m metric.Meter) (*metrics, error) {
	var errs []error
	counter := func(name, unit, what string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return c
	}
	seconds := func(name, what string, bounds []float64) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
		errs = append(errs, err)
		return h
	}
	out := &metrics{
		enqueued:   counter("postrider.deliveries.enqueued", "{delivery}", "Deliveries that Dispatch stored."),
		settled:    counter("postrider.deliveries.settled", "{delivery}", "Deliveries that ended, delivered or failed."),
		lost:       counter("postrider.deliveries.lost", "{delivery}", "Deliveries that another process took over, or whose scope was deleted, before their outcome was stored."),
		attempts:   seconds("postrider.attempt.duration", "Time from the dial to the end of the answer of one attempt.", attemptBounds),
		retries:    counter("postrider.retries", "{attempt}", "Attempts after the first."),
		pauses:     counter("postrider.pauses", "{pause}", "Answers 429 and 503 that asked for patience with Retry-After."),
		latency:    seconds("postrider.delivery.duration", "Time from Dispatch to the end of a delivery, retries and waits included.", latencyBounds),
		disabled:   counter("postrider.webhooks.disabled", "{webhook}", "Webhooks that were switched off without a person."),
		attentions: counter("postrider.attentions", "{webhook}", "Webhooks that need attention."),
	}
	var err error
	out.inFlight, err = m.Int64UpDownCounter("postrider.attempts.in_flight", metric.WithUnit("{attempt}"), metric.WithDescription("Attempts under way in this process."))
	return out, errors.Join(append(errs, err)...)
}

// enter counts an attempt as in flight until the returned function is called.
func (m *metrics) enter(ctx context.Context) (leave func()) {
	m.inFlight.Add(ctx, 1)
	return func() { m.inFlight.Add(context.WithoutCancel(ctx), -1) }
}
