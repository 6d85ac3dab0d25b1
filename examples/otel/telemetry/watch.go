package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/postrider/postrider/webhook"
)

// Watch adds metrics of a Dispatcher's state: how much is pending in its Store, how late the oldest
// is, the health of webhooks, failed calls to the Store of this process, and the number of slow
// requests. They are read when the metrics are collected. None has a label by webhook or scope.
//
// Metrics of the Store as a whole are read by one host at a time, at most every 15 seconds, where
// the Store has [webhook.Marks]; the other hosts leave them out, so use the maximum over hosts. The
// function that Watch returns ends it. Errors: the Store has no [webhook.Stats], or those of the
// MeterProvider.
func (t *Telemetry) Watch(d *webhook.Dispatcher) (stop func() error, err error) {
	ops, err := d.Operators()
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	w := &watch{ops: ops}
	if m, err := d.Manager(); err == nil {
		w.marks, _ = m.Marks()
	}
	if err := w.instruments(t.meter); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	r, err := t.meter.RegisterCallback(w.observe, w.pending, w.oldest, w.webhooks, w.errors, w.slow)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return r.Unregister, nil
}

type watch struct {
	ops                     *webhook.Operators
	marks                   webhook.Marks // nil: every host reads
	pending, webhooks, slow metric.Int64ObservableGauge
	oldest                  metric.Float64ObservableGauge
	errors                  metric.Int64ObservableCounter
	mu                      sync.Mutex
	read                    time.Time // when this host read the fields below
	totals                  webhook.Totals
	failing                 []webhook.Health
	failingTotal            int
}

// watchEvery is how long one host's reading of the Store counts for all.
const watchEvery = 15 * time.Second

func (w *watch) instruments(m metric.Meter) error {
	var errs [5]error
	w.pending, errs[0] = m.Int64ObservableGauge("postrider.deliveries.pending", metric.WithUnit("{delivery}"),
		metric.WithDescription("Deliveries that have not ended, at least: counting stops at 100000."))
	w.oldest, errs[1] = m.Float64ObservableGauge("postrider.oldest_due", metric.WithUnit("s"),
		metric.WithDescription("How long ago the oldest delivery became due that is not held and may be sent."))
	w.webhooks, errs[2] = m.Int64ObservableGauge("postrider.webhooks", metric.WithUnit("{webhook}"), metric.WithDescription("Webhooks by health."))
	w.errors, errs[3] = m.Int64ObservableCounter("postrider.store.errors", metric.WithUnit("{call}"),
		metric.WithDescription("Calls of this process to the Store that failed."))
	w.slow, errs[4] = m.Int64ObservableGauge("postrider.attempts.slow", metric.WithUnit("{attempt}"),
		metric.WithDescription("Requests of this process that have no answer for longer than SlowAfter."))
	return errors.Join(errs[:]...)
}

// observe is called for each collection.
func (w *watch) observe(ctx context.Context, o metric.Observer) error {
	s := w.ops.Status()
	o.ObserveInt64(w.slow, int64(max(0, s.InFlight-s.Active)))
	for call, n := range s.StoreErrors {
		o.ObserveInt64(w.errors, n, metric.WithAttributes(attribute.String("call", call)))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if mine, err := w.refresh(ctx); !mine || err != nil {
		return err
	}
	kind := func(name string, n int) {
		o.ObserveInt64(w.pending, int64(n), metric.WithAttributes(attribute.String("kind", name)))
	}
	kind("waiting", w.totals.Waiting())
	kind("held", w.totals.Held.N)
	kind("retrying", w.totals.Retrying.N)
	late := 0.0
	if !w.totals.OldestDue.IsZero() {
		late = max(0, time.Since(w.totals.OldestDue).Seconds())
	}
	o.ObserveFloat64(w.oldest, late)
	for health, n := range w.health() {
		o.ObserveInt64(w.webhooks, int64(n), metric.WithAttributes(attribute.String("health", string(health))))
	}
	return nil
}

// refresh reads the Store where it is this host's turn, and reports whether the metrics are recent
// enough.
func (w *watch) refresh(ctx context.Context) (mine bool, err error) {
	now := time.Now()
	if now.Sub(w.read) < watchEvery {
		return true, nil
	}
	if w.marks != nil {
		first, err := w.marks.Mark(ctx, "postrider.telemetry", "totals", now, now.Add(watchEvery))
		if err != nil || !first {
			return false, err
		}
	}
	totals, err := w.ops.Totals(ctx)
	if err != nil {
		return false, err
	}
	failing, total, err := w.ops.Failing(ctx, webhook.FailingMost)
	if err != nil && !errors.Is(err, webhook.ErrUnsupported) {
		return false, err
	}
	w.totals, w.failing, w.failingTotal, w.read = totals, failing, total, now
	return true, nil
}

// health counts webhooks. One that is inactive may have failed before, and then counts as both.
func (w *watch) health() map[webhook.HealthStatus]int {
	by := map[webhook.HealthStatus]int{webhook.HealthDisabled: w.totals.Inactive, webhook.HealthOpen: 0, webhook.HealthPaused: 0,
		webhook.HealthFailing: w.failingTotal - len(w.failing)}
	now := time.Now()
	for _, h := range w.failing {
		if s := h.Status(now); s != webhook.HealthOK {
			by[s]++
		}
	}
	by[webhook.HealthOK] = max(0, w.totals.Webhooks-w.totals.Inactive-w.failingTotal)
	return by
}
