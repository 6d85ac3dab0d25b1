// Package telemetry shows a webhook.Dispatcher in OpenTelemetry: a span for each attempt, and
// metrics for everything that the Dispatcher reports. It needs OpenTelemetry's API only, so an
// application may copy it as it is and bring its own SDK and exporters:
//
//	tel, err := telemetry.New(&telemetry.Options{TracerProvider: traces, MeterProvider: metrics})
//	hooks, err := webhook.New(store, profile, &webhook.Options{
//		Observer: tel.Observer(), Around: tel.Around, Carry: tel.Carry,
//	})
//	stop, err := tel.Watch(hooks) // what is pending, how late it is, how webhooks are
//
// Carry reads the trace context from the context of Dispatch; it is stored with each delivery.
// Around reads it back, perhaps in another process and hours later, and makes every attempt a child
// of the span of Dispatch.
//
// Spans follow OpenTelemetry's conventions for HTTP clients, except for the URL: only scheme and
// host are recorded, because everything behind the host of a webhook's URL is a credential. No span
// and no metric holds a secret, a URL path, a body or an address.
package telemetry

import (
	"cmp"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Scope names the tracer and the meter.
const Scope = "github.com/postrider/postrider/examples/otel/telemetry"

// Options configures [New]. Nil, or a zero field, means the default.
type Options struct {
	// TracerProvider makes the spans; default OpenTelemetry's global one.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics; default OpenTelemetry's global one.
	MeterProvider metric.MeterProvider
	// Linked gives each attempt its own trace with a link to the span of Dispatch, for back ends
	// that expect a trace to end within minutes. By default an attempt is a child of that span.
	Linked bool
}

// Telemetry records the work of a Dispatcher. One may serve several Dispatchers. Its methods are
// safe for concurrent use.
type Telemetry struct {
	tracer  trace.Tracer
	meter   metric.Meter
	metrics *metrics
	linked  bool
}

// New makes the instruments. It starts nothing. Its error is the MeterProvider's.
func New(o *Options) (*Telemetry, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.TracerProvider = cmp.Or(opts.TracerProvider, otel.GetTracerProvider())
	opts.MeterProvider = cmp.Or(opts.MeterProvider, otel.GetMeterProvider())
	meter := opts.MeterProvider.Meter(Scope)
	m, err := newMetrics(meter)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return &Telemetry{tracer: opts.TracerProvider.Tracer(Scope), meter: meter, metrics: m, linked: opts.Linked}, nil
}
