// Command otel shows one event in OpenTelemetry: a task ends, its webhook is busy twice and then
// accepts. It prints the trace, from the task's span to the last attempt, and the metrics in the
// format of Prometheus.
//
//	go run ./examples/otel
//
// Package telemetry, below this folder, is for applications to copy, with a Grafana dashboard for
// its metrics. This program adds the SDK, an exporter that prints spans, and a stand-in of an
// Automation rule, at its real host name.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/postrider/postrider/examples/otel/telemetry"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/webhooktest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	rule, err := webhooktest.Start(nil)
	if err != nil {
		return err
	}
	defer rule.Close()
	rule.Answer(webhooktest.Response{Status: http.StatusServiceUnavailable},
		webhooktest.Response{Status: http.StatusTooManyRequests, RetryAfter: time.Second})

	// The SDK: spans go to a printer, metrics to a Prometheus registry.
	spans := &spanLog{}
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return err
	}
	app := resource.NewSchemaless(semconv.ServiceName("user-manager"))
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithResource(app))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(app))
	defer func() {
		err = errors.Join(err, traces.Shutdown(context.WithoutCancel(ctx)), meters.Shutdown(context.WithoutCancel(ctx)))
	}()

	tel, err := telemetry.New(&telemetry.Options{TracerProvider: traces, MeterProvider: meters})
	if err != nil {
		return err
	}
	ended, err := deliver(ctx, rule, tel, traces)
	if err != nil {
		return err
	}
	if ended.State != webhook.StateDelivered {
		return fmt.Errorf("the delivery ended as %v", ended.State)
	}
	fmt.Fprintln(out, "# The trace of one event")
	spans.print(out)
	fmt.Fprintln(out, "\n# The metrics, as Prometheus scrapes them")
	return scrape(registry, out)
}

// deliver is the host: it ends one task and waits until its webhook has the event.
func deliver(ctx context.Context, rule *webhooktest.Endpoint, tel *telemetry.Telemetry, traces *sdktrace.TracerProvider) (webhook.Delivery, error) {
	done := make(chan webhook.Delivery, 1)
	observer := tel.Observer()
	count := observer.Settled
	observer.Settled = func(ctx context.Context, d webhook.Delivery) {
		count(ctx, d)
		done <- d
	}
	profile := webhook.Automation()
	soon := retry.Slot{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond} // in production: seconds, then minutes
	profile.Retry = retry.Policy{Slots: []retry.Slot{soon, soon, soon}, MaxAfter: 2 * time.Second}
	store, err := memstore.New(nil)
	if err != nil {
		return webhook.Delivery{}, err
	}
	hooks, err := webhook.New(store, profile, &webhook.Options{
		Observer: observer, Around: tel.Around, Carry: tel.Carry,
		DialContext: rule.DialContext, RootCAs: rule.RootCAs(),
	})
	if err != nil {
		return webhook.Delivery{}, err
	}
	if _, err := tel.Watch(hooks); err != nil {
		return webhook.Delivery{}, err
	}
	manager, err := hooks.Manager()
	if err != nil {
		return webhook.Delivery{}, err
	}
	_, err = manager.Add(ctx, webhook.Webhook{Scope: "acme", Name: "Tell the admins", URL: rule.URL(),
		Secrets: []webhook.Secret{rule.Secret()}, Events: []string{"taskFailure"}, Active: true})
	if err != nil {
		return webhook.Delivery{}, err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- hooks.Run(running) }()

	err = endTask(ctx, hooks, traces)
	var d webhook.Delivery
	if err == nil {
		select {
		case d = <-done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	stop()
	return d, errors.Join(err, <-stopped)
}

// endTask has its own span, like the work of a host; Track dispatches the end of the task with the
// context of that span.
func endTask(ctx context.Context, hooks *webhook.Dispatcher, traces *sdktrace.TracerProvider) error {
	ctx, span := traces.Tracer("user-manager").Start(ctx, "task License Clean-up")
	defer span.End()
	broken := errors.New("directory is not reachable")
	err := webhook.Track(ctx, hooks, payload.Run{
		Scope: "acme", ProcessID: "5d0b7c52-6d3e-4a3e-9c54-1f4f8f3c7a11", Name: "License Clean-up", ActionTypes: []string{"removeAppAccess"},
		DeepLink: "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/automatedTasks?taskId=task-1&processId=5d0b7c52-6d3e-4a3e-9c54-1f4f8f3c7a11",
	}, func(context.Context) error { return broken })
	if err != broken { // Track joins an error of Dispatch to the task's own
		return err
	}
	return nil
}

// scrape writes the metrics that an application would serve with promhttp.
func scrape(registry *prometheus.Registry, out io.Writer) error {
	families, err := registry.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(out, f); err != nil {
			return err
		}
	}
	return nil
}
