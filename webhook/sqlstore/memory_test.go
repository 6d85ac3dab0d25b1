package sqlstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// FuzzQueue: webhook and lane come back from the name of their queue.
func FuzzQueue(f *testing.F) {
	for _, s := range [][2]string{{"wh_1", "wh_1"}, {"wh_1", "wh_1/secondary"}, {"", ""}, {"a/b", "a"}, {"a%2F", "%"}, {"a", ""}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, webhook, lane string) {
		if w, l := sqlstore.SplitQueue(sqlstore.QueueOf(webhook, lane)); w != webhook || l != lane {
			t.Errorf("%q, %q came back as %q, %q", webhook, lane, w, l)
		}
	})
}

// FuzzTextArray: an array literal holds the elements and nothing else, by the rules of
// the PostgreSQL manual, section 8.15.
func FuzzTextArray(f *testing.F) {
	f.Add("a", "b")
	f.Add(`"`, `\`)
	f.Add(`{},"`, `NULL`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := parseArray(sqlstore.TextArray([]string{a, b})); !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q came back as %q", []string{a, b}, got)
		}
	})
	if got := sqlstore.TextArray(nil); got != "{}" {
		f.Errorf("empty list: %q", got)
	}
}

func parseArray(s string) (list []string) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	for len(s) > 0 {
		var b strings.Builder
		i := 1 // behind the quote
		for ; s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
			b.WriteByte(s[i])
		}
		list = append(list, b.String())
		s = strings.TrimPrefix(s[i+1:], ",")
	}
	return list
}

// TestGroupLone: a call that finds nobody writing writes at once, under its own context.
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

// slow is a database whose transactions take a second each.
type slow struct {
	mu      sync.Mutex
	batches []int
}

func (s *slow) flush(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	s.mu.Lock()
	s.batches = append(s.batches, len(ds))
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
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

// TestGroupShares: what comes during a transaction is written together in the next, and
// each call gets its own answer.
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
		if took := time.Since(began); took != 2*time.Second {
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

// TestGroupCancelled: a call whose context ends returns at once; those it shares a
// transaction with go on.
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
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i)*time.Second-time.Second/2)
					defer cancel()
					want = context.DeadlineExceeded
				}
				_, err := g.Do(ctx, []webhook.Delivery{{ID: "new"}})
				if !errors.Is(err, want) {
					t.Errorf("call %d: %v, want %v", i, err, want)
				}
				if i == 2 && time.Since(began) != 1500*time.Millisecond {
					t.Errorf("the call that gave up returned after %v", time.Since(began))
				}
			})
			synctest.Wait()
		}
		wg.Wait()
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
			time.Sleep(time.Second)
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

// TestRing: who is served in which order.
func TestRing(t *testing.T) {
	t.Parallel()
	stock := map[string]int{"a": 9, "b": 9, "c": 9}
	turn := func(r *sqlstore.Ring, limit, perLane int, room map[string]int) string {
		return strings.Join(r.Turn(webhook.Claim{Limit: limit, PerLane: perLane, Room: room}, stock), "")
	}
	var r sqlstore.Ring
	for _, lane := range []string{"a", "b", "c"} {
		r.Add(lane, 100)
	}
	for i, tc := range []struct {
		limit, perLane int
		room           map[string]int
		want           string
	}{
		{1, 4, nil, "a"},
		{1, 4, nil, "b"},
		{2, 4, nil, "ca"},                      // the round goes on where it stopped
		{4, 4, nil, "bbca"},                    // one more for the one whose turn it is
		{9, 2, map[string]int{"b": 0}, "ccaa"}, // skipped, but its turn is kept
		{1, 2, nil, "b"},
		{30, 30, nil, "cccccaaaabbbbb"}, // everything
		{30, 30, nil, ""},
	} {
		if got := turn(&r, tc.limit, tc.perLane, tc.room); got != tc.want {
			t.Errorf("claim %d served %q, want %q; left %v", i+1, got, tc.want, stock)
		}
	}
	if _, ok := r.Low("a"); ok {
		t.Error("a lane with nothing left is still in the ring")
	}
}

// TestRingLow: a row that turns up below the mark lowers it, one above does not.
func TestRingLow(t *testing.T) {
	t.Parallel()
	var r sqlstore.Ring
	r.Add("a", 100)
	r.Turn(webhook.Claim{Limit: 2, PerLane: 2}, map[string]int{"a": 9})
	taken, _ := r.Low("a")
	r.Add("a", taken+50)
	if low, _ := r.Low("a"); low != taken {
		t.Errorf("mark moved from %d to %d for a later row", taken, low)
	}
	r.Add("a", taken-50)
	if low, _ := r.Low("a"); low >= taken-50 {
		t.Errorf("mark is %d, must be before %d", low, taken-50)
	}
}
