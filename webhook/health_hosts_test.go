package webhook_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Rule: of several hosts on one Store, one sends each delivery, and one switches a webhook off and
// reports it.
func TestTwoHosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		var o observed
		answer503 := atomic.Bool{}
		to := &receiver{}
		to.answer = func(int, request) answer {
			if answer503.Load() {
				return answer{status: 410, delay: time.Millisecond}
			}
			return answer{status: 200, delay: time.Millisecond}
		}
		hosts := make([]*host, 2)
		for i := range hosts {
			hosts[i] = newHost(t, store, webhook.Standard(), &webhook.Options{Transport: to, Observer: o.observer()})
		}
		hosts[0].add("one", standardHook)
		for _, h := range hosts {
			h.start()
			defer h.stop()
		}
		var want []string
		for i := range 100 {
			name := "evt_" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			want = append(want, name)
			hosts[i%2].dispatch(id("%s", name))
		}
		settled(time.Minute)
		var got []string
		for _, r := range to.seen() {
			got = append(got, r.Header.Get("Webhook-Id"))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d requests for 100 events, or others than those", len(got))
		}
		answer503.Store(true)
		for i := range 8 {
			hosts[i%2].dispatchAll(id("gone_%d", i))
		}
		settled(time.Minute)
		if len(o.disabled) != 1 {
			t.Errorf("%d hosts told that it was switched off, want 1", len(o.disabled))
		}
	})
}

// Rule: all hosts of a Store learn a change of health within half a minute: while the breaker is open
// none of them sends, and after a success of one host all of them do.
func TestTwoHostsLearnHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		var down atomic.Bool
		down.Store(true)
		hosts := make([]*host, 2)
		for i := range hosts {
			to := &receiver{answer: func(int, request) answer {
				if down.Load() {
					return answer{status: 500}
				}
				return answer{status: 200}
			}}
			hosts[i] = newHost(t, store, webhook.Standard(), &webhook.Options{Transport: to, Poll: time.Second,
				Breaker: webhook.Breaker{Open: 10 * time.Minute, MaxOpen: time.Hour}})
			hosts[i].start()
			defer hosts[i].stop()
		}
		w := hosts[0].add("one", standardHook)
		hosts[1].SetPaused(true) // so that it learns nothing from an attempt of its own
		settled(time.Second)
		for i := range 12 {
			hosts[0].dispatch(id("evt_%d", i))
		}
		settled(31 * time.Second)
		statuses := func(want webhook.HealthStatus) {
			t.Helper()
			for i, h := range hosts {
				health, err := h.hooks.Health(context.Background(), scope, w.ID)
				if got := health.Status(time.Now()); err != nil || got != want {
					t.Errorf("host %d: health %s, %v; want %s", i, got, err, want)
				}
			}
		}
		statuses(webhook.HealthOpen)
		hosts[1].SetPaused(false)
		hosts[1].dispatch(id("evt_other"))
		settled(5 * time.Minute)
		if n := len(hosts[1].to.seen()); n != 0 {
			t.Errorf("%d requests by the other host while the breaker is open", n)
		}
		down.Store(false)
		if a := hosts[0].sendTest(w); !a.OK() {
			t.Fatalf("%+v", a)
		}
		settled(31 * time.Second)
		statuses(webhook.HealthOK)
		for i, h := range hosts {
			h.to.reset()
			h.dispatch(id("evt_after_%d", i))
			settled(0)
			if n := len(h.to.seen()); n != 1 {
				t.Errorf("host %d: %d requests at once after the success, want 1", i, n)
			}
		}
		if n := hosts[0].count(webhook.StateDelivered); n != 15 {
			t.Errorf("%d of 15 delivered", n)
		}
	})
}

// Rule: an open breaker in a HealthStore stays open after the process has ended.
func TestHealthOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		to := &receiver{answer: status(500)}
		h := newHost(t, store, webhook.Standard(), &webhook.Options{Transport: to, Poll: time.Hour})
		w := h.add("one", standardHook)
		h.start()
		for i := range 12 {
			h.dispatch(id("evt_%d", i))
		}
		settled(3 * time.Second)
		h.stop()
		before, err := h.hooks.Health(context.Background(), scope, w.ID)
		if err != nil || before.Status(time.Now()) != webhook.HealthOpen {
			t.Fatalf("health %+v, %v; want an open breaker", before, err)
		}
		to.reset()
		again := newHost(t, store, webhook.Standard(), &webhook.Options{Transport: to, Poll: time.Hour})
		again.start()
		defer again.stop()
		settled(time.Until(before.OpenUntil) - time.Second)
		if n := len(to.seen()); n != 0 {
			t.Errorf("%d requests by the new process before the breaker's time", n)
		}
		settled(2 * time.Second)
		if n := len(to.seen()); n != 1 {
			t.Errorf("%d requests at the breaker's time, want one probe", n)
		}
	})
}

// Rule: a success ends the row of failures of all hosts, also on one that has not read of them yet, as
// where it sends the retry of another one.
func TestRetryOnAnotherHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		hosts := make([]*host, 2)
		for i, status := range []int{500, 200} {
			to := &receiver{answer: func(int, request) answer { return answer{status: status} }}
			hosts[i] = newHost(t, store, webhook.Standard(), &webhook.Options{Transport: to, Poll: time.Second})
			hosts[i].start()
			defer hosts[i].stop()
		}
		w := hosts[0].add("one", standardHook)
		hosts[0].SetPaused(true)
		hosts[1].dispatch(id("first")) // so that this host knows the health, which is good
		settled(time.Second)
		hosts[0].SetPaused(false)
		hosts[1].SetPaused(true)
		d := hosts[0].dispatch(id("second"))
		settled(time.Second)
		if h, err := hosts[0].hooks.Health(ctx, scope, w.ID); err != nil || h.Failures != 1 {
			t.Fatalf("%d failures, %v; want 1", h.Failures, err)
		}
		hosts[0].SetPaused(true)
		hosts[1].SetPaused(false)
		settled(15 * time.Second)
		if got, _ := hosts[1].delivery(d); got.State != webhook.StateDelivered {
			t.Fatalf("%v, want delivered", got.State)
		}
		if h, err := hosts[1].hooks.Health(ctx, scope, w.ID); err != nil || !h.OK() {
			t.Errorf("%d failures since %v, %v; want none after a success", h.Failures, h.FailingSince, err)
		}
	})
}
