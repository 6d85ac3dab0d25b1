package telemetry_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/postrider/postrider/examples/otel/telemetry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// thief is a Store in which another process settles first, once.
type thief struct {
	*memstore.Store
	once sync.Once
}

func (s *thief) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	lost, err = s.Store.Settle(ctx, ss)
	s.once.Do(func() { lost = []string{ss[0].ID} })
	return lost, err
}

// Rule: each outcome of a delivery is counted under its name.
func TestMetrics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings func(*testing.T) settings
		want     map[string]float64
	}{
		"delivered at once": {
			settings: func(*testing.T) settings { return settings{options: answer(reply{status: 200})} },
			want: map[string]float64{
				"attempt_duration_seconds{http_response_status_code=200,postrider_code=ok,postrider_event_type=taskSuccess}":                       1,
				"deliveries_settled_total{postrider_code=ok,postrider_event_type=taskSuccess,postrider_exhausted=false,postrider_state=delivered}": 1,
				"delivery_duration_seconds{postrider_event_type=taskSuccess,postrider_state=delivered}":                                            1,
			},
		},
		"delivered after failures and a pause": {
			settings: func(*testing.T) settings {
				return settings{options: answer(reply{}, reply{status: 429, after: "20"}, reply{status: 200})}
			},
			want: map[string]float64{
				"attempt_duration_seconds{postrider_code=protocol,postrider_event_type=taskSuccess}":                                               1,
				"attempt_duration_seconds{http_response_status_code=429,postrider_code=status,postrider_event_type=taskSuccess}":                   1,
				"attempt_duration_seconds{http_response_status_code=200,postrider_code=ok,postrider_event_type=taskSuccess}":                       1,
				"retries_total{postrider_event_type=taskSuccess}":                                                                                  2,
				"pauses_total{http_response_status_code=429}":                                                                                      1,
				"deliveries_settled_total{postrider_code=ok,postrider_event_type=taskSuccess,postrider_exhausted=false,postrider_state=delivered}": 1,
				"delivery_duration_seconds{postrider_event_type=taskSuccess,postrider_state=delivered}":                                            1,
			},
		},
		"exhausted": {
			settings: func(*testing.T) settings { return settings{options: answer(reply{status: 503})} },
			want: map[string]float64{
				"attempt_duration_seconds{http_response_status_code=503,postrider_code=status,postrider_event_type=taskSuccess}":                   4,
				"retries_total{postrider_event_type=taskSuccess}":                                                                                  3,
				"deliveries_settled_total{postrider_code=status,postrider_event_type=taskSuccess,postrider_exhausted=true,postrider_state=failed}": 1,
				"delivery_duration_seconds{postrider_event_type=taskSuccess,postrider_state=failed}":                                               1,
			},
		},
		"gone: the webhook needs attention and is switched off": {
			settings: func(*testing.T) settings {
				return settings{options: answer(reply{status: 410}), profile: func(p *webhook.Profile) { p.Judge = webhook.Standard().Judge }}
			},
			want: map[string]float64{
				"attempt_duration_seconds{http_response_status_code=410,postrider_code=status,postrider_event_type=taskSuccess}":                    1,
				"deliveries_settled_total{postrider_code=status,postrider_event_type=taskSuccess,postrider_exhausted=false,postrider_state=failed}": 1,
				"delivery_duration_seconds{postrider_event_type=taskSuccess,postrider_state=failed}":                                                1,
				"attentions_total{postrider_code=status}": 1,
				"webhooks_disabled_total{}":               1,
			},
		},
		"lost to another process": {
			settings: func(t *testing.T) settings {
				return settings{options: answer(reply{status: 200}), store: &thief{Store: newStore(t)}}
			},
			want: map[string]float64{
				"attempt_duration_seconds{http_response_status_code=200,postrider_code=ok,postrider_event_type=taskSuccess}": 1,
				"deliveries_lost_total{postrider_event_type=taskSuccess}":                                                    1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := start(t, c.settings(t))
				h.dispatchFrom(t.Context(), success)
				settle(time.Hour)
				c.want["attempts_in_flight{}"] = 0
				c.want["deliveries_enqueued_total{postrider_event_type=taskSuccess}"] = 1
				if diff := cmp.Diff(c.want, h.samples()); diff != "" {
					t.Errorf("metrics (-want +got)\n%s", diff)
				}
			})
		})
	}
}

