package webhook_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// benchHost is a host with an endpoint of its own, reached over loopback and TLS.
type benchHost struct {
	*host
	endpoint *webhooktest.Endpoint

	mu      sync.Mutex
	settled map[string]func() // by event
	first   string            // webhook 0, which is not in settled if there are others
}

// newBenchHost has webhooks 0 to n-1, each under a host name of its own; hang selects the endpoints
// that hang.
func newBenchHost(b *testing.B, n int, hang func(host string) bool, o webhook.Options) *benchHost {
	b.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("h%d.example.com", i))
	}
	h := &benchHost{settled: map[string]func(){}}
	h.endpoint = webhooktest.New(b, &webhooktest.Options{Generic: true, HTTP1: true, Hosts: names,
		Script: func(_ int, r webhooktest.Request) webhooktest.Response {
			return webhooktest.Response{Hang: hang(r.Host)}
		}})
	p := webhook.Automation()
	p.Allow, p.Form.MaxPerScope, p.Retry = allowlist.Public(), 0, retry.None()
	o.DialContext, o.RootCAs, o.Drain = h.endpoint.DialContext, h.endpoint.RootCAs(), time.Millisecond
	o.Observer = &webhook.Observer{Settled: func(_ context.Context, d webhook.Delivery) {
		if d.State != webhook.StateDelivered || n > 1 && d.WebhookID == h.first {
			return
		}
		h.mu.Lock()
		f := h.settled[d.EventID]
		h.mu.Unlock()
		if f != nil {
			f()
		}
	}}
	h.host = realHostStopped(b, p, o)
	for i, name := range names {
		if w := h.add(name, at("https://"+name+"/hook")); i == 0 {
			h.first = w.ID
		}
	}
	return h
}

// send dispatches an event and returns how long so many deliveries took, without those of webhook
// 0.
func (h *benchHost) send(b *testing.B, event payload.Event, wait int) []time.Duration {
	took := make(chan time.Duration, wait)
	began := time.Now()
	h.mu.Lock()
	h.settled[event.ID] = func() { took <- time.Since(began) }
	h.mu.Unlock()
	if _, err := h.Dispatch(context.Background(), event); err != nil {
		b.Fatal(err)
	}
	out := make([]time.Duration, wait)
	for i := range out {
		out[i] = <-took
	}
	h.mu.Lock()
	delete(h.settled, event.ID)
	h.mu.Unlock()
	return out
}

// p99 sorts its argument.
func p99(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)*99/100]
}

