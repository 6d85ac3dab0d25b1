package telemetry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/examples/otel/telemetry"
	"github.com/postrider/postrider/webhook"
)

// settle lets time pass until everything that is due within d has happened.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Rule: each attempt of a delivery, however late, is a child of the span of Dispatch.
func TestAttemptsAreChildrenOfDispatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := start(t, settings{options: answer(reply{status: 503}, reply{}, reply{status: 200})})
		task := h.dispatch(success)
		settle(time.Hour)
		spans := h.attempts()
		if len(spans) != 3 {
			t.Fatalf("%d spans of attempts, want 3", len(spans))
		}
		var got []map[string]string
		ids := map[trace.SpanID]bool{}
		for _, s := range spans {
			if s.Parent().SpanID() != task.SpanContext().SpanID() || s.SpanContext().TraceID() != task.SpanContext().TraceID() || !s.Parent().IsRemote() {
				t.Errorf("%v is no child of %v", s.SpanContext(), task.SpanContext())
			}
			if s.SpanKind() != trace.SpanKindClient {
				t.Errorf("kind %v, want client", s.SpanKind())
			}
			ids[s.SpanContext().SpanID()] = true
			row := map[string]string{"name": s.Name(), "status": s.Status().Code.String() + " " + s.Status().Description}
			for _, key := range []string{"http.request.method", "http.request.resend_count", "http.response.status_code", "error.type",
				"postrider.attempt", "postrider.code", "postrider.event.type", "postrider.scope"} {
				if v := attribute(s, key); v != "" {
					row[key] = v
				}
			}
			got = append(got, row)
			if !strings.HasPrefix(attribute(s, "postrider.webhook.id"), "whk_") || !strings.HasPrefix(attribute(s, "postrider.delivery.id"), "dlv_") {
				t.Errorf("the span does not say whose it is: %v", s.Attributes())
			}
		}
		want := []map[string]string{
			{"name": "POST", "status": "Error ", "http.request.method": "POST", "http.response.status_code": "503", "error.type": "503",
				"postrider.attempt": "1", "postrider.code": "status", "postrider.event.type": "taskSuccess", "postrider.scope": "acme"},
			{"name": "POST", "status": "Error protocol", "http.request.method": "POST", "http.request.resend_count": "1", "error.type": "protocol",
				"postrider.attempt": "2", "postrider.code": "protocol", "postrider.event.type": "taskSuccess", "postrider.scope": "acme"},
			{"name": "POST", "status": "Unset ", "http.request.method": "POST", "http.request.resend_count": "2", "http.response.status_code": "200",
				"postrider.attempt": "3", "postrider.code": "ok", "postrider.event.type": "taskSuccess", "postrider.scope": "acme"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attempts (-want +got)\n%s", diff)
		}
		if len(ids) != 3 {
			t.Errorf("%d different spans, want 3", len(ids))
		}
		if events := task.Events(); len(events) != 1 || events[0].Name != "postrider.enqueued" {
			t.Errorf("events of the dispatching span: %v", events)
		}
	})
}

// Rule: with Linked each attempt has its own trace and a link to the one of Dispatch.
func TestLinked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := start(t, settings{telemetry: telemetry.Options{Linked: true}, options: answer(reply{status: 503}, reply{status: 200})})
		task := h.dispatch(success)
		settle(time.Hour)
		traces := map[trace.TraceID]bool{task.SpanContext().TraceID(): true}
		for _, s := range h.attempts() {
			traces[s.SpanContext().TraceID()] = true
			if s.Parent().IsValid() || len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID() != task.SpanContext().SpanID() {
				t.Errorf("parent %v and links %v, want a link to %v alone", s.Parent(), s.Links(), task.SpanContext())
			}
		}
		if len(traces) != 3 {
			t.Errorf("%d traces, want that of the task and one for each of 2 attempts", len(traces))
		}
	})
}

// Rule: without a span at Dispatch an attempt has its own trace, also where Run was started within
// a span.
func TestNoSpanAtDispatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		around := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled})
		h := start(t, settings{running: trace.ContextWithSpanContext(t.Context(), around), options: answer(reply{status: 200})})
		h.dispatchFrom(t.Context(), success)
		settle(time.Minute)
		if spans := h.attempts(); len(spans) != 1 || spans[0].Parent().IsValid() || spans[0].SpanContext().TraceID() == around.TraceID() {
			t.Errorf("%d attempts, want 1 that is a root", len(spans))
		}
	})
}

// Rule: the attempts of a trace that is not sampled are not sampled either.
func TestUnsampled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := start(t, settings{options: answer(reply{status: 200})})
		h.dispatchFrom(trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})), success)
		settle(time.Minute)
		if spans := h.attempts(); len(spans) != 0 {
			t.Errorf("%d spans of an unsampled trace", len(spans))
		}
		if n := h.samples()["deliveries_settled_total{postrider_code=ok,postrider_event_type=taskSuccess,postrider_exhausted=false,postrider_state=delivered}"]; n != 1 {
			t.Errorf("%v deliveries were counted, want 1", n)
		}
	})
}

// Rule: a trace state of any length cannot make a Dispatch fail.
func TestLongTraceState(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var state trace.TraceState
		for i := range 30 {
			var err error
			state, err = state.Insert("vendor"+strings.Repeat("x", i), strings.Repeat("v", 250))
			check(t, err)
		}
		h := start(t, settings{options: answer(reply{status: 200})})
		parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, TraceState: state})
		h.dispatchFrom(trace.ContextWithSpanContext(t.Context(), parent), success)
		settle(time.Minute)
		if spans := h.attempts(); len(spans) != 1 || spans[0].Parent().SpanID() != parent.SpanID() {
			t.Errorf("%d attempts, want 1 that is a child of the dispatching span", len(spans))
		}
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Rule: an attempt that a shutdown interrupts is no error and no attempt in the metrics.
func TestReleased(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := start(t, settings{options: func(o *webhook.Options) {
			o.Drain = time.Second
			o.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
		}})
		h.dispatch(success)
		settle(time.Second)
		if n := h.samples()["attempts_in_flight{}"]; n != 1 {
			t.Errorf("%v attempts in flight, want 1", n)
		}
		h.stop()
		spans := h.attempts()
		if len(spans) != 1 || attribute(spans[0], "postrider.released") != "true" || spans[0].Status().Code != codes.Unset {
			t.Fatalf("%d attempts, want 1 that was released without an error", len(spans))
		}
		want := map[string]float64{"attempts_in_flight{}": 0, "deliveries_enqueued_total{postrider_event_type=taskSuccess}": 1}
		if diff := cmp.Diff(want, h.samples()); diff != "" {
			t.Errorf("metrics (-want +got)\n%s", diff)
		}
	})
}

// Rule: without an SDK everything works as with one.
func TestNoProviders(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(nil)
	check(t, err)
	if m := tel.Carry(t.Context()); m != nil {
		t.Errorf("carried %v from a context without a span", m)
	}
	sent := webhook.Attempt{Number: 1, Status: 200}
	got := tel.Around(t.Context(), webhook.Delivery{Type: "taskSuccess"}, func(context.Context) webhook.Attempt { return sent })
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("Around returned (-want +got)\n%s", diff)
	}
	tel.Observer().Attempted(t.Context(), webhook.Delivery{}, sent)
}
