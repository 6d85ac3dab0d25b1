package sqlstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestGroupLone: without a transaction under way a call is written at once, under its own context.
func TestGroupLone(t *testing.T) {
	t.Parallel()
	type mark struct{}
	g := sqlstore.NewGroup(func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
		if ctx.Value(mark{}) == nil {
			t.Error("the call's context was replaced")
		}
		return make([]bool, len(ds)), nil
	})
	added, err := g.Do(context.WithValue(t.Context(), mark{}, true), make([]webhook.Delivery, 3))
	if err != nil || len(added) != 3 {
		t.Error(added, err)
	}
}

// writing is how long a transaction of these tests takes.
const writing = 100 * time.Millisecond

// slow is a database whose transactions take their time.
type slow struct {
	mu      sync.Mutex
	batches []int
}

func (s *slow) flush(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	s.mu.Lock()
	s.batches = append(s.batches, len(ds))
	s.mu.Unlock()
	select {
	case <-time.After(writing):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	added := make([]bool, len(ds))
	for i := range ds {
		if ds[i].ID == "bad" {
			return nil, errBad
		}
		added[i] = ds[i].ID == "new"
	}
	return added, nil
}

var errBad = errors.New("bad delivery")

// TestGroupShares: calls that arrive during a transaction share the next one, and each call
// gets its own result.
func TestGroupShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		g := sqlstore.NewGroup(s.flush)
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 101 {
			wg.Go(func() {
				ds := []webhook.Delivery{{ID: "new"}, {ID: "old"}}[:1+i%2]
				added, err := g.Do(t.Context(), ds)
				if err != nil || len(added) != len(ds) || !added[0] || len(added) == 2 && added[1] {
					t.Errorf("call %d: %v, %v", i, added, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if took := time.Since(began); took != 2*writing {
			t.Errorf("101 calls took %v, want the time of two transactions", took)
		}
		if diff := cmp.Diff([]int{1, 150}, s.batches); diff != "" {
			t.Errorf("rows in each transaction (-want +got)\n%s", diff)
		}
	})
}

// TestGroupFailure: a call that cannot be stored fails alone.
func TestGroupFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := sqlstore.NewGroup((&slow{}).flush)
		var wg sync.WaitGroup
		for _, id := range []string{"new", "new", "bad", "new"} {
			wg.Go(func() {
				_, err := g.Do(t.Context(), []webhook.Delivery{{ID: id}})
				if want := id == "bad"; errors.Is(err, errBad) != want || (err != nil) != want {
					t.Errorf("delivery %q: %v", id, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
	})
}

// TestGroupUnknown: if the result of a shared transaction is unknown, no call of it is
// tried again, because its stored rows would look like repetitions.
func TestGroupUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		writes := 0
		g := sqlstore.NewGroup(func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			mu.Lock()
			writes++
			mu.Unlock()
			time.Sleep(writing)
			if len(ds) > 1 {
				return nil, webhook.ErrUnknown
			}
			return []bool{true}, nil
		})
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				if _, err := g.Do(t.Context(), make([]webhook.Delivery, 1)); errors.Is(err, webhook.ErrUnknown) != (i > 0) {
					t.Errorf("call %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if writes != 2 {
			t.Errorf("%d transactions, want 2", writes)
		}
	})
}

// TestGroupCancelled: a call whose context ends returns at once; the other calls of its
// transaction continue.
func TestGroupCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := sqlstore.NewGroup((&slow{}).flush)
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				ctx, want := t.Context(), error(nil)
				if i == 1 || i == 2 { // the second gives up while it waits, the third while it is written
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i)*writing-writing/2)
					defer cancel()
					want = context.DeadlineExceeded
				}
				_, err := g.Do(ctx, []webhook.Delivery{{ID: "new"}})
				if !errors.Is(err, want) {
					t.Errorf("call %d: %v, want %v", i, err, want)
				}
				// The third was being written, so its result is unknown.
				if unknown := errors.Is(err, webhook.ErrUnknown); unknown != (i == 2) {
					t.Errorf("call %d: %v, ErrUnknown is %t", i, err, unknown)
				}
				if i == 2 && time.Since(began) != writing*3/2 {
					t.Errorf("the call that gave up returned after %v", time.Since(began))
				}
			})
			synctest.Wait()
		}
		wg.Wait()
	})
}

// TestGroupKeepsNothing: a call that gave up may change its deliveries while its transaction is
// still running.
func TestGroupKeepsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		g := sqlstore.NewGroup(func(_ context.Context, ds []webhook.Delivery) ([]bool, error) {
			time.Sleep(writing)
			for _, d := range ds {
				bodies = append(bodies, d.Type+string(d.Body))
			}
			return make([]bool, len(ds)), nil
		})
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				after := 3 * writing
				if i == 1 { // it gives up while it is being written
					after /= 2
				}
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				ds := []webhook.Delivery{{Type: "a", Body: []byte("b")}}
				_, _ = g.Do(ctx, ds) // some give up
				ds[0].Type, ds[0].Body[0] = "x", 'y'
			})
			synctest.Wait()
		}
		wg.Wait()
		time.Sleep(writing)
		if diff := cmp.Diff([]string{"ab", "ab", "ab"}, bodies); diff != "" {
			t.Errorf("written (-want +got)\n%s", diff)
		}
	})
}

func TestGroupPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		g := sqlstore.NewGroup(func(context.Context, []webhook.Delivery) ([]bool, error) {
			if calls++; calls > 1 {
				panic("driver")
			}
			time.Sleep(writing)
			return []bool{true}, nil
		})
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				if _, err := g.Do(t.Context(), make([]webhook.Delivery, 1)); (err != nil) != (i == 1) {
					t.Errorf("call %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
	})
}
