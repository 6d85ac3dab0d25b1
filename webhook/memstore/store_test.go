package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// calls are all methods that take a context, each with harmless arguments.
var calls = map[string]func(context.Context, *memstore.Store) error{
	"Webhooks": func(ctx context.Context, s *memstore.Store) error { _, err := s.Webhooks(ctx, "a"); return err },
	"Enqueue":  func(ctx context.Context, s *memstore.Store) error { _, err := s.Enqueue(ctx, nil); return err },
	"Claim": func(ctx context.Context, s *memstore.Store) error {
		_, err := s.Claim(ctx, webhook.Claim{Now: base, Until: base.Add(1), Lease: 1})
		return err
	},
	"Due": func(ctx context.Context, s *memstore.Store) error {
		_, err := s.Due(ctx, webhook.DueQuery{Now: base, Limit: 1})
		return err
	},
	"Settle":      func(ctx context.Context, s *memstore.Store) error { _, err := s.Settle(ctx, nil); return err },
	"Create":      func(ctx context.Context, s *memstore.Store) error { return s.Create(ctx, webhook.Webhook{ID: "x"}, 0) },
	"Update":      func(ctx context.Context, s *memstore.Store) error { return s.Update(ctx, webhook.Webhook{}) },
	"Delete":      func(ctx context.Context, s *memstore.Store) error { return s.Delete(ctx, "a", "b") },
	"DeleteScope": func(ctx context.Context, s *memstore.Store) error { return s.DeleteScope(ctx, "a") },
	"Webhook":     func(ctx context.Context, s *memstore.Store) error { _, err := s.Webhook(ctx, "a", "b"); return err },
	"Delivery":    func(ctx context.Context, s *memstore.Store) error { _, _, err := s.Delivery(ctx, "a", "b"); return err },
	"Deliveries": func(ctx context.Context, s *memstore.Store) error {
		_, _, err := s.Deliveries(ctx, webhook.Query{Scope: "a"})
		return err
	},
	"Requeue": func(ctx context.Context, s *memstore.Store) error { return s.Requeue(ctx, "a", "b", base) },
	"Cancel": func(ctx context.Context, s *memstore.Store) error {
		_, _, err := s.Cancel(ctx, "a", "b", base)
		return err
	},
	"Prune": func(ctx context.Context, s *memstore.Store) error { _, err := s.Prune(ctx, base, 1); return err },
	"Mark": func(ctx context.Context, s *memstore.Store) error {
		_, err := s.Mark(ctx, "a", "b", base, base)
		return err
	},
	"Marked": func(ctx context.Context, s *memstore.Store) error {
		_, err := s.Marked(ctx, "a", "b", base)
		return err
	},
	"Unmark": func(ctx context.Context, s *memstore.Store) error { return s.Unmark(ctx, "a", "b") },
	"Health": func(ctx context.Context, s *memstore.Store) error { _, err := s.Health(ctx, "", ""); return err },
	"SetHealth": func(ctx context.Context, s *memstore.Store) error {
		return s.SetHealth(ctx, "a", "b", webhook.Health{}, webhook.Health{})
	},
	"Sweep": func(ctx context.Context, s *memstore.Store) error {
		_, _, err := s.Sweep(ctx, webhook.Sweep{Now: base}, 1)
		return err
	},
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	fill(t, s, "wh_1", 0, 10, base)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		if err := call(t.Context(), s); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("%s after Close: error %v, want ErrClosed", name, err)
		}
	}
	if err := s.Bind("automation"); !errors.Is(err, webhook.ErrClosed) {
		t.Errorf("Bind after Close: error %v, want ErrClosed", err)
	}
	if err := s.Close(); !errors.Is(err, webhook.ErrClosed) {
		t.Errorf("second Close: error %v, want ErrClosed", err)
	}
	if left := s.Leftovers(); len(left) > 0 {
		t.Errorf("Close leaves %v", left)
	}
}

func TestContextEnded(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls {
		if err := call(ctx, s); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that has ended: error %v, want context.Canceled", name, err)
		}
	}
	if left := s.Leftovers(); len(left) > 0 {
		t.Errorf("calls whose context had ended left %v", left)
	}
}

