package webhook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// withoutOverview is a Store without Overview and Counters: its history answers for one delivery at
// a time.
type withoutOverview struct{ *memstore.Store }

func (withoutOverview) Latest()         {}
func (withoutOverview) LatestAttempts() {}
func (withoutOverview) Counts()         {}

// Rule: health, latest delivery, latest attempt and reasons for all rows of a list are the same as
// from single calls, with an Overview and without.
func TestOverviewSaysWhatSingleCallsSay(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(*memstore.Store) webhook.Store{
		"overview": func(s *memstore.Store) webhook.Store { return s },
		"without":  func(s *memstore.Store) webhook.Store { return withoutOverview{s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memory := newStore(t)
			h := newHost(t, store(memory), webhook.Automation(), nil)
			hooks := []webhook.Webhook{h.add("one"), h.add("two"), h.add("three")}
			for i := range 5 {
				h.dispatchAll(id("evt_%d", i))
			}
			h.setActive(hooks[1], false)
			open := webhook.Health{Scope: scope, WebhookID: hooks[2].ID, Failures: 9, FailingSince: time.Now().Add(-time.Hour), OpenUntil: time.Now().Add(time.Hour), Opened: 1}
			if err := memory.SetHealth(ctx, scope, hooks[2].ID, webhook.Health{}, open); err != nil {
				t.Fatal(err)
			}
			hooks, err := h.hooks.List(ctx, scope)
			if err != nil {
				t.Fatal(err)
			}
			standings, err := h.hooks.Standings(ctx, scope, hooks)
			if err != nil || len(standings) != len(hooks) {
				t.Fatalf("%d standings, %v", len(standings), err)
			}
			for i, w := range hooks {
				health, err := h.hooks.Health(ctx, scope, w.ID)
				if err != nil {
					t.Fatal(err)
				}
				health.Scope, health.WebhookID = scope, w.ID
				ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope, WebhookID: w.ID, Limit: 1})
				if err != nil || len(ds) != 1 {
					t.Fatalf("%d deliveries, %v", len(ds), err)
				}
				ds[0].Body = nil
				if diff := cmp.Diff(webhook.Standing{Health: health, Latest: &ds[0]}, standings[i], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", w.Name, diff)
				}
			}
			ds, _, err := h.hooks.Deliveries(ctx, webhook.Query{Scope: scope})
			if err != nil {
				t.Fatal(err)
			}
			all, err := h.ExplainAll(ctx, scope, ds)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range ds {
				one, err := h.Explain(ctx, scope, d.ID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(one.Reasons, all[i].Reasons); diff != "" {
					t.Errorf("%s (-single +all):\n%s", d.ID, diff)
				}
			}
			as, err := h.hooks.LatestAttempts(ctx, scope, ds)
			if err != nil || len(as) != 0 {
				t.Errorf("%d attempts of deliveries that were not tried, %v", len(as), err)
			}
			failAttempts(t, memory, time.Now(), 5)
			failAttempts(t, memory, time.Now().Add(time.Minute), 2)
			want := make(map[string]webhook.Attempt)
			numbers := make(map[int]int) // of deliveries, by the number of their latest attempt
			for _, d := range ds {
				_, all, err := h.hooks.Delivery(ctx, scope, d.ID)
				if err != nil {
					t.Fatal(err)
				}
				if numbers[len(all)]++; len(all) > 0 {
					want[d.ID] = all[len(all)-1]
				}
			}
			if diff := cmp.Diff(map[int]int{0: 5, 1: 6, 2: 4}, numbers); diff != "" {
				t.Fatalf("deliveries by attempts (-want +got):\n%s", diff)
			}
			as, err = h.hooks.LatestAttempts(ctx, scope, ds)
			if diff := cmp.Diff(want, as); diff != "" || err != nil {
				t.Errorf("latest attempts, %v (-single +all):\n%s", err, diff)
			}
			if _, err := h.hooks.Counts(ctx, scope, []string{hooks[0].ID}, time.Time{}); errors.Is(err, webhook.ErrUnsupported) != (name == "without") {
				t.Errorf("counts: %v", err)
			}
		})
	}
}

// failAttempts makes a failed attempt of up to so many due deliveries of each webhook that is active.
func failAttempts(t *testing.T, store webhook.Store, now time.Time, most int) {
	t.Helper()
	b, err := lease(store, now, now.Add(time.Minute), most)
	if err != nil {
		t.Fatal(err)
	}
	var ss []webhook.Settlement
	for _, d := range b.Deliveries {
		a := webhook.Attempt{Number: d.Attempts + 1, Status: 500, Code: webhook.CodeStatus, Start: now, Duration: time.Second}
		ss = append(ss, webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StatePending, Code: a.Code, Due: a.End(), Result: &a})
	}
	if lost, err := store.Settle(ctx, ss); err != nil || len(lost) > 0 {
		t.Fatalf("lost %v, %v", lost, err)
	}
}

// Rule: calls for lists have a bound.
func TestOverviewBounds(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	if _, err := h.hooks.Standings(ctx, scope, make([]webhook.Webhook, 501)); !errors.Is(err, webhook.ErrInvalid) {
		t.Errorf("501 standings: %v", err)
	}
	if _, err := h.hooks.LatestAttempts(ctx, scope, make([]webhook.Delivery, 501)); !errors.Is(err, webhook.ErrInvalid) {
		t.Errorf("501 attempts: %v", err)
	}
	if _, err := h.hooks.Counts(ctx, scope, make([]string, 501), time.Time{}); !errors.Is(err, webhook.ErrInvalid) {
		t.Errorf("501 counts: %v", err)
	}
}

// counted is a Store that counts its calls for a list.
type counted struct {
	*memstore.Store
	overviews, single int
}

func (c *counted) Latest(ctx context.Context, scope string, ids []string) ([]webhook.Delivery, error) {
	c.overviews++
	return c.Store.Latest(ctx, scope, ids)
}

func (c *counted) LatestAttempts(ctx context.Context, scope string, ids []string) (map[string]webhook.Attempt, error) {
	c.overviews++
	return c.Store.LatestAttempts(ctx, scope, ids)
}

func (c *counted) Deliveries(ctx context.Context, q webhook.Query) ([]webhook.Delivery, string, error) {
	c.single++
	return c.Store.Deliveries(ctx, q)
}

func (c *counted) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	c.single++
	return c.Store.Delivery(ctx, scope, id)
}

// Rule: an Overview is called once for a list, and no call is made for a row, also through the
// containment of panics.
func TestOverviewIsAsked(t *testing.T) {
	t.Parallel()
	store := &counted{Store: newStore(t)}
	h := newHost(t, store, webhook.Automation(), nil)
	hooks := []webhook.Webhook{h.add("one"), h.add("two")}
	h.dispatchAll(id("evt_1"))
	ds, _, err := store.Store.Deliveries(t.Context(), webhook.Query{Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	_, standings := h.hooks.Standings(t.Context(), scope, hooks)
	_, attempts := h.hooks.LatestAttempts(t.Context(), scope, ds)
	if standings != nil || attempts != nil || store.overviews != 2 || store.single != 0 {
		t.Errorf("%v, %v, %d calls for lists, %d for rows; want 2 and none", standings, attempts, store.overviews, store.single)
	}
}
