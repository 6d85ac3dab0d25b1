package telemetry

import (
	"context"
	"net/http/httptrace"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/webhook"
)

// Around makes a span of an attempt. It is for webhook.Options.Around.
func (t *Telemetry) Around(ctx context.Context, d webhook.Delivery, send func(context.Context) webhook.Attempt) webhook.Attempt {
	ctx, span := t.start(ctx, d)
	defer span.End()
	defer t.metrics.enter(ctx)()
	if !span.IsRecording() {
		return send(ctx)
	}
	var to target
	a := send(httptrace.WithClientTrace(ctx, to.trace()))
	span.SetAttributes(to.attributes()...)
	if ctx.Err() != nil && a.Status == 0 {
		span.SetAttributes(ReleasedKey.Bool(true)) // a shutdown is no error
		return a
	}
	span.SetAttributes(outcome(a)...)
	switch {
	case a.OK():
	case a.Status != 0:
		span.SetStatus(codes.Error, "") // the status code has the reason
	default:
		span.SetStatus(codes.Error, string(a.Code))
	}
	return a
}

// start begins a span whose parent is the one of Dispatch. The context of Run is no parent, because
// a span around all of Run would collect every delivery in one trace.
func (t *Telemetry) start(ctx context.Context, d webhook.Delivery) (context.Context, trace.Span) {
	number := d.Attempts + 1
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodPost, eventType(d), AttemptKey.Int(number), WebhookIDKey.String(d.WebhookID),
		ScopeKey.String(d.Scope), EventIDKey.String(d.EventID), DeliveryIDKey.String(d.ID),
	}
	if number > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(number-1))
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...)}
	parent := dispatched(d)
	switch {
	case !parent.IsValid():
		opts = append(opts, trace.WithNewRoot())
	case t.linked:
		opts = append(opts, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: parent}))
	default:
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	return t.tracer.Start(ctx, "POST", opts...)
}

func outcome(a webhook.Attempt) []attribute.KeyValue {
	attrs := []attribute.KeyValue{code(a.Code)}
	if a.Status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(a.Status))
	}
	if a.RetryAfter > 0 {
		attrs = append(attrs, RetryAfterKey.Float64(a.RetryAfter.Seconds()))
	}
	switch {
	case a.OK():
	case a.Status != 0:
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(a.Status)))
	default:
		attrs = append(attrs, semconv.ErrorTypeKey.String(string(a.Code)))
	}
	return attrs
}