func TestImpossibleCalls(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	lanes := []webhook.LaneClaim{{Lane: laneOf("wh_1")}}
	for _, c := range []webhook.Claim{
		{Now: base, Until: base.Add(1), Lanes: lanes}, // Most is 0
		{Now: base, Until: base},
	} {
		if _, err := s.Claim(t.Context(), c); err == nil {
			t.Errorf("Claim(%+v) was accepted", c)
		}
	}
	for _, q := range []webhook.DueQuery{{Now: base}, {Now: base, Limit: 1, Cursor: "?"}, {Now: base, Limit: 1, Cursor: "1.-1"}, {Now: base, Limit: 1, Cursor: "1"}} {
		if _, err := s.Due(t.Context(), q); err == nil {
			t.Errorf("Due(%+v) was accepted", q)
		}
	}
	if _, _, err := s.Sweep(t.Context(), webhook.Sweep{Now: base}, 0); err == nil {
		t.Error("a Sweep with limit 0 was accepted")
	}
	d := delivery(1, "wh_1", base)
	mustEnqueue(t, s, []webhook.Delivery{d})
	if _, err := s.Settle(t.Context(), []webhook.Settlement{{ID: d.ID, Scope: d.Scope, Lease: 1, State: 3}}); err == nil {
		t.Error("a Settle with an unknown State was accepted")
	}
	other := delivery(2, "wh_1", base)
	clash := delivery(3, "wh_1", base)
	clash.ID = d.ID
	if _, err := s.Enqueue(t.Context(), []webhook.Delivery{other, clash}); err == nil {
		t.Error("two events with deliveries of one ID were accepted")
	}
	if pending, _, _ := s.Sizes(); pending != 1 {
		t.Errorf("after a refused Enqueue %d deliveries are pending, want 1 as before", pending)
	}
	for _, q := range []webhook.Query{{}, {Scope: "a", Limit: -1}, {Scope: "a", Limit: 501}} {
		if _, _, err := s.Deliveries(t.Context(), q); !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("Deliveries(%+v): error %v, want ErrInvalid", q, err)
		}
	}
}

// TestTimes: the Store returns the ends of an instant's range, the zero time and the epoch.
func TestTimes(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	for i, c := range []struct{ in, want time.Time }{
		{time.Time{}, time.Time{}},
		{time.Unix(0, 0), time.Unix(0, 0)},
		{time.Unix(1, 1).In(time.FixedZone("east", 3600)), time.Unix(1, 1)},
		{time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Unix(0, math.MinInt64+1)},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, math.MaxInt64-2)},
	} {
		d := delivery(i, "wh_1", base)
		d.CreatedAt = c.in
		mustEnqueue(t, s, []webhook.Delivery{d})
		got, _, err := s.Delivery(t.Context(), "bench", d.ID)
		if err != nil || !got.CreatedAt.Equal(c.want) || got.CreatedAt.Location() != time.UTC {
			t.Errorf("CreatedAt %v came back as %v, %v; want %v in UTC", c.in, got.CreatedAt, err, c.want)
		}
	}
}

// TestWebhookAddedLate: a webhook that exists at the time of the claim is served, also if it was created or replaced after Enqueue.
func TestWebhookAddedLate(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	mustEnqueue(t, s, deliveries(0, 1, 0))
	hook(t, s, "wh_1")
	first := claimAll(t, s)
	if len(first) != 1 {
		t.Fatalf("enqueued before its webhook was added: claimed %d, want 1", len(first))
	}
	if err := s.Delete(t.Context(), "bench", "wh_1"); err != nil {
		t.Fatal(err)
	}
	hook(t, s, "wh_1")
	again := claimAt(t, s, base.Add(time.Minute))
	if len(again) != 1 || again[0].Interrupted != 1 {
		t.Fatalf("leased while its webhook was replaced: claimed %d at the end of the lease, want 1, interrupted once", len(again))
	}
	settleAs(t, s, again, webhook.StateDelivered)
}

// TestWideEvent: an event with many webhooks is deduplicated, and pruned as a whole.
func TestWideEvent(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var ds []webhook.Delivery
	for i := range 100 {
		id := fmt.Sprintf("wh_%d", i)
		hook(t, s, id)
		ds = append(ds, delivery(1, id, base))
	}
	for i, want := range [][]bool{slices.Repeat([]bool{true}, 100), slices.Repeat([]bool{false}, 100)} {
		added, err := s.Enqueue(t.Context(), ds)
		if err != nil || !slices.Equal(added, want) {
			t.Fatalf("Enqueue %d: added %v, %v", i+1, added, err)
		}
	}
	settleAs(t, s, claimAll(t, s), webhook.StateDelivered)
	if n, err := s.Prune(t.Context(), base.Add(time.Hour), 10); n != 100 || err != nil {
		t.Errorf("Prune = %d, %v; want the whole event of 100, whatever the limit", n, err)
	}
}
