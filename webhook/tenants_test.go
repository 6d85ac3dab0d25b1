package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// crowd is a host with many tenants in a bubble of fake time: 20 healthy ones, whose events
// are timed, beside those of a case.
type crowd struct {
	t     *testing.T
	hooks *webhook.Dispatcher
	admin *webhook.Manager

	mu     sync.Mutex
	hang   func(path string) bool
	sent   map[string]time.Time // healthy events, by ID
	delays []time.Duration
}

const (
	healthyTenants = 20
	healthyEvery   = 100 * time.Millisecond
	healthyAnswer  = 5 * time.Millisecond
	crowdFor       = 20 * time.Second
)

// RoundTrip hangs or answers within 5 ms.
func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	hangs := c.hang(r.URL.Path)
	if at, ok := c.sent[r.Header.Get("Webhook-Id")]; ok {
		c.delays = append(c.delays, time.Since(at))
	}
	c.mu.Unlock()
	wait := time.After(healthyAnswer)
	if hangs {
		wait = nil
	}
	select {
	case <-wait:
		return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// add gives a tenant webhooks whose path begins with kind.
func (c *crowd) add(tenant, kind string, n int) (ids []string) {
	for i := range n {
		w, err := c.admin.Add(context.Background(), webhook.Webhook{Scope: tenant, Name: kind, Active: true, Events: []string{"*"},
			URL: fmt.Sprintf("https://%s.example.com/%s/%d", tenant, kind, i), Secrets: []webhook.Secret{webhook.NewSecret(standardSecret)}})
		if err != nil {
			c.t.Fatal(err)
		}
		ids = append(ids, w.ID)
	}
	return ids
}

const standardSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// every dispatches an event to a tenant periodically until ctx ends. Tenants begin at different
// moments of the period.
func (c *crowd) every(ctx context.Context, tenant string, period time.Duration, timed bool) {
	phase := fnv.New32a()
	_, _ = phase.Write([]byte(tenant))
	time.Sleep(time.Duration(phase.Sum32()) % period)
	tick := time.NewTicker(period)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e := payload.Event{ID: fmt.Sprintf("evt_%s_%d", tenant, n), Scope: tenant, Type: "taskSuccess", Time: time.Now(), Body: []byte(`{}`)}
		if timed {
			c.mu.Lock()
			c.sent[e.ID] = time.Now()
			c.mu.Unlock()
		}
		if _, err := c.hooks.Dispatch(context.WithoutCancel(ctx), e); err != nil {
			c.t.Error(err)
		}
	}
}

// crowded runs a case and returns the times of healthy events from Dispatch to the receiver,
// sorted.
func crowded(t *testing.T, others func(ctx context.Context, c *crowd, all *sync.WaitGroup)) (delays []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p := webhook.Standard()
		p.Form.MaxPerScope = 0
		c := &crowd{t: t, sent: make(map[string]time.Time), hang: func(path string) bool { return strings.HasPrefix(path, "/hangs") }}
		var err error
		if c.hooks, err = webhook.New(newStore(t), p, &webhook.Options{Transport: c}); err != nil {
			t.Fatal(err)
		}
		if c.admin, err = c.hooks.Manager(); err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.hooks.Run(running) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), crowdFor)
		defer cancel()
		var all sync.WaitGroup
		for i := range healthyTenants {
			tenant := fmt.Sprintf("healthy-%d", i)
			c.add(tenant, "fine", 1)
			all.Go(func() { c.every(ctx, tenant, healthyEvery, true) })
		}
		if others != nil {
			others(ctx, c, &all)
		}
		all.Wait()
		time.Sleep(time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if want := healthyTenants * int(crowdFor/healthyEvery-2); len(c.delays) < want {
			t.Errorf("%d healthy events arrived, want %d", len(c.delays), want)
		}
		delays = slices.Sorted(slices.Values(c.delays))
	})
	return delays
}

// TestTenants proves that a tenant delays no other: the events of healthy tenants arrive within 150
// ms (at the 99th percentile) of their time without other tenants.
func TestTenants(t *testing.T) {
	t.Parallel()
	p99 := func(ds []time.Duration) time.Duration { return ds[len(ds)*99/100] }
	alone := p99(crowded(t, nil))
	t.Logf("alone: p99 %v", alone)
	for _, tt := range []struct {
		name   string
		others func(ctx context.Context, c *crowd, all *sync.WaitGroup)
	}{
		{"1,000 hanging webhooks of one tenant", func(ctx context.Context, c *crowd, all *sync.WaitGroup) {
			c.add("mallory", "hangs", 1000)
			all.Go(func() { c.every(ctx, "mallory", time.Second, false) })
		}},
		{"100 tenants with ten hanging webhooks each", func(ctx context.Context, c *crowd, all *sync.WaitGroup) {
			for i := range 100 {
				tenant := fmt.Sprintf("slow-%d", i)
				c.add(tenant, "hangs", 10)
				all.Go(func() { c.every(ctx, tenant, time.Second, false) })
			}
		}},
		{"500 prompt tenants that begin to hang together", func(ctx context.Context, c *crowd, all *sync.WaitGroup) {
			turn := time.Now().Add(crowdFor / 4)
			c.hang = func(path string) bool { return strings.HasPrefix(path, "/turns") && time.Now().After(turn) }
			for i := range 500 {
				tenant := fmt.Sprintf("turns-%d", i)
				c.add(tenant, "turns", 1)
				all.Go(func() { c.every(ctx, tenant, 500*time.Millisecond, false) })
			}
		}},
		{"20 tenants that test hanging webhooks in a loop", func(ctx context.Context, c *crowd, all *sync.WaitGroup) {
			for i := range 20 {
				tenant := fmt.Sprintf("tests-%d", i)
				for _, id := range c.add(tenant, "hangs", 10) {
					all.Go(func() {
						for ctx.Err() == nil {
							if _, err := c.admin.Test(ctx, tenant, id); errors.Is(err, webhook.ErrBusy) {
								time.Sleep(10 * time.Millisecond)
							}
						}
					})
				}
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := p99(crowded(t, tt.others))
			t.Logf("healthy p99 %v beyond the run without", got-alone)
			if got > alone+150*time.Millisecond {
				t.Errorf("p99 of healthy tenants is %v, %v alone", got, alone)
			}
		})
	}
}
