package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/webhook"
)

// w3c is the format of W3C Trace Context: the keys traceparent and tracestate. Baggage is left out,
// because it may hold data that must not be in a Store.
var w3c propagation.TraceContext

// maxTraceState is the length that W3C Trace Context requires everyone to propagate, in bytes. A
// longer one is dropped, because carried values are bounded and a trace must not make a Dispatch
// fail.
const maxTraceState = 512

// Carry reads the trace context from the context of Dispatch. It is for webhook.Options.Carry.
func (t *Telemetry) Carry(ctx context.Context) map[string]string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	m := propagation.MapCarrier{}
	w3c.Inject(ctx, m)
	if len(m["tracestate"]) > maxTraceState {
		delete(m, "tracestate")
	}
	return m
}

// dispatched is the span that was current at Dispatch; invalid when there was none, or when it was
// carried in another format.
func dispatched(d webhook.Delivery) trace.SpanContext {
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), propagation.MapCarrier(d.Carry)))
}
