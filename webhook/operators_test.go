package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// Rule: operators see all scopes: pending deliveries, the backlog of each webhook, failing
// webhooks, the deliveries of an event.
func TestOperators(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if r.URL == automation+"bad" {
			return answer{status: 503}
		}
		return answer{status: 200}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		ops, err := h.Operators()
		if err != nil {
			t.Fatal(err)
		}
		ok, bad := h.add("ok"), h.add("bad")
		other := h.add("other", func(w *webhook.Webhook) { w.Scope, w.Active = "other", false })
		began := time.Now()
		h.dispatchAll(id("evt_1"))
		settled(2 * time.Second)
		totals, err := ops.Totals(t.Context())
		want := webhook.Totals{Pending: webhook.Count{N: 1}, Retrying: webhook.Count{N: 1}, Webhooks: 3, Inactive: 1}
		if diff := cmp.Diff(want, totals); diff != "" || err != nil {
			t.Errorf("totals, %v (-want +got):\n%s", err, diff)
		}
		bs, next, err := ops.Backlog(t.Context(), webhook.BacklogQuery{})
		if err != nil || next != "" || len(bs) != 1 || bs[0].WebhookID != bad.ID || bs[0].Pending.N != 1 || !bs[0].OldestDue.After(began) {
			t.Errorf("backlog %+v, %q, %v", bs, next, err)
		}
		worst, total, err := ops.Failing(t.Context(), webhook.FailingMost)
		if err != nil || total != 1 || len(worst) != 1 || worst[0].WebhookID != bad.ID || worst[0].Failures != 1 {
			t.Errorf("failing %+v of %d, %v", worst, total, err)
		}
		ds, err := ops.Find(t.Context(), "evt_1")
		if err != nil || len(ds) != 2 || ds[0].Body != nil {
			t.Errorf("found %+v, %v", ds, err)
		}
		ops.SetPaused(true)
		if !ops.Status().Paused {
			t.Error("sending goes on")
		}
		ops.SetPaused(false)
		settled(time.Hour)
		if s := ops.Status(); s.Delivered != 1 || s.Failed != 1 || s.StoreErrors != nil {
			t.Errorf("status %+v, want one delivered and one failed", s)
		}
		if totals, err = ops.Totals(t.Context()); err != nil || totals.Pending.N != 0 {
			t.Errorf("totals %+v, %v; want nothing pending", totals, err)
		}
		_, _ = ok, other
	})
}

// Rule: OldestDue is the oldest due time of waiting deliveries, without those of a webhook that is
// switched off.
func TestOperatorsOldestDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, newStore(t), webhook.Automation(), nil) // Run is not in progress
		off := h.add("off")
		h.dispatch(id("evt_1"))
		h.setActive(off, false)
		time.Sleep(time.Minute)
		h.add("on")
		due := time.Now()
		h.dispatch(id("evt_2"))
		time.Sleep(time.Minute)
		ops, err := h.Operators()
		if err != nil {
			t.Fatal(err)
		}
		totals, err := ops.Totals(t.Context())
		if err != nil || !totals.OldestDue.Equal(due) || totals.Pending.N != 2 || totals.Waiting() != 2 {
			t.Errorf("totals %+v, %v; want 2 that wait, since %v", totals, err, due)
		}
	})
}

