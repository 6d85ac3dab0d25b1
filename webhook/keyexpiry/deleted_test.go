package keyexpiry_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// racing is a Store in which a delivery changes between two calls of a check: it is deleted, or
// another host sends it. Each error that is set occurs once.
type racing struct {
	*memstore.Store
	delivery, requeue error
}

func (s *racing) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	if err := s.delivery; err != nil {
		s.delivery = nil
		return webhook.Delivery{}, nil, err
	}
	return s.Store.Delivery(ctx, scope, id)
}

func (s *racing) Requeue(ctx context.Context, scope, id string, due time.Time) error {
	if err := s.requeue; err != nil {
		s.requeue = nil
		return err
	}
	return s.Store.Requeue(ctx, scope, id, due)
}

// Rule: a delivery that was deleted, or that is being sent, causes no failure: the key stays
// open, and the next check reads the remaining deliveries.
func TestMarkOnAccepted_races(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		delivery, requeue error
		outcome           string
		fails             bool
	}{
		"deleted":             {delivery: webhook.ErrNotFound, outcome: "k waiting"},
		"deleted on requeue":  {requeue: webhook.ErrNotFound, outcome: "k waiting"},
		"held on requeue":     {requeue: webhook.ErrHeld, outcome: "k waiting"},
		"not readable":        {delivery: errors.New("store is away"), outcome: "k failed", fails: true},
		"not to be requeued":  {requeue: errors.New("store is away"), outcome: "k failed", fails: true},
		"nothing out of line": {outcome: "k again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, h *host) {
				store := &racing{Store: h.store.(*memstore.Store)}
				h.add("ops")
				h.to.answer("ops", http.StatusForbidden)
				k := key("k", week)
				h.check(h.checker(onAccepted, k))
				h.to.drain()
				h.store = store
				c := h.checker(onAccepted, k)
				store.delivery, store.requeue = tt.delivery, tt.requeue
				r, err := c.Check(t.Context(), time.Now())
				if diff := cmp.Diff([]string{tt.outcome}, outcomes(r)); diff != "" || (err != nil) != tt.fails {
					t.Errorf("error %v, outcome (-want +got):\n%s", err, diff)
				}
				time.Sleep(30 * time.Minute)
				if n := len(h.to.drain()); (n == 1) != (tt.outcome == "k again") {
					t.Errorf("%d requests", n)
				}
				h.to.answer("ops", http.StatusOK)
				if diff := cmp.Diff([]string{"k again"}, h.check(c)); diff != "" {
					t.Errorf("the next check (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"k done"}, h.check(c)); diff != "" {
					t.Errorf("the one after (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Rule: a deleted delivery keeps the key open, and the other deliveries are sent again.
func TestMarkOnAccepted_oneIsDeleted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		store := &racing{Store: h.store.(*memstore.Store)}
		for _, name := range []string{"one", "two"} {
			h.add(name)
			h.to.answer(name, http.StatusForbidden)
		}
		k := key("k", week)
		h.check(h.checker(onAccepted, k))
		h.to.drain()
		h.store = store
		c := h.checker(onAccepted, k)
		store.delivery = webhook.ErrNotFound
		if diff := cmp.Diff([]string{"k again"}, h.check(c)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := len(h.to.drain()); n != 1 {
			t.Errorf("%d requests, want one to the remaining webhook", n)
		}
	})
}
