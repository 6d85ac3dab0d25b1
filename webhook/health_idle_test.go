package webhook_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// healthCounter counts how often a host reads the health of all webhooks.
type healthCounter struct {
	*memstore.Store
	times atomic.Int64
}

func (s *healthCounter) Health(ctx context.Context, scope, id string) ([]webhook.Health, error) {
	if scope == "" {
		s.times.Add(1)
	}
	return s.Store.Health(ctx, scope, id)
}

// Rule: an idle host does not read the health of webhooks. Before it sends deliveries that it has
// found it does, so that it keeps to the pauses of other hosts.
func TestIdleHostKnowsHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		to := &receiver{answer: func(n int, _ request) answer {
			return answer{status: 503, header: http.Header{"Retry-After": {"600"}}}
		}}
		idle := &healthCounter{Store: store}
		b := newHost(t, idle, webhook.Standard(), &webhook.Options{Transport: to, Poll: time.Second})
		w := b.add("one", standardHook)
		b.start()
		defer b.stop()
		settled(10 * time.Minute)
		if n := idle.times.Load(); n != 1 {
			t.Errorf("an idle host asked for the health of webhooks %d times in ten minutes, want once, when it began", n)
		}
		busy := &healthCounter{Store: store}
		a := newHost(t, busy, webhook.Standard(), &webhook.Options{Transport: to, Poll: time.Second})
		a.start()
		defer a.stop()
		a.dispatch(id("evt_1")) // which this host claims at once, and the other one at its next poll
		settled(2 * time.Second)
		if n := len(to.seen()); n != 1 {
			t.Fatalf("%d requests of the first event, want 1", n)
		}
		a.dispatch(id("evt_2"))
		settled(9 * time.Minute)
		if n := len(to.seen()); n != 1 {
			t.Errorf("%d requests, want 1: the endpoint asked for ten minutes", n)
		}
		h, err := b.hooks.Health(t.Context(), scope, w.ID)
		if err != nil || h.Status(time.Now()) != webhook.HealthPaused {
			t.Errorf("health on the other host %+v, %v; want a pause", h, err)
		}
		asked := idle.times.Load()
		settled(3 * time.Minute)
		if n := len(to.seen()); n < 2 {
			t.Errorf("%d requests after the pause, want one of each event", n)
		}
		if idle.times.Load() == asked {
			t.Error("a host that holds a webhook back must ask whether another host has seen it recover")
		}
	})
}
