package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// calls are all methods that take a context, each with harmless arguments.
var calls = map[string]func(context.Context, *memstore.Store) error{
	"Webhooks": func(ctx context.Context, s *memstore.Store) error { _, err := s.Webhooks(ctx, "a"); return err },
	"Enqueue":  func(ctx context.Context, s *memstore.Store) error { _, err := s.Enqueue(ctx, nil); return err },
	"Claim": func(ctx context.Context, s *memstore.Store) error {
		_, err := s.Claim(ctx, webhook.Claim{Now: base, Until: base.Add(1), Limit: 1, PerLane: 1})
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
	"Cancel":  func(ctx context.Context, s *memstore.Store) error { return s.Cancel(ctx, "a", "b") },
	"Prune":   func(ctx context.Context, s *memstore.Store) error { _, err := s.Prune(ctx, base, 1); return err },
	"Mark":    func(ctx context.Context, s *memstore.Store) error { _, err := s.Mark(ctx, "a", "b", base); return err },
	"Unmark":  func(ctx context.Context, s *memstore.Store) error { return s.Unmark(ctx, "a", "b") },
	"Health":  func(ctx context.Context, s *memstore.Store) error { _, err := s.Health(ctx, nil); return err },
	"SetHealth": func(ctx context.Context, s *memstore.Store) error {
		return s.SetHealth(ctx, "a", "b", webhook.Health{}, webhook.Health{})
	},
	"Sweep": func(ctx context.Context, s *memstore.Store) error { return s.Sweep(ctx, webhook.Sweep{Now: base}) },
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
	for _, c := range []webhook.Claim{
		{Now: base, Until: base.Add(1), PerLane: 1},
		{Now: base, Until: base.Add(1), Limit: 1},
		{Now: base, Until: base, Limit: 1, PerLane: 1},
	} {
		if _, err := s.Claim(t.Context(), c); err == nil {
			t.Errorf("Claim(%+v) was accepted", c)
		}
	}
	d := delivery(1, "wh_1", base)
	mustEnqueue(t, s, []webhook.Delivery{d})
	if _, err := s.Settle(t.Context(), []webhook.Settlement{{ID: d.ID, Lease: 1, State: 3}}); err == nil {
		t.Error("a Settle with an unknown State was accepted")
	}
	other := delivery(2, "wh_1", base)
	clash := delivery(3, "wh_1", base)
	clash.ID = d.ID
	if _, err := s.Enqueue(t.Context(), []webhook.Delivery{other, clash}); err == nil {
		t.Error("two events with deliveries of one ID were accepted")
	}
	if pending, _, _ := s.Counts(); pending != 1 {
		t.Errorf("a refused Enqueue left %d deliveries, want the 1 from before", pending)
	}
	for _, q := range []webhook.Query{{}, {Scope: "a", Limit: -1}, {Scope: "a", Limit: 501}} {
		if _, _, err := s.Deliveries(t.Context(), q); !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("Deliveries(%+v): error %v, want ErrInvalid", q, err)
		}
	}
}

// TestTurns pins the order of turns, which is this Store's own beyond the contract: a turn is one delivery,
// and the next claim goes on where the last one stopped.
func TestTurns(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for id, n := range map[string]int{"a": 20, "b": 1, "c": 4} {
		hook(t, s, id)
		fill(t, s, id, 0, n, base.Add(time.Duration(id[0])*time.Millisecond))
	}
	now := base.Add(time.Second)
	var got []string
	for _, limit := range []int{1, 5, 3} {
		b, err := s.Claim(t.Context(), webhook.Claim{Now: now, Until: now.Add(time.Minute), Limit: limit, PerLane: 8, Room: map[string]int{"c": 2}})
		if err != nil {
			t.Fatal(err)
		}
		lanes := ""
		for _, d := range b.Deliveries {
			lanes += d.Lane
		}
		got = append(got, lanes)
	}
	if diff := cmp.Diff([]string{"a", "bcaca", "cac"}, got); diff != "" {
		t.Errorf("lanes in the order of their turns: (-want +got)\n%s", diff)
	}
}

// TestBackwardClock: a claim whose Now lies before that of another one sees what is due at its own time.
func TestBackwardClock(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	w := webhook.Webhook{ID: "short", Scope: "bench", Active: true, ExpiresAt: base.Add(30 * time.Second)}
	if err := s.Create(t.Context(), w, 0); err != nil {
		t.Fatal(err)
	}
	fill(t, s, "wh_1", 0, 1, base)
	fill(t, s, "wh_1", 1, 2, base.Add(time.Minute))
	fill(t, s, "short", 0, 1, base)
	claim := func(now time.Time, room map[string]int) webhook.Batch {
		b, err := s.Claim(t.Context(), webhook.Claim{Now: now, Until: now.Add(time.Hour), Limit: 10, PerLane: 10, Room: room})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := claim(base.Add(time.Minute), map[string]int{"wh_1": 0}); len(b.Deliveries) != 0 {
		t.Fatalf("a claim without room took %d", len(b.Deliveries))
	}
	b := claim(base, nil)
	var lanes []string
	for _, d := range b.Deliveries {
		lanes = append(lanes, d.Lane)
	}
	slices.Sort(lanes)
	if diff := cmp.Diff([]string{"short", "wh_1"}, lanes); diff != "" {
		t.Errorf("due at the earlier time: (-want +got)\n%s", diff)
	}
	if want := base.Add(time.Minute); !b.Next.Equal(want) {
		t.Errorf("Next is %v, want %v", b.Next, want)
	}
}

// TestInactiveIsNotNext: what waits for an inactive webhook does not wake a host.
func TestInactiveIsNotNext(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "on")
	if err := s.Create(t.Context(), webhook.Webhook{ID: "off", Scope: "bench"}, 0); err != nil {
		t.Fatal(err)
	}
	fill(t, s, "off", 0, 3, base.Add(time.Minute))
	fill(t, s, "on", 0, 1, base.Add(time.Hour))
	b, err := s.Claim(t.Context(), webhook.Claim{Now: base, Until: base.Add(1), Limit: 1, PerLane: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := base.Add(time.Hour); !b.Next.Equal(want) {
		t.Errorf("Next is %v, want %v", b.Next, want)
	}
}

// TestTimes: the ends of what an instant can hold, the zero time and the epoch come back.
func TestTimes(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	for i, c := range []struct{ in, want time.Time }{
		{time.Time{}, time.Time{}},
		{time.Unix(0, 0), time.Unix(0, 0)},
		{time.Unix(1, 1).In(time.FixedZone("east", 3600)), time.Unix(1, 1)},
		{time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Unix(0, math.MinInt64+1)},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, math.MaxInt64)},
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

// TestMarkByClock: before anybody told the Store the time, the clock judges marks.
func TestMarkByClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil)
		mark := func() bool {
			first, err := s.Mark(t.Context(), "a", "key", time.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			return first
		}
		got := []bool{mark(), mark()}
		time.Sleep(time.Hour)
		got = append(got, mark(), mark())
		if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
			t.Errorf("first: (-want +got)\n%s", diff)
		}
	})
}

// TestWebhookAddedLate: a webhook that exists by the time of the claim is served, whatever was before.
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

// TestWideEvent: an event of many webhooks is recognised, and pruned as a whole.
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