func median[T float64 | time.Duration](xs []T) T {
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// BenchmarkDeadNeighbour measures how a webhook that hangs affects nine healthy ones: the time from
// Dispatch to the stored outcome. Both arms run in turns, and the ratio is the median over the
// pairs; 1.5 is the limit.
func BenchmarkDeadNeighbour(b *testing.B) {
	const webhooks, pairs, events = 10, 9, 100
	arms := [2]*benchHost{
		newBenchHost(b, webhooks, func(string) bool { return false }, webhook.Options{}),
		newBenchHost(b, webhooks, func(host string) bool { return strings.HasPrefix(host, "h0.") }, webhook.Options{}),
	}
	for _, h := range arms {
		h.start()
		defer h.stop()
	}
	n := 0
	event := func() payload.Event { n++; return success(b, id("evt_%d", n)) }
	for _, h := range arms { // connections, and the lane of the webhook that hangs fills up
		for range 20 {
			h.send(b, event(), webhooks-1)
		}
	}
	var at99 [2][]time.Duration
	var ratios []float64
	for b.Loop() {
		for pair := range pairs {
			for i := range arms {
				arm := (i + pair) % 2
				var took []time.Duration
				for range events {
					took = append(took, arms[arm].send(b, event(), webhooks-1)...)
				}
				at99[arm] = append(at99[arm], p99(took))
			}
			last := len(at99[0]) - 1
			ratios = append(ratios, float64(at99[1][last])/float64(at99[0][last]))
		}
	}
	b.ReportMetric(float64(median(at99[0]).Microseconds()), "µs-p99-all-well")
	b.ReportMetric(float64(median(at99[1]).Microseconds()), "µs-p99-one-hung")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDispatch is one Dispatch of an event to one webhook, up to the Store.
func BenchmarkDispatch(b *testing.B) {
	b.ReportAllocs()
	h := newBenchHost(b, 1, func(string) bool { return false }, webhook.Options{})
	event := success(b)
	n := 0
	for b.Loop() {
		if n++; n%5000 == 0 { // the Store is bounded
			b.StopTimer()
			if err := h.hooks.DeleteScope(context.Background(), scope); err != nil {
				b.Fatal(err)
			}
			h.add("again", at("https://h0.example.com/hook"))
			b.StartTimer()
		}
		event.ID = fmt.Sprint(n)
		if _, err := h.Dispatch(context.Background(), event); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDrain is how fast a backlog leaves with 64 requests in flight, against the same
// requests through a bare net/http transport that is tuned alike. Both are measured in
// turns in one run. The allocations of the endpoint are in both.
func BenchmarkDrain(b *testing.B) {
	const inFlight, backlog, pairs = 64, 2000, 3
	var rates [2][]float64
	var allocs [2][]float64
	measure := func(arm int, run func()) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		run()
		rates[arm] = append(rates[arm], backlog/time.Since(began).Seconds())
		runtime.ReadMemStats(&after)
		allocs[arm] = append(allocs[arm], float64(after.Mallocs-before.Mallocs)/backlog)
	}
	var ratios []float64
	for b.Loop() {
		for range pairs {
			measure(0, drained(b, inFlight, backlog))
			measure(1, bare(b, inFlight, backlog))
			last := len(rates[0]) - 1
			ratios = append(ratios, rates[0][last]/rates[1][last])
		}
	}
	b.ReportMetric(median(rates[0]), "deliveries/s")
	b.ReportMetric(median(rates[1]), "bare-requests/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(allocs[0]), "allocs/delivery")
	b.ReportMetric(median(allocs[1]), "allocs/bare-request")
	b.ReportMetric(0, "ns/op")
}

// drained returns a function that sends a backlog that is already stored.
func drained(b *testing.B, inFlight, backlog int) (run func()) {
	h := newBenchHost(b, 1, func(string) bool { return false }, webhook.Options{Capacity: inFlight, PerLane: inFlight})
	var left sync.WaitGroup
	left.Add(backlog)
	for i := range backlog {
		e := success(b, id("evt_%d", i))
		h.settled[e.ID] = left.Done
		if _, err := h.Dispatch(context.Background(), e); err != nil {
			b.Fatal(err)
		}
	}
	return func() {
		h.start()
		left.Wait()
		h.stop()
	}
}

// bare returns a function that sends as many requests without Postrider.
func bare(b *testing.B, inFlight, requests int) (run func()) {
	e := webhooktest.New(b, &webhooktest.Options{Generic: true, HTTP1: true})
	t := &http.Transport{DialContext: e.DialContext, TLSClientConfig: &tls.Config{RootCAs: e.RootCAs()},
		MaxIdleConnsPerHost: inFlight, DisableCompression: true}
	body := string(success(b).Body)
	return func() {
		defer t.CloseIdleConnections()
		todo := make(chan struct{})
		var workers sync.WaitGroup
		for range inFlight {
			workers.Go(func() {
				for range todo {
					r, err := http.NewRequest(http.MethodPost, e.URL(), strings.NewReader(body))
					if err != nil {
						b.Error(err)
						return
					}
					r.Header.Set("Content-Type", "application/json")
					resp, err := t.RoundTrip(r)
					if err != nil {
						b.Error(err)
						continue
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		for range requests {
			todo <- struct{}{}
		}
		close(todo)
		workers.Wait()
	}
}

// BenchmarkAttempt is one attempt over a connection that is open. The allocations of the
// endpoint are in it.
func BenchmarkAttempt(b *testing.B) {
	for _, v := range []struct {
		name  string
		http1 bool
	}{{"HTTP1", true}, {"HTTP2", false}} {
		b.Run(v.name, func(b *testing.B) {
			b.ReportAllocs()
			e := webhooktest.New(b, &webhooktest.Options{HTTP1: v.http1})
			h := realHostStopped(b, webhook.Automation(), webhook.Options{DialContext: e.DialContext, RootCAs: e.RootCAs()})
			w := h.add("one", at(e.URL()), signedWith(e.Secret()))
			event := success(b)
			d := webhook.Delivery{ID: "dlv", EventID: event.ID, WebhookID: w.ID, Scope: scope, Type: event.Type, Body: event.Body}
			for b.Loop() {
				if a := webhook.Send(context.Background(), h.Dispatcher, w, d); !a.OK() {
					b.Fatalf("%+v", a)
				}
			}
		})
	}
}
