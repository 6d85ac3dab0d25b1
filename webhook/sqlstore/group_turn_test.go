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

// TestGroupConnects: calls are chosen when there is a connection, so that what gives up before is
// certainly not stored, and what arrives before is.
func TestGroupConnects(t *testing.T) {
	t.Parallel()
	type row struct {
		name  string
		holds time.Duration // of each connection
		waits []time.Duration
		err   error // of the connection
		rows  []int // of each transaction
	}
	const free, refused = 2 * writing, writing / 4
	errRefused := sqlstore.Undone(errors.New("refused"))
	for _, test := range []row{
		{"all are written", free, []time.Duration{time.Minute, time.Minute, time.Minute}, nil, []int{1, 2}},
		{"one gives up", free, []time.Duration{time.Minute, free + writing, time.Minute}, nil, []int{1, 1}},
		{"all give up", free, []time.Duration{time.Minute, free + writing, free + writing}, nil, []int{1}},
		{"all learn why", refused, []time.Duration{time.Minute, time.Minute, time.Minute}, errRefused, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var rows []int
				g := sqlstore.NewGroupOver(func(ctx context.Context) error {
					select {
					case <-time.After(test.holds):
						return test.err
					case <-ctx.Done():
						return sqlstore.Undone(ctx.Err())
					}
				}, func(_ context.Context, ds []webhook.Delivery) ([]bool, error) {
					rows = append(rows, len(ds))
					return make([]bool, len(ds)), nil
				})
				var wg sync.WaitGroup
				for i, wait := range test.waits {
					wg.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), wait)
						defer cancel()
						_, err := g.Do(ctx, make([]webhook.Delivery, 1))
						want := test.err
						if wait < time.Minute {
							want = context.DeadlineExceeded
						}
						if !errors.Is(err, want) || errors.Is(err, webhook.ErrUnknown) {
							t.Errorf("call %d: %v, want %v", i, err, want)
						}
					})
					synctest.Wait()
				}
				wg.Wait()
				if diff := cmp.Diff(test.rows, rows); diff != "" {
					t.Errorf("rows of the transactions (-want +got)\n%s", diff)
				}
			})
		})
	}
}

// TestGroupOverdue: other calls do not wait for a transaction that does not end. The number of such
// transactions is bounded.
func TestGroupOverdue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		underWay, most := 0, 0
		var mu sync.Mutex
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			underWay += n
			most = max(most, underWay)
		}
		g := sqlstore.NewGroup(func(_ context.Context, ds []webhook.Delivery) ([]bool, error) {
			count(1)
			defer count(-1)
			if ds[0].ID == "stuck" {
				time.Sleep(time.Hour)
			}
			return make([]bool, len(ds)), nil
		})
		var wg sync.WaitGroup
		do := func(id string) {
			began := time.Now()
			_, err := g.Do(t.Context(), []webhook.Delivery{{ID: id}})
			took := time.Since(began)
			if err != nil || id != "stuck" && took > sqlstore.TurnTime {
				t.Errorf("delivery %q: %v after %v", id, err, took)
			}
		}
		for range sqlstore.MaxOverdue {
			wg.Go(func() { do("stuck") })
			synctest.Wait()
			wg.Go(func() { do("waits") })
			synctest.Wait()
			time.Sleep(sqlstore.TurnTime)
			do("next")
		}
		for range sqlstore.MaxOverdue {
			wg.Go(func() { do("stuck") })
			synctest.Wait()
		}
		wg.Wait()
		do("last")
		if want := sqlstore.MaxOverdue + 1; most != want {
			t.Errorf("%d transactions at once, want %d", most, want)
		}
	})
}

// TestGroupOverdueRest: calls that exceed the bounds of a transaction do not wait for its end either.
func TestGroupOverdueRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := sqlstore.NewGroup(func(_ context.Context, ds []webhook.Delivery) ([]bool, error) {
			time.Sleep(writing)
			if ds[0].ID == "stuck" {
				time.Sleep(time.Hour)
			}
			return make([]bool, len(ds)), nil
		})
		many := make([]webhook.Delivery, 1000) // as many as one transaction takes
		many[0].ID = "stuck"
		var wg sync.WaitGroup
		for _, ds := range [][]webhook.Delivery{make([]webhook.Delivery, 1), many, make([]webhook.Delivery, 1)} {
			wg.Go(func() {
				began := time.Now()
				_, err := g.Do(t.Context(), ds)
				if took := time.Since(began); err != nil || ds[0].ID != "stuck" && took > 2*writing+sqlstore.TurnTime {
					t.Errorf("call of %d rows that begin with %q: %v after %v", len(ds), ds[0].ID, err, took)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
	})
}
