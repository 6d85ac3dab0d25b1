package memstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field string
		o     memstore.Options
	}{
		{"MaxDeliveries", memstore.Options{MaxDeliveries: -1}},
		{"KeepEnded", memstore.Options{KeepEnded: -1}},
		{"MaxBytes", memstore.Options{MaxBytes: -1}},
		{"MaxMarks", memstore.Options{MaxMarks: -1}},
	} {
		t.Run(c.field, func(t *testing.T) {
			t.Parallel()
			if s, err := memstore.New(&c.o); s != nil || err == nil || !strings.Contains(err.Error(), "memstore: invalid Options: "+c.field+" -1") {
				t.Errorf("New(%+v) = %v, %v; want an error that names %s", c.o, s, err, c.field)
			}
		})
	}
}

// deliveries makes n deliveries of different events with bodies of a size.
func deliveries(first, n, size int) []webhook.Delivery {
	ds := make([]webhook.Delivery, n)
	for i := range ds {
		ds[i] = delivery(first+i, "wh_1", base)
		ds[i].Body = bytes.Repeat([]byte("x"), size)
	}
	return ds
}

func TestFullByNumber(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{MaxDeliveries: 10})
	hook(t, s, "wh_1")
	mustEnqueue(t, s, deliveries(0, 8, 1))
	if _, err := s.Enqueue(t.Context(), deliveries(8, 3, 1)); !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("the 11th pending delivery: error %v, want ErrFull", err)
	}
	if pending, _, size := s.Sizes(); pending != 8 || size != 8 {
		t.Fatalf("after ErrFull %d deliveries of %d bytes are stored, want 8 of 8", pending, size)
	}
	mustEnqueue(t, s, deliveries(8, 2, 1))
	mustEnqueue(t, s, deliveries(0, 10, 1)) // repeats need no space
	end := claimAll(t, s)
	settleAs(t, s, end[:3], webhook.StateDelivered)
	mustEnqueue(t, s, deliveries(10, 3, 1)) // ended deliveries make space
	if err := s.Requeue(t.Context(), "bench", end[0].ID, base); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("Requeue in a full Store: error %v, want ErrFull", err)
	}
}

func TestFullByBytes(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{MaxBytes: 1000})
	hook(t, s, "wh_1")
	ds := deliveries(0, 2, 400)
	ds[0].Vars, ds[1].Carry = map[string]string{"k": strings.Repeat("v", 49)}, map[string]string{"k": strings.Repeat("v", 49)}
	mustEnqueue(t, s, ds)
	if _, err := s.Enqueue(t.Context(), deliveries(2, 1, 101)); !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("1,001 bytes with a bound of 1,000: error %v, want ErrFull", err)
	}
	mustEnqueue(t, s, deliveries(2, 1, 100))
	claimed := claimAll(t, s)
	settleAs(t, s, claimed[:1], webhook.StateDelivered)
	mustEnqueue(t, s, deliveries(3, 1, 300)) // history is forgotten
	if _, _, err := s.Delivery(t.Context(), "bench", claimed[0].ID); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("an ended delivery beyond MaxBytes: error %v, want ErrNotFound", err)
	}
	// A delivery that is larger than the whole Store costs no history.
	settleAs(t, s, claimed[1:2], webhook.StateFailed)
	if _, err := s.Enqueue(t.Context(), deliveries(4, 1, 1001)); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("a body larger than the Store: error %v, want ErrFull", err)
	}
	if _, _, err := s.Delivery(t.Context(), "bench", claimed[1].ID); err != nil {
		t.Errorf("a refused Enqueue cost history: %v", err)
	}
}

