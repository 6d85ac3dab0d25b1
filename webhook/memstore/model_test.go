package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// model implements the promises of a Store by reading all deliveries at each call.
type model struct {
	t     *testing.T
	s     *memstore.Store
	r     *rand.Rand
	now   time.Time
	hooks []webhook.Webhook
	rows  []*webhook.Delivery // in order of insertion
	tried map[string]bool     // ID and lease of deliveries with a recorded attempt
	names int

	numbers int64
	last    webhook.Claim // the latest one
}

// TestModel runs random calls against the Store and against the model.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := &model{t: t, s: open(t, nil), r: rand.New(rand.NewPCG(seed, 1)), now: base, tried: make(map[string]bool), numbers: 1000}
			for i := range 400 {
				if m.step(); i%8 == 0 {
					m.compare()
				}
			}
			m.compare()
			for _, scope := range []string{"a", "b"} {
				if err := m.s.DeleteScope(t.Context(), scope); err != nil {
					t.Fatal(err)
				}
			}
			if left := m.s.Leftovers(); len(left) > 0 {
				t.Errorf("left after both scopes were deleted: %v", left)
			}
		})
	}
}

func (m *model) step() {
	switch n := m.r.IntN(20); {
	case n < 5:
		m.enqueue()
	case n < 9:
		m.claim()
	case n < 10:
		m.look()
	case n < 14:
		m.settle()
	case n < 15:
		m.create()
	case n < 17:
		m.change()
	case n < 18:
		m.requeueOrCancel()
	case n < 19:
		m.sweep()
	default:
		m.now = m.now.Add(time.Duration(m.r.IntN(120)-20) * time.Second) // clocks go back too
	}
}

func (m *model) pick() *webhook.Delivery {
	if len(m.rows) == 0 {
		return nil
	}
	return m.rows[m.r.IntN(len(m.rows))]
}

func (m *model) hook(d *webhook.Delivery) *webhook.Webhook {
	for i := range m.hooks {
		if m.hooks[i].ID == d.WebhookID && m.hooks[i].Scope == d.Scope {
			return &m.hooks[i]
		}
	}
	return nil
}

// compare compares the whole history.
func (m *model) compare() {
	live := 0
	for _, scope := range []string{"a", "b"} {
		var want []webhook.Delivery
		for _, d := range m.rows {
			if d.Scope == scope {
				want = append(want, *d)
			}
			if d.State == webhook.StatePending && scope == "a" {
				live++
			}
		}
		slices.SortStableFunc(want, func(a, b webhook.Delivery) int { return a.CreatedAt.Compare(b.CreatedAt) })
		got, err := list(m.t.Context(), m.s, webhook.Query{Scope: scope, OldestFirst: true, Limit: 100})
		if err != nil {
			m.t.Fatal(err)
		}
		got = unnumbered(got)
		if !reflect.DeepEqual(want, got) {
			m.t.Fatalf("scope %s: (-want +got)\n%s", scope, gocmp.Diff(want, got, cmpopts.EquateEmpty()))
		}
	}
	if pending, ended, _ := m.s.Sizes(); pending != live || pending+ended != len(m.rows) {
		m.t.Fatalf("the Store counts %d pending and %d ended, want %d of %d", pending, ended, live, len(m.rows))
	}
}

// list reads all pages.
func list(ctx context.Context, s *memstore.Store, q webhook.Query) (all []webhook.Delivery, err error) {
	for range 10_000 {
		ds, next, err := s.Deliveries(ctx, q)
		if all = append(all, ds...); err != nil || next == "" {
			return all, err
		}
		q.Cursor = next
	}
	return all, errors.New("a walk over the pages of Deliveries has no end")
}

// unnumbered clears the numbers that the Store assigns, which the model does not know.
func unnumbered(ds []webhook.Delivery) []webhook.Delivery {
	for i := range ds {
		ds[i].Sequence = 0
	}
	return ds
}
