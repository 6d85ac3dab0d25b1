package keyexpiry_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
)

var onAccepted = &keyexpiry.Options{MarkOnAccepted: true}

// Rule: with MarkOnAccepted a key whose delivery has finally failed is announced again at the
// next check, by any process, with the same identifier and body, until it is accepted.
func TestMarkOnAccepted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		k := key("k", week)
		sent := request{"ops", keyexpiry.EventID(k), string(body(t, k))}
		steps := []struct {
			status   int
			outcome  string
			requests int
		}{
			{http.StatusUnauthorized, "fired", 1},       // fails at once
			{http.StatusServiceUnavailable, "again", 4}, // fails after its retries
			{http.StatusServiceUnavailable, "again", 4}, // with a fresh budget
			{http.StatusOK, "again", 1},
			{http.StatusOK, "done", 0},
			{http.StatusUnauthorized, "done", 0},
		}
		for i, s := range steps {
			h.to.answer("ops", s.status)
			if diff := cmp.Diff([]string{"k " + s.outcome}, h.check(h.checker(onAccepted, k))); diff != "" {
				t.Errorf("step %d (-want +got):\n%s", i, diff)
			}
			got := h.to.drain()
			if len(got) != s.requests {
				t.Errorf("step %d: %d requests, want %d", i, len(got), s.requests)
			}
			for _, r := range got {
				if diff := cmp.Diff(sent, r); diff != "" {
					t.Errorf("step %d: request (-want +got):\n%s", i, diff)
				}
			}
			h = h.restarted() // only the Store remembers; the first host's Run continues to send
			time.Sleep(30 * time.Minute)
		}
	})
}

// Rule: without MarkOnAccepted a key whose delivery has finally failed is done.
func TestMarkOnEnqueue(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		h.to.answer("ops", http.StatusUnauthorized)
		c := h.checker(nil, key("k", week))
		for i, want := range []string{"k fired", "k done"} {
			if diff := cmp.Diff([]string{want}, h.check(c)); diff != "" {
				t.Errorf("check %d (-want +got):\n%s", i, diff)
			}
		}
		if n := len(h.to.drain()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: MarkOnAccepted repeats only failed deliveries, not accepted, pending or cancelled
// ones.
func TestMarkOnAccepted_onlyWhatFailed(t *testing.T) {
	t.Parallel()
	t.Run("another webhook has accepted", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, h *host) {
			h.add("good")
			h.add("bad")
			h.to.answer("bad", http.StatusForbidden)
			c := h.checker(onAccepted, key("k", week))
			h.check(c)
			h.to.drain()
			if diff := cmp.Diff([]string{"k again"}, h.check(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := h.to.drain(); len(got) != 1 || got[0].To != "bad" {
				t.Errorf("requests %v, want one to the webhook that refused", got)
			}
		})
	})
	t.Run("at once, not at the next poll", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, h *host) {
			h.add("ops")
			h.to.answer("ops", http.StatusForbidden)
			c := h.checker(onAccepted, key("k", week))
			h.check(c)
			h.to.drain()
			time.Sleep(10 * time.Second) // between two polls
			if _, err := c.Check(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond) // looks are a tenth of a second apart
			synctest.Wait()
			if n := len(h.to.drain()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	})
	t.Run("retries are under way", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, h *host) {
			h.add("ops")
			h.to.answer("ops", http.StatusServiceUnavailable)
			c := h.checker(onAccepted, key("k", week))
			for i, want := range []string{"k fired", "k waiting"} {
				r, err := c.Check(t.Context(), time.Now())
				if diff := cmp.Diff([]string{want}, outcomes(r)); diff != "" || err != nil {
					t.Errorf("check %d: %v (-want +got):\n%s", i, err, diff)
				}
				synctest.Wait() // the first attempt, not the retries
			}
			if n := len(h.to.drain()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, h *host) {
			h.add("ops")
			h.to.answer("ops", http.StatusServiceUnavailable)
			c := h.checker(onAccepted, key("k", week))
			if _, err := c.Check(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			ds, _, err := h.manager.Deliveries(t.Context(), webhook.Query{Scope: scope})
			if err != nil || len(ds) != 1 {
				t.Fatalf("%d deliveries, %v", len(ds), err)
			}
			if err := h.manager.Cancel(t.Context(), scope, ds[0].ID); err != nil {
				t.Fatal(err)
			}
			h.to.drain()
			if diff := cmp.Diff([]string{"k done"}, h.check(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := h.to.drain(); len(got) != 0 {
				t.Errorf("requests %v, want none", got)
			}
		})
	})
	t.Run("its webhook was deleted", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, h *host) {
			w := h.add("ops")
			h.to.answer("ops", http.StatusUnauthorized)
			c := h.checker(onAccepted, key("k", week))
			h.check(c)
			if err := h.manager.Delete(t.Context(), scope, w.ID); err != nil {
				t.Fatal(err)
			}
			h.to.drain()
			if diff := cmp.Diff([]string{"k unheard"}, h.check(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			h.add("new")
			if diff := cmp.Diff([]string{"k fired"}, h.check(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"k done"}, h.check(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := h.to.drain(); len(got) != 1 || got[0].To != "new" {
				t.Errorf("requests %v, want one to the new webhook", got)
			}
		})
	})
	t.Run("the key has expired", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, h *host) {
			h.add("ops")
			h.to.answer("ops", http.StatusUnauthorized)
			c := h.checker(onAccepted, key("k", time.Hour))
			h.check(c)
			time.Sleep(30 * time.Minute)
			if got := h.check(c); len(got) != 0 {
				t.Errorf("outcomes %v, want none", got)
			}
		})
	})
}

// brokenHistory is a History that fails.
type brokenHistory struct {
	*lockedStore
	err error
}

func (s brokenHistory) Delivery(_ context.Context, _, _ string) (webhook.Delivery, []webhook.Attempt, error) {
	return webhook.Delivery{}, nil, s.err
}

// Rule: after an error of the History the occasion stays open.
func TestMarkOnAccepted_historyFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		k := key("k", week)
		h.check(h.checker(onAccepted, k))
		broken := errors.New("no history today")
		other := newHost(t, brokenHistory{withMarks(h.store, nil).lockedStore, broken}, h.to)
		if _, err := other.checker(onAccepted, k).Check(t.Context(), time.Now()); !errors.Is(err, broken) {
			t.Errorf("error %v, want that of the History", err)
		}
		if diff := cmp.Diff([]string{"k done"}, h.check(h.checker(onAccepted, k))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
