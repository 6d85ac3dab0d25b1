package sockets_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: the pool of idle connections is sized to the capacity, so that after many requests at once
// the next ones open no connections. The default of net/http is two.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	const atOnce, rounds = 24, 4
	n := newNetwork(t, hostile.Options{Then: hostile.Together(atOnce)})
	n.opts.Capacity = 4 * atOnce // a quarter of it may be tests
	h := newHost(t, n.profile, n.opts)
	var hooks []webhook.Webhook
	for i := range atOnce {
		hooks = append(hooks, h.add("one", at(n.url(hookHost)), func(w *webhook.Webhook) { w.Scope = fmt.Sprint("tenant-", i) }))
	}
	for range rounds {
		var round sync.WaitGroup
		for i := range atOnce {
			w := hooks[i]
			round.Go(func() {
				if a, err := h.hooks.Test(t.Context(), w.Scope, w.ID); err != nil || !a.OK() {
					t.Errorf("%+v, %v", a, err)
				}
			})
		}
		round.Wait()
	}
	// On a busy machine net/http sometimes closes a connection that it could have kept.
	if c := n.server.Connections(); c > 2*atOnce {
		t.Errorf("%d connections for %d requests, %d of them at once", c, rounds*atOnce, atOnce)
	}
	if r := len(n.server.Requests()); r != rounds*atOnce {
		t.Errorf("%d requests", r)
	}
}

// Rule: net/http itself repeats a POST with an Idempotency-Key when an idle connection breaks. A
// profile's hook that sets that header, in any case, has no effect: the header is not sent, and the
// transport alone decides to repeat: once, for any number of broken connections.
func TestIdempotencyKeyIsNotSent(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, hostile.Options{Script: []hostile.Behavior{hostile.ResetOnReuse(), hostile.ResetBeforeHeaders()}})
	n.profile.Prepare.Header = func(_ webhook.Webhook, d webhook.Delivery, h http.Header) {
		h.Set("Idempotency-Key", d.EventID)
		h["X-IDEMPOTENCY-key"] = []string{d.EventID}
		h["idempotency-key"] = []string{d.EventID}
	}
	n.profile.Retry = retry.None()
	h := n.host()
	h.add("one", at(n.url(hookHost)))
	if got := h.end(h.dispatch(id("evt_1"))); got != "delivered tries=1" {
		t.Fatal(got)
	}
	if got := h.end(h.dispatch(id("evt_2"))); got != "failed protocol exhausted tries=1" {
		t.Errorf("the second delivery met two broken connections and is %s", got)
	}
	if c := n.server.Connections(); c != 2 {
		t.Errorf("%d connections: net/http has sent the second request again", c)
	}
	for _, r := range n.server.Requests() {
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "idempotency") {
				t.Errorf("%s was sent", name)
			}
		}
	}
}

// Rule: an event is not lost when a server closes an idle connection, also where the profile has no
// retries: the attempt repeats its request, with the same identifier and the same bytes, and counts
// once.
func TestForgottenConnectionCostsNoAttempt(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, hostile.Options{Script: hostile.Repeat(1, hostile.CloseOnReuse())})
	n.profile.Retry = retry.None()
	h := n.host()
	h.add("one", at(n.url(hookHost)))
	if got := h.end(h.dispatch(id("evt_1"))); got != "delivered tries=1" {
		t.Fatal(got)
	}
	if got := h.end(h.dispatch(id("evt_2"))); got != "delivered tries=1" {
		t.Errorf("the delivery that met the connection is %s", got)
	}
	all := n.server.Requests()
	if len(all) != 3 || all[1].Conn == all[2].Conn || string(all[1].Body) != string(all[2].Body) ||
		all[1].Header.Get(sign.IDHeader) != "evt_2" || all[2].Header.Get(sign.IDHeader) != "evt_2" {
		t.Errorf("requests %+v, want evt_2 twice, on two connections", all)
	}
}

// Rule: a Signer sets headers; one that changes the request's target is refused before anything is
// dialled.
func TestSignerCannotMoveTheRequest(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*http.Request){
		"URL host":  func(r *http.Request) { r.URL.Host = "elsewhere.example.com" },
		"URL query": func(r *http.Request) { r.URL.RawQuery = "a=b" },
		"Host":      func(r *http.Request) { r.Host = "elsewhere.example.com" },
		"method":    func(r *http.Request) { r.Method = http.MethodPut },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, hostile.Options{})
			n.profile.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) {
				return sign.Func(func(r *http.Request, _ sign.Message) error { move(r); return nil }), nil
			}
			h := n.host()
			h.add("one", at(n.url(hookHost)))
			if got := h.end(h.dispatch()); got != "failed config tries=1" {
				t.Error(got)
			}
			if c := n.server.Connections(); c != 0 {
				t.Errorf("%d connections", c)
			}
		})
	}
}

// Rule: while one endpoint hangs, none of its attempts exceeds its time, and no more of its
// connections are open than its lane allows.
func TestHungEndpointHoldsItsLaneOnly(t *testing.T) {
	t.Parallel()
	const perLane = 3
	n := newNetwork(t, hostile.Options{Then: hostile.HangBeforeHeaders()})
	n.opts.PerLane, n.opts.Timeout = perLane, bound
	n.profile.Retry = retry.None()
	var mu sync.Mutex
	var inFlight, most int
	n.opts.Around = func(ctx context.Context, _ webhook.Delivery, send func(context.Context) webhook.Attempt) webhook.Attempt {
		mu.Lock()
		inFlight++
		most = max(most, inFlight)
		mu.Unlock()
		defer func() { mu.Lock(); inFlight--; mu.Unlock() }()
		return send(ctx)
	}
	h := n.host()
	h.add("one", at(n.url(hookHost)))
	for i := range 3 * perLane {
		h.dispatch(id("evt_%d", i))
	}
	hostile.Await(t, "the end of all", func() bool { return h.count(webhook.StateFailed) == 3*perLane })
	if most != 1 {
		t.Errorf("%d attempts at once, want 1: no success has made the window grow", most)
	}
	if c := n.server.Connections(); c > 3*perLane {
		t.Errorf("%d connections for %d attempts", c, 3*perLane)
	}
}
