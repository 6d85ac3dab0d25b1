// Package sockets_test proves package webhook over real sockets: the address guard, proxies, TLS,
// broken connections, and the reasons of requests without an answer.
package sockets_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/leak"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	scope          = "acme"
	automation     = "https://api-private.atlassian.com/automation/webhooks/jira/a/11111111-2222-3333-4444-555555555555/"
	token          = "0123456789abcdef0123456789abcdef01234567"
	standardSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

	// An address that stands for a public one, and one to which no connection is allowed.
	publicIP    = "127.0.0.2"
	forbiddenIP = "127.0.0.3"

	// bannerCanary is a text of the remote side, which must not be shown anywhere.
	bannerCanary = "banner-canary"

	// bound is the shortened timeout of a faulty phase.
	bound = 400 * time.Millisecond
)

// TestMain fails the run when goroutines are left behind.
func TestMain(m *testing.M) { leak.Main(m) }

// withAllowed makes a profile accept the endpoints of the tests and retry in
// milliseconds. Everything else stays as it is.
func withAllowed(p webhook.Profile, ports ...uint16) webhook.Profile {
	p.Allow = allowlist.Policy{AllowPrefixes: []netip.Prefix{netip.MustParsePrefix(publicIP + "/32")}, Ports: ports}
	p.Retry.Slots = slices.Repeat([]retry.Slot{{Min: time.Millisecond, Max: 3 * time.Millisecond}}, len(p.Retry.Slots))
	return p
}

// host is a small host application.
type host struct {
	*webhook.Dispatcher
	t     testing.TB
	store webhook.Store
	hooks *webhook.Manager
	puts  int // webhooks that were stored without the Manager
}

// newHost is a host that does not run yet.
func newHost(t testing.TB, p webhook.Profile, o webhook.Options) *host {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := webhook.New(store, p, &o)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Dispatcher: d, t: t, store: store}
	if h.hooks, err = d.Manager(); err != nil {
		t.Fatal(err)
	}
	return h
}

// runningHost is a host that runs until the test ends.
func runningHost(t testing.TB, p webhook.Profile, o webhook.Options) *host {
	t.Helper()
	h := newHost(t, p, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
	return h
}

// add stores an automation webhook whose URL ends in name.
func (h *host) add(name string, change ...func(*webhook.Webhook)) webhook.Webhook {
	h.t.Helper()
	w := webhook.Webhook{Scope: scope, Name: name, URL: automation + name, Secrets: []webhook.Secret{webhook.NewSecret(token)},
		Events: []string{"taskSuccess", "taskFailure"}, Active: true}
	for _, f := range change {
		f(&w)
	}
	w, err := h.hooks.Add(context.Background(), w)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

func at(url string) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.URL = url }
}

// dispatch sends one event and returns the ID of its only delivery.
func (h *host) dispatch(opts ...payload.Option) string {
	h.t.Helper()
	e, err := payload.New(scope, payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Deactivate",
		ActionTypes: []string{"addToGroups"}, DeepLink: "https://your-site.atlassian.net/jira/settings?a=1&b=2"}, opts...)
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := h.Dispatch(context.Background(), e)
	if err != nil {
		h.t.Fatal(err)
	}
	if len(r.Events) != 1 || len(r.Events[0].Deliveries) != 1 {
		h.t.Fatalf("receipt %+v, want one delivery", r)
	}
	return r.Events[0].Deliveries[0]
}

func id(format string, args ...any) payload.Option {
	return payload.WithID(fmt.Sprintf(format, args...))
}

func (h *host) delivery(id string) (webhook.Delivery, []webhook.Attempt) {
	h.t.Helper()
	d, as, err := h.hooks.Delivery(context.Background(), scope, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return d, as
}

// outcome is the short form of a delivery's state: "failed status exhausted tries=4".
func (h *host) outcome(id string) string {
	h.t.Helper()
	d, _ := h.delivery(id)
	s := d.State.String()
	if d.LastCode != "" {
		s += " " + string(d.LastCode)
	}
	if d.Exhausted {
		s += " exhausted"
	}
	return s + " tries=" + strconv.Itoa(d.Tries)
}

// count is the number of deliveries in a state.
func (h *host) count(s webhook.State) int {
	h.t.Helper()
	ds, _, err := h.hooks.Deliveries(context.Background(), webhook.Query{Scope: scope, States: []webhook.State{s}, Limit: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(ds)
}
