package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// spanLog is an exporter that keeps spans and prints them as a tree.
type spanLog struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

// ExportSpans keeps the spans.
func (l *spanLog) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spans = append(l.spans, spans...)
	return nil
}

// Shutdown has nothing to do.
func (*spanLog) Shutdown(context.Context) error { return nil }

func (l *spanLog) print(out io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	for _, s := range l.spans {
		if !s.Parent().IsValid() {
			fmt.Fprintf(out, "trace %s\n", s.SpanContext().TraceID())
			l.branch(out, s, s.StartTime(), 1)
		}
	}
}

// branch prints a span and, indented, its children.
func (l *spanLog) branch(out io.Writer, s sdktrace.ReadOnlySpan, began time.Time, depth int) {
	in := strings.Repeat("  ", depth)
	since := func(t time.Time) time.Duration { return t.Sub(began).Round(time.Millisecond) }
	fmt.Fprintf(out, "%s%s  span %s, %s, +%v to +%v", in, s.Name(), s.SpanContext().SpanID(), s.SpanKind(), since(s.StartTime()), since(s.EndTime()))
	if status := s.Status(); status.Code != 0 {
		fmt.Fprintf(out, ", %s", strings.TrimSpace(status.Code.String()+" "+status.Description))
	}
	fmt.Fprintln(out)
	for _, a := range s.Attributes() {
		fmt.Fprintf(out, "%s    %s = %s\n", in, a.Key, a.Value.String())
	}
	for _, e := range s.Events() {
		fmt.Fprintf(out, "%s    event %s at +%v\n", in, e.Name, since(e.Time))
	}
	for _, child := range l.childrenOf(s.SpanContext()) {
		l.branch(out, child, began, depth+1)
	}
}

func (l *spanLog) childrenOf(parent trace.SpanContext) (children []sdktrace.ReadOnlySpan) {
	for _, s := range l.spans {
		if s.Parent().SpanID() == parent.SpanID() && s.SpanContext().TraceID() == parent.TraceID() {
			children = append(children, s)
		}
	}
	return children
}
