package recovery_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// shifted is a Store whose database has a clock that a test can turn.
type shifted struct {
	bubbleStore
	by    *atomic.Int64
	ahead *atomic.Int64 // the largest distance between a claim's time and the database's
}

func (s shifted) Now(ctx context.Context) (webhook.Reading, error) {
	r, err := s.bubbleStore.Now(ctx)
	r.Store = r.Store.Add(time.Duration(s.by.Load()))
	return r, err
}

func (s shifted) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	if off := int64(c.Now.Sub(time.Now().Add(time.Duration(s.by.Load()))).Abs()); off > s.ahead.Load() {
		s.ahead.Store(off)
	}
	return s.bubbleStore.Claim(ctx, c)
}

func newShifted(t *testing.T, d hostproc.Database) shifted {
	t.Helper()
	return shifted{openStore(t, d).(bubbleStore), new(atomic.Int64), new(atomic.Int64)}
}

// TestClockJumps: while a host runs, the clock goes an hour ahead, and due retries run once each.
// Then it goes an hour back, and no retry waits longer than its slot plus the minute until the host
// notices and the minute between two sweeps.
func TestClockJumps(t *testing.T) {
	onDatabases(t, func(t *testing.T, d hostproc.Database) {
		synctest.Test(t, func(t *testing.T) {
			const events = 5
			s := newShifted(t, d)
			slot := retry.Slot{Min: 5 * time.Minute, Max: 6 * time.Minute}
			h := newHost(t, s, nil, func(p *webhook.Profile) { p.Retry = retry.Policy{Slots: []retry.Slot{slot, slot, slot}} })
			h.add("ops", "taskSuccess")
			h.net.answer = func(n int, _ sent) (int, time.Duration) {
				if n <= 2*events {
					return 503, 0
				}
				return 200, 0
			}
			h.run()
			for i := range events {
				h.dispatch(fmt.Sprint("t", i), payload.WithID(fmt.Sprint("t", i)))
			}
			after := func(wait time.Duration, what string, want int) {
				t.Helper()
				time.Sleep(wait)
				if n := len(h.net.requests()); n != want {
					t.Fatalf("%s: %d requests, want %d", what, n, want)
				}
			}
			after(time.Minute, "first attempts", events)
			s.by.Store(int64(time.Hour))
			after(90*time.Second, "an hour ahead", 2*events)
			s.by.Store(0)
			after(2*time.Minute+slot.Max+time.Second, "an hour back", 3*events)
			after(time.Hour, "an hour later", 3*events)
			for _, d := range h.list(webhook.Query{}) {
				if d.State != webhook.StateDelivered || d.Tries != 3 || d.Interrupted != 0 {
					t.Errorf("event %s is %v after %d tries and %d interruptions", d.EventID, d.State, d.Tries, d.Interrupted)
				}
			}
		})
	})
}

// TestHostAhead: a host whose clock is five minutes ahead of the database's takes no running lease,
// because it uses the database's time.
func TestHostAhead(t *testing.T) {
	onDatabases(t, func(t *testing.T, d hostproc.Database) {
		synctest.Test(t, func(t *testing.T) {
			s := newShifted(t, d)
			s.by.Store(-int64(5 * time.Minute))
			h := newHost(t, s, nil)
			h.add("ops", "taskSuccess")
			h.run()
			time.Sleep(2 * time.Second)
			h.net.answer = func(int, sent) (int, time.Duration) { return 200, 25 * time.Second }
			h.dispatch("t1")
			time.Sleep(time.Second)
			other := newHost(t, s, nil) // on the same machine, while the first one sends
			other.run()
			time.Sleep(2 * time.Minute)
			if n := len(h.net.requests()) + len(other.net.requests()); n != 1 {
				t.Errorf("%d requests, want 1: a lease was stolen", n)
			}
			if off := time.Duration(s.ahead.Load()); off > time.Second {
				t.Errorf("a claim was %v off the database's time", off)
			}
		})
	})
}

// TestHostDecadesBehind: the clock of a bubble starts in the year 2000, that of PostgreSQL is
// right. Deliveries that another host has leased or queued for later stay, due ones are sent.
func TestHostDecadesBehind(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, sqlstore.PostgreSQL)
	synctest.Test(t, func(t *testing.T) {
		inner := openStore(t, d).(bubbleStore).Store
		h := newHost(t, inner, nil)
		w := h.add("ops", "taskSuccess")
		reading, err := inner.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		real := reading.Store
		put := func(event string, due time.Time) {
			t.Helper()
			_, err := inner.Enqueue(t.Context(), []webhook.Delivery{{ID: webhook.DeliveryID("acme", event, w.ID), EventID: event, WebhookID: w.ID, Scope: "acme", Type: "taskSuccess",
				Body: []byte("{}"), Due: due, CreatedAt: real, QueuedAt: real}})
			if err != nil {
				t.Fatal(err)
			}
		}
		put("leased", real)
		if b, err := inner.Claim(t.Context(), webhook.Claim{Now: real, Until: real.Add(time.Hour), Lease: 1,
			Lanes: []webhook.LaneClaim{{Lane: webhook.Lane{Scope: "acme", WebhookID: w.ID}, Most: 1}}}); err != nil || len(b.Deliveries) != 1 {
			t.Fatal(b, err)
		}
		put("later", real.Add(30*time.Minute))
		put("due", real)
		h.run()
		time.Sleep(5 * time.Second)
		h.dispatch("fresh", payload.WithID("fresh"))
		time.Sleep(5 * time.Second)
		seen := make(map[string]bool)
		for _, r := range h.net.requests() {
			seen[r.event] = true
		}
		if len(h.net.requests()) != 2 || !seen["due"] || !seen["fresh"] {
			t.Errorf("sent %v, want what is due and what was dispatched", seen)
		}
	})
}