// Rule: a Store without Stats, and an invalid query, are refused. A Store that panics is contained.
func TestOperatorsRefuse(t *testing.T) {
	t.Parallel()
	inner := newStore(t)
	d, err := webhook.New(registryOnly{inner, inner}, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Operators(); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("without Stats: %v, want ErrUnsupported", err)
	}
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	ops, err := h.Operators()
	if err != nil {
		t.Fatal(err)
	}
	for what, call := range map[string]func() error{
		"page of 101":   func() error { _, _, err := ops.Backlog(t.Context(), webhook.BacklogQuery{Limit: 101}); return err },
		"cursor":        func() error { _, _, err := ops.Backlog(t.Context(), webhook.BacklogQuery{Cursor: "x"}); return err },
		"order":         func() error { _, _, err := ops.Failing(t.Context(), 9); return err },
		"no event":      func() error { _, err := ops.Find(t.Context(), ""); return err },
		"event no. 2":   func() error { _, err := ops.Find(t.Context(), "a.b"); return err },
		"event is text": func() error { _, err := ops.Find(t.Context(), "a b\n"); return err },
	} {
		if err := call(); !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
	broken := newHost(t, panicking{newStore(t)}, webhook.Automation(), nil)
	if ops, err = broken.Operators(); err != nil {
		t.Fatal(err)
	}
	if _, err := ops.Totals(t.Context()); err == nil {
		t.Error("a Store that panics has answered")
	}
}

type panicking struct{ *memstore.Store }

func (panicking) Totals(context.Context, time.Time) (webhook.Totals, error) { panic("totals") }

// Rule: failing webhooks come in the requested order.
func TestFailingOrders(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	p := webhook.Automation()
	p.Form.MaxPerScope = 10
	h := newHost(t, store, p, nil)
	names := make(map[string]string)
	since := time.Unix(1_700_000_000, 0)
	for i, record := range []webhook.Health{
		{Failures: 5, FailingSince: since.Add(2 * time.Hour), Opened: 1}, {Failures: 9, FailingSince: since.Add(3 * time.Hour), Opened: 3},
		{Failures: 2, FailingSince: since, Opened: 2}, {PausedUntil: since.Add(time.Hour)},
	} {
		w := h.add(fmt.Sprint(i))
		names[w.ID] = w.Name
		record.Scope, record.WebhookID = scope, w.ID
		if err := store.SetHealth(t.Context(), scope, w.ID, webhook.Health{Scope: scope, WebhookID: w.ID}, record); err != nil {
			t.Fatal(err)
		}
	}
	ops, err := h.Operators()
	if err != nil {
		t.Fatal(err)
	}
	for by, want := range map[webhook.FailingOrder]string{
		webhook.FailingMost: "1023", webhook.FailingLongest: "2013", webhook.FailingOpened: "1203",
	} {
		hs, total, err := ops.Failing(t.Context(), by)
		got := ""
		for _, h := range hs {
			got += names[h.WebhookID]
		}
		if err != nil || total != 4 || got != want {
			t.Errorf("order %d: %s of %d, %v; want %s", by, got, total, err, want)
		}
	}
}

// Rule: Status counts calls to the Store that fail, by method, and goes on counting.
func TestStatusCountsStoreErrors(t *testing.T) {
	t.Parallel()
	store := &away{Store: newStore(t)}
	h := newHost(t, store, webhook.Automation(), nil)
	h.add("one")
	fail := func(method string, times int) {
		t.Helper()
		store.method = method
		for range times {
			if _, err := h.Dispatch(t.Context(), success(t)); err == nil {
				t.Fatalf("a Store that is away at %s has accepted", method)
			}
		}
	}
	fail("Webhooks", 3)
	fail("Enqueue", 2)
	store.method = ""
	h.dispatch()
	s := h.Status()
	if diff := cmp.Diff(map[string]int64{"Webhooks": 3, "Enqueue": 2}, s.StoreErrors); diff != "" || s.StoreError != nil {
		t.Errorf("errors after a call that succeeded, now %v (-want +got):\n%s", s.StoreError, diff)
	}
	s.StoreErrors["Enqueue"] = 100 // of the caller
	fail("Enqueue", 1)
	s = h.Status()
	if diff := cmp.Diff(map[string]int64{"Webhooks": 3, "Enqueue": 3}, s.StoreErrors); diff != "" || s.StoreError == nil {
		t.Errorf("errors after another failure, now %v (-want +got):\n%s", s.StoreError, diff)
	}
}

// away is a Store one of whose methods fails.
type away struct {
	*memstore.Store
	method string
}

func (s *away) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if s.method == "Webhooks" {
		return nil, errors.New("database is away")
	}
	return s.Store.Webhooks(ctx, scope)
}

func (s *away) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if s.method == "Enqueue" {
		return nil, errors.New("database is away")
	}
	return s.Store.Enqueue(ctx, ds)
}