func TestKeepEnded(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{KeepEnded: 5})
	hook(t, s, "wh_1")
	ds := deliveries(0, 12, 1)
	mustEnqueue(t, s, ds)
	for i, d := range claimAll(t, s) {
		x := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateFailed, Due: base.Add(time.Duration(i) * time.Second)}
		if _, err := s.Settle(t.Context(), []webhook.Settlement{x}); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := list(t.Context(), s, webhook.Query{Scope: "bench", OldestFirst: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 5 || kept[0].ID != ds[7].ID {
		t.Errorf("%d ended deliveries are kept, want the 5 that ended last", len(kept))
	}
}

// TestKeepEndedWholeEvents proves that the history of an event stays while one of its deliveries
// is pending, since it prevents a second acceptance, and that the Store is bounded nevertheless.
func TestKeepEndedWholeEvents(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{KeepEnded: 2, MaxDeliveries: 10})
	var ds []webhook.Delivery
	for i := range 5 {
		id := fmt.Sprintf("wh_%d", i)
		hook(t, s, id)
		ds = append(ds, delivery(1, id, base))
	}
	mustEnqueue(t, s, ds)
	claimed := claimAll(t, s)
	settleAs(t, s, claimed[:4], webhook.StateDelivered)
	if added, err := s.Enqueue(t.Context(), ds[:1]); err == nil && added[0] {
		t.Errorf("a delivery of an event with a pending one was accepted a second time")
	}
	more := func(first, n int) (ds []webhook.Delivery) {
		for i := range n {
			ds = append(ds, delivery(first+i, "wh_0", base))
		}
		return ds
	}
	mustEnqueue(t, s, more(2, 7)) // 12 in all
	if _, err := s.Enqueue(t.Context(), more(20, 1)); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("one more than MaxDeliveries and KeepEnded together: error %v, want ErrFull", err)
	}
	mustEnqueue(t, s, nil)
	settleAs(t, s, claimed[4:], webhook.StateDelivered)
	mustEnqueue(t, s, more(20, 1))
	if _, ended, _ := s.Sizes(); ended > 2 {
		t.Errorf("%d ended deliveries are kept, want at most 2", ended)
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	hook(t, s, "wh_1")
	mustEnqueue(t, s, deliveries(0, 1, 0))
	for i := range 70 {
		d := claimAll(t, s)[0]
		a := webhook.Attempt{Number: i + 1, Code: webhook.CodeStatus, Start: base, Snippet: "ten bytes!",
			Header: []webhook.HeaderField{{Name: "Via", Value: "1.1 a"}}}
		if _, err := s.Settle(t.Context(), []webhook.Settlement{{ID: d.ID, Scope: d.Scope, Lease: d.Lease, Due: base, Result: &a}}); err != nil {
			t.Fatal(err)
		}
	}
	_, as, err := s.Delivery(t.Context(), "bench", deliveries(0, 1, 0)[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(as) != 50 || as[0].Number != 21 || as[49].Number != 70 {
		t.Errorf("%d attempts from %d to %d are kept, want the latest 50", len(as), as[0].Number, as[len(as)-1].Number)
	}
	if _, _, size := s.Sizes(); size != 50*(10+32+8) {
		t.Errorf("the Store counts %d bytes, want the 2,500 of the answers", size)
	}
}

// TestOldPendingKeepsNoHistory: a delivery that stays pending for long does not keep log entries
// of later deliveries that the Store has forgotten.
func TestOldPendingKeepsNoHistory(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{KeepEnded: 10})
	hook(t, s, "wh_1")
	old := delivery(0, "wh_1", base)
	old.Due = base.Add(time.Hour)
	mustEnqueue(t, s, []webhook.Delivery{old})
	for i := range 20 {
		mustEnqueue(t, s, deliveries(1+100*i, 100, 0))
		settleAs(t, s, claimAll(t, s), webhook.StateDelivered)
	}
	if n := s.LogLen("bench"); n > 50 {
		t.Errorf("the log has %d entries for 11 deliveries", n)
	}
}

func mustEnqueue(t *testing.T, s *memstore.Store, ds []webhook.Delivery) {
	t.Helper()
	if _, err := s.Enqueue(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
}

func claimAll(t *testing.T, s *memstore.Store) []webhook.Delivery {
	t.Helper()
	return claimAt(t, s, base)
}

func claimAt(t *testing.T, s *memstore.Store, now time.Time) []webhook.Delivery {
	t.Helper()
	return claimMost(t, s, now, 10_000)
}

// claimMost claims at most most deliveries of each due lane.
func claimMost(t *testing.T, s *memstore.Store, now time.Time, most int) []webhook.Delivery {
	t.Helper()
	p, err := s.Due(t.Context(), webhook.DueQuery{Now: now, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Claim(t.Context(), claimOf(now, most, p.Lanes...))
	if err != nil {
		t.Fatal(err)
	}
	return b.Deliveries
}

var claims atomic.Int64

// claimOf returns a claim of at most most deliveries of each lane, for a minute, with a new lease number.
func claimOf(now time.Time, most int, lanes ...webhook.Lane) webhook.Claim {
	c := webhook.Claim{Now: now, Until: now.Add(time.Minute), Lease: now.UnixMicro()<<11 + claims.Add(1)<<11}
	for _, l := range lanes {
		c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: l, Most: most})
	}
	return c
}

func settleAs(t *testing.T, s *memstore.Store, ds []webhook.Delivery, state webhook.State) {
	t.Helper()
	var ss []webhook.Settlement
	for _, d := range ds {
		ss = append(ss, webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: state, Due: base})
	}
	if lost, err := s.Settle(t.Context(), ss); err != nil || len(lost) > 0 {
		t.Fatalf("Settle: lost %v, %v", lost, err)
	}
}