// Rule: durations are in seconds: of an attempt, of a delivery with its waits.
func TestDurations(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := start(t, settings{options: answer(reply{status: 503, after: "45"}, reply{status: 200})})
		h.dispatchFrom(t.Context(), success)
		settle(time.Hour)
		families, err := h.registry.Gather()
		check(t, err)
		for _, f := range families {
			if f.GetName() != "postrider_delivery_duration_seconds" {
				continue
			}
			if got := f.GetMetric()[0].GetHistogram().GetSampleSum(); got < 45 || got > 60 {
				t.Errorf("the delivery took %v s, want the 45 s that the endpoint asked for and a few more", got)
			}
			return
		}
		t.Error("no duration of a delivery")
	})
}

// names are all metrics, as Prometheus sees them.
var names = []string{
	"postrider_attempt_duration_seconds",
	"postrider_attempts_in_flight",
	"postrider_attempts_slow",
	"postrider_attentions_total",
	"postrider_deliveries_enqueued_total",
	"postrider_deliveries_lost_total",
	"postrider_deliveries_pending",
	"postrider_deliveries_settled_total",
	"postrider_delivery_duration_seconds",
	"postrider_oldest_due_seconds",
	"postrider_pauses_total",
	"postrider_retries_total",
	"postrider_store_errors_total",
	"postrider_webhooks",
	"postrider_webhooks_disabled_total",
}

// weak is a Store whose first Sweep fails.
type weak struct {
	thief
	swept sync.Once
}

func (s *weak) Sweep(ctx context.Context, w webhook.Sweep, limit int) (ended []webhook.Delivery, more bool, err error) {
	s.swept.Do(func() { err = errors.New("the Store is away") })
	if err != nil {
		return nil, false, err
	}
	return s.thief.Sweep(ctx, w, limit)
}

// everyMetric makes a host produce every metric: a delivery that is lost once, delayed by its
// endpoint and delivered at the second attempt, one that ends its webhook, and a failing call of
// the Store.
func everyMetric(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	h := start(t, settings{options: answer(reply{status: 503, after: "1"}, reply{status: 200}, reply{status: 410}),
		store: &weak{thief: thief{Store: newStore(t)}}, watch: true, profile: func(p *webhook.Profile) { p.Judge = webhook.Standard().Judge }})
	h.dispatchFrom(t.Context(), success)
	settle(time.Hour)
	h.dispatchFrom(t.Context(), failure)
	settle(time.Hour)
	families, err := h.registry.Gather()
	check(t, err)
	return families
}

// Rule: Prometheus' own linter finds no fault in any metric.
func TestPrometheusNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		families := everyMetric(t)
		var got []string
		for _, f := range families {
			got = append(got, f.GetName())
		}
		if diff := cmp.Diff(names, got); diff != "" {
			t.Errorf("names (-want +got)\n%s", diff)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		check(t, err)
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	})
}

// Rule: one of the hosts that share a Store reads how much is pending, how late it is and the
// health of webhooks, at most every 15 seconds.
func TestWatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newStore(t)
		h := start(t, settings{options: answer(reply{status: 503}), store: store, watch: true})
		h.dispatchFrom(t.Context(), success)
		settle(time.Second)
		pick := func(h *host) map[string]float64 {
			out := make(map[string]float64)
			for name, v := range h.samples() {
				if strings.HasPrefix(name, "deliveries_pending") || strings.HasPrefix(name, "webhooks{") || strings.HasPrefix(name, "oldest") {
					out[name] = v
				}
			}
			return out
		}
		want := map[string]float64{
			"deliveries_pending{kind=waiting}": 0, "deliveries_pending{kind=held}": 0, "deliveries_pending{kind=retrying}": 1,
			"oldest_due_seconds{}": 0, "webhooks{health=ok}": 0, "webhooks{health=failing}": 1, "webhooks{health=open}": 0,
			"webhooks{health=paused}": 0, "webhooks{health=disabled}": 0,
		}
		if diff := cmp.Diff(want, pick(h)); diff != "" {
			t.Errorf("metrics (-want +got)\n%s", diff)
		}
		h.stop() // due deliveries wait now
		second, err := webhook.New(store, webhook.Automation(), nil)
		check(t, err)
		other := &host{t: t, registry: prometheus.NewRegistry()}
		exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(other.registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
		check(t, err)
		tel, err := telemetry.New(&telemetry.Options{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))})
		check(t, err)
		stop, err := tel.Watch(second)
		check(t, err)
		if got := pick(other); len(got) != 0 {
			t.Errorf("another host tells it too: %v", got)
		}
		settle(time.Minute)
		got := pick(other)
		if late := got["oldest_due_seconds{}"]; got["deliveries_pending{kind=retrying}"] != 1 || late < 50 || late > 60 {
			t.Errorf("after the mark: %v, want what has been due for some 55 s", got)
		}
		check(t, stop())
		if got := pick(other); len(got) != 0 {
			t.Errorf("it goes on: %v", got)
		}
	})
}
