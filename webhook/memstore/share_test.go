package memstore_test

import (
	"errors"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// TestShare: one scope fills at most a quarter of a bound, or 1,000 where that is more, so that
// another tenant's Dispatch is still accepted.
func TestShare(t *testing.T) {
	t.Parallel()
	of := func(scope string, first, n, size int) []webhook.Delivery {
		ds := deliveries(first, n, size)
		for i := range ds {
			ds[i].Scope, ds[i].ID = scope, scope+ds[i].ID
		}
		return ds
	}
	for _, c := range []struct {
		name string
		o    memstore.Options
		n    int // deliveries that fit
		size int
	}{
		{"a quarter of MaxDeliveries", memstore.Options{MaxDeliveries: 8000}, 2000, 0},
		{"at least 1,000 deliveries", memstore.Options{MaxDeliveries: 2000}, 1000, 0},
		{"a quarter of MaxBytes", memstore.Options{MaxBytes: 8 << 20}, 128, 16 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, &c.o)
			mustEnqueue(t, s, of("greedy", 0, c.n-1, c.size))
			for range 2 { // a refused call uses no space
				if _, err := s.Enqueue(t.Context(), of("greedy", c.n, 2, c.size)); !errors.Is(err, webhook.ErrFull) {
					t.Fatalf("one more than the share: error %v, want ErrFull", err)
				}
			}
			mustEnqueue(t, s, of("greedy", c.n, 1, c.size))
			mustEnqueue(t, s, of("other", 0, c.n, c.size))
		})
	}
}

// TestShareOfHistory: where a scope ends more deliveries than its share, the Store forgets history of
// this scope, not of others. A single scope may fill the whole history.
func TestShareOfHistory(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{KeepEnded: 2000, MaxDeliveries: 100_000})
	end := func(scope string, first, n int) {
		ds := deliveries(first, n, 0)
		for i := range ds {
			ds[i].Scope, ds[i].ID = scope, scope+ds[i].ID
		}
		mustEnqueue(t, s, ds)
		settleAs(t, s, claimAll(t, s), webhook.StateDelivered)
	}
	kept := func(scope string) int {
		ds, err := list(t.Context(), s, webhook.Query{Scope: scope, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		return len(ds)
	}
	end("modest", 0, 300)
	end("greedy", 0, 1500)
	if n := kept("greedy"); n != 1500 {
		t.Errorf("%d of 1,500 are kept while there is space for 2,000", n)
	}
	end("greedy", 2000, 1500)
	if modest, greedy := kept("modest"), kept("greedy"); modest != 300 || greedy != 1700 {
		t.Errorf("%d and %d are kept, want the 300 of the modest scope and 1,700", modest, greedy)
	}
}
