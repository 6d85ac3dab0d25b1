package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/postrider/postrider/examples/otel/telemetry"
	"github.com/postrider/postrider/internal/canary"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// canaries are parts of hidden values: URL, secret, header, body and addresses.
var canaries = []string{"Canary", "qjqjqj", "xkxkxk", "zvzvzv", "wqwqwq", "hjhjhj", "203.0.113.77", "2001:db8::77"}

// hidden is a webhook all of whose credentials are canaries.
func hidden() webhook.Webhook {
	return webhook.Webhook{Scope: "acme", Name: "Ops", Active: true, Events: []string{"*"},
		URL:     "https://api-private.atlassian.com/automation/webhooks/jira/a/pathCanary-qjqjqjqj/ruleCanary-xkxkxkxk?q=queryCanary-zvzvzvzv",
		Secrets: []webhook.Secret{webhook.NewSecret("secretCanary-wqwqwq")},
		Headers: map[string]string{"X-Key": "headerCanary-hjhjhj"}}
}

// host is a host application with telemetry, in memory. Its webhook is hidden unless start gets
// another.
type host struct {
	*webhook.Dispatcher
	t        *testing.T
	spans    *tracetest.SpanRecorder
	traces   *sdktrace.TracerProvider
	registry *prometheus.Registry
	log      canary.Notes
	stop     func()
}

// settings are the options of a test; each may be zero.
type settings struct {
	profile   func(*webhook.Profile)
	options   func(*webhook.Options)
	telemetry telemetry.Options
	store     webhook.Store
	webhook   *webhook.Webhook
	running   context.Context // of Run
	watch     bool            // add the metrics of Watch
}

func start(t *testing.T, s settings) *host {
	t.Helper()
	h := &host{t: t, spans: tracetest.NewSpanRecorder(), registry: prometheus.NewRegistry()}
	h.traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(h.spans))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(h.registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	check(t, err)
	s.telemetry.TracerProvider, s.telemetry.MeterProvider = h.traces, sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	tel, err := telemetry.New(&s.telemetry)
	check(t, err)

	opts := &webhook.Options{Observer: tel.Observer(), Around: tel.Around, Carry: tel.Carry, Logger: slog.New(slog.NewTextHandler(&h.log, nil))}
	if s.options != nil {
		s.options(opts)
	}
	p := webhook.Automation()
	if s.profile != nil {
		s.profile(&p)
	}
	if s.store == nil {
		s.store = newStore(t)
	}
	h.Dispatcher, err = webhook.New(s.store, p, opts)
	check(t, err)
	if s.watch {
		stop, err := tel.Watch(h.Dispatcher)
		check(t, err)
		t.Cleanup(func() { check(t, stop()) })
	}
	manager, err := h.Manager()
	check(t, err)
	w := hidden()
	if s.webhook != nil {
		w = *s.webhook
	}
	_, err = manager.Add(t.Context(), w)
	check(t, err)

	if s.running == nil {
		s.running = t.Context()
	}
	running, cancel := context.WithCancel(s.running)
	ran := make(chan error, 1)
	go func() { ran <- h.Run(running) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		check(t, <-ran)
	})
	t.Cleanup(h.stop)
	return h
}

func newStore(t *testing.T) *memstore.Store {
	t.Helper()
	s, err := memstore.New(nil)
	check(t, err)
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dispatch sends an event within a span and returns that span.
func (h *host) dispatch(data payload.Data) sdktrace.ReadOnlySpan {
	h.t.Helper()
	ctx, span := h.traces.Tracer("host").Start(h.t.Context(), "task")
	defer span.End()
	h.dispatchFrom(ctx, data)
	return span.(sdktrace.ReadOnlySpan)
}

// dispatchFrom sends events with a context.
func (h *host) dispatchFrom(ctx context.Context, data ...payload.Data) {
	h.t.Helper()
	for _, d := range data {
		e, err := payload.New("acme", d)
		check(h.t, err)
		_, err = h.Dispatch(ctx, e)
		check(h.t, err)
	}
}

var (
	link    = "https://example.com/tasks/7"
	success = payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "bodyCanary", ActionTypes: []string{"x"}, DeepLink: link}
	failure = payload.TaskFailure{ProcessID: "5d0b7c52-6d3e-4a3e-9c54-1f4f8f3c7a11", Name: "bodyCanary", ActionTypes: []string{"x"}, DeepLink: link}
)

// attempts are the spans of attempts, in the order in which they ended.
func (h *host) attempts() (spans []sdktrace.ReadOnlySpan) {
	for _, s := range h.spans.Ended() {
		if s.InstrumentationScope().Name == telemetry.Scope {
			spans = append(spans, s)
		}
	}
	return spans
}

// attribute is one of a span as text, "" where it has none of that name.
func attribute(s sdktrace.ReadOnlySpan, key string) string {
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// samples are the values of all metrics by name and labels; of a histogram the count.
func (h *host) samples() map[string]float64 {
	h.t.Helper()
	families, err := h.registry.Gather()
	check(h.t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name := strings.TrimPrefix(f.GetName(), "postrider_") + "{" + strings.Join(labels, ",") + "}"
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				out[name] = m.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				out[name] = m.GetGauge().GetValue()
			case dto.MetricType_HISTOGRAM:
				out[name] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return out
}

// replies is a transport that gives one answer after the other, the last one for all further
// requests.
type replies struct {
	mu   sync.Mutex
	list []reply
}

type reply struct {
	status int // 0: the connection breaks
	after  string
}

func answer(list ...reply) func(*webhook.Options) {
	return func(o *webhook.Options) { o.Transport = &replies{list: list} }
}

func (r *replies) RoundTrip(*http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.list[0]
	if len(r.list) > 1 {
		r.list = r.list[1:]
	}
	if next.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	h := http.Header{}
	if next.after != "" {
		h.Set("Retry-After", next.after)
	}
	return &http.Response{StatusCode: next.status, Header: h, Body: http.NoBody}, nil
}

// bubble runs a test in fake time.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}
