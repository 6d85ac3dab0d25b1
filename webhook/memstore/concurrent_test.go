package memstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// TestConcurrentUse calls all methods concurrently; the race detector and the final counts find faults.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{KeepEnded: 50})
	for i := range 4 {
		hook(t, s, fmt.Sprintf("wh_%d", i))
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 200 {
				name, id := fmt.Sprintf("wh_%d", i%4), worker*1000+i
				ds := []webhook.Delivery{delivery(id, name, base), delivery(id+1, name, base)}
				if _, err := s.Enqueue(t.Context(), ds); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 200 {
				p, err := s.Due(t.Context(), webhook.DueQuery{Now: base, Limit: 1 + worker})
				if err != nil {
					t.Error(err)
					return
				}
				b, err := s.Claim(t.Context(), claimOf(base, 3, p.Lanes...))
				if err != nil {
					t.Error(err)
					return
				}
				for i, d := range b.Deliveries {
					x := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.State(i % 3), Due: base}
					if lost, err := s.Settle(t.Context(), []webhook.Settlement{x}); err != nil || len(lost) > 0 {
						t.Errorf("Settle: lost %v, %v", lost, err)
					}
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				for name, call := range calls {
					if err := call(t.Context(), s); err != nil && !errors.Is(err, webhook.ErrNotFound) && !errors.Is(err, webhook.ErrConflict) {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		})
	}
	wg.Wait()
	for range 100 {
		rest := claimAt(t, s, base.Add(time.Hour)) // when all leases have ended
		if len(rest) == 0 {
			break
		}
		settleAs(t, s, rest, webhook.StateFailed)
	}
	if pending, ended, _ := s.Sizes(); pending != 0 || ended > 50 {
		t.Errorf("%d pending and %d ended deliveries are left, want 0 and at most 50", pending, ended)
	}
}
