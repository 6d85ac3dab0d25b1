package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// lostAnswers is a Store whose answers get lost after it has done its work.
type lostAnswers struct {
	*memstore.Store
	claims, enqueues atomic.Int32 // so many of the next ones
	held             atomic.Int32 // deliveries that were stored leased
}

func (m *lostAnswers) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := m.Store.Claim(ctx, c)
	if len(b.Deliveries) > 0 && m.claims.Add(-1) >= 0 {
		return webhook.Batch{}, errors.New("the answer was lost")
	}
	return b, err
}

func (m *lostAnswers) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	added, err := m.Store.Enqueue(ctx, ds)
	for i := range ds {
		if ds[i].Held {
			m.held.Add(1)
		}
	}
	if m.enqueues.Add(-1) >= 0 {
		return nil, fmt.Errorf("the answer was lost: %w", webhook.ErrUnknown)
	}
	return added, err
}

func newLostAnswers(t *testing.T, o *webhook.Options) (*lostAnswers, *host) {
	t.Helper()
	m := &lostAnswers{Store: newStore(t)}
	p := webhook.Automation()
	p.Form.MaxPerScope = 0
	return m, newHost(t, m, p, o)
}

// Rule: a claim whose answer was lost is repeated with its number. This costs one call and no
// lease, and counts no interruption.
func TestLostClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, h := newLostAnswers(t, nil)
		h.add("one")
		id := h.dispatch() // Run is not under way, so it is claimed
		m.claims.Store(3)
		h.start()
		defer h.stop()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if d, _ := h.delivery(id); d.State != webhook.StateDelivered || d.Interrupted != 0 {
			t.Errorf("%v after 2 s, %d interruptions; want delivered", d.State, d.Interrupted)
		}
	})
}

// Rule: Dispatchers of one process never give the same lease number, even at one time.
func TestLeaseNumbersOfOneProcess(t *testing.T) {
	t.Parallel()
	seen := map[int64]bool{}
	for range 64 {
		n := webhook.NextProcess()
		if seen[n] || n < 0 || n >= 2048 {
			t.Errorf("number %d is taken, or has more than 11 bits", n)
		}
		seen[n] = true
	}
}

// Rule: a Dispatch with an unknown result returns ErrUnknown, and its hand-off costs no lease.
func TestLostEnqueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, h := newLostAnswers(t, nil)
		h.add("one")
		h.start()
		defer h.stop()
		time.Sleep(time.Second)
		m.enqueues.Store(1)
		if _, err := h.Dispatch(t.Context(), success(t)); !errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("Dispatch: %v, want ErrUnknown", err)
		}
		if m.held.Load() != 1 {
			t.Fatal("it was not handed off")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests within 2 s, want 1: the lease was not given back", n)
		}
	})
}

// Rule: a waiting delivery that is given back keeps its due time, and counts no interruption.
func TestGivenBackInItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, h := newLostAnswers(t, &webhook.Options{Capacity: 4, PerLane: 4, SlowAfter: time.Minute, Timeout: 40 * time.Second})
		h.to.answer = func(int, request) answer { return answer{status: 200, delay: 30 * time.Second} }
		var ids []string
		for i := range 8 {
			h.add(fmt.Sprint("w", i))
		}
		h.start()
		defer h.stop()
		time.Sleep(time.Second)
		r, err := h.Dispatch(t.Context(), success(t))
		if err != nil {
			t.Fatal(err)
		}
		ids = r.Events[0].Deliveries
		time.Sleep(time.Millisecond)
		h.SetPaused(true)
		time.Sleep(time.Second)
		synctest.Wait()
		back := 0
		for _, id := range ids {
			d, _ := h.delivery(id)
			if d.Held {
				continue // in flight
			}
			if back++; !d.Due.Equal(d.CreatedAt) || d.Interrupted != 0 || d.Tries != 0 {
				t.Errorf("due %v after it was created, %d interruptions, %d tries", d.Due.Sub(d.CreatedAt), d.Interrupted, d.Tries)
			}
		}
		if back != 4 {
			t.Errorf("%d went back, want the 4 without a slot", back)
		}
	})
}

// Rule: a panic inside the scheduler ends Run with an error, and does not end the host.
func TestBrokenScheduler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, h := newLostAnswers(t, nil)
		ran := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { ran <- h.Run(ctx) }()
		time.Sleep(time.Second)
		webhook.BreakScheduler(h.Dispatcher)
		synctest.Wait()
		select {
		case err := <-ran:
			if err == nil || !strings.Contains(err.Error(), "bug of Postrider") {
				t.Errorf("Run: %v", err)
			}
		default:
			t.Error("Run goes on")
		}
	})
}

// Rule: the deliveries of a webhook that cannot be opened wait, and continue when it can.
func TestSealedWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sealing{Store: newStore(t)}
		h := newHost(t, s, webhook.Automation(), nil)
		h.add("one")
		s.sealed.Store(true)
		r, err := h.Dispatch(t.Context(), success(t, payload.WithID("evt-1")))
		if err != nil || r.Events[0].Added != 1 {
			t.Fatal(r, err)
		}
		h.start()
		defer h.stop()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if d, _ := h.delivery(r.Events[0].Deliveries[0]); d.State != webhook.StatePending || d.Interrupted != 0 || h.Status().Unreadable != 1 {
			t.Errorf("%v %q, %d interruptions, %d webhooks unreadable", d.State, d.LastCode, d.Interrupted, h.Status().Unreadable)
		}
		s.sealed.Store(false)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if d, _ := h.delivery(r.Events[0].Deliveries[0]); d.State != webhook.StateDelivered {
			t.Errorf("%v %q once it can be opened", d.State, d.LastCode)
		}
	})
}

// Rule: a webhook that could not be opened and is deleted, here or by another process, is not
// counted as unreadable any more.
func TestSealedIsDeleted(t *testing.T) {
	t.Parallel()
	s := &sealing{Store: newStore(t)}
	h := newHost(t, s, webhook.Automation(), nil)
	for name, remove := range map[string]func(w webhook.Webhook) error{
		"Delete":      func(w webhook.Webhook) error { return h.hooks.Delete(t.Context(), scope, w.ID) },
		"DeleteScope": func(webhook.Webhook) error { return h.hooks.DeleteScope(t.Context(), scope) },
		"elsewhere": func(w webhook.Webhook) error {
			err := s.Store.Delete(t.Context(), scope, w.ID)
			_, dispatched := h.Dispatch(t.Context(), success(t))
			return errors.Join(err, dispatched)
		},
	} {
		s.sealed.Store(false)
		w := h.add("one")
		s.sealed.Store(true)
		if _, err := h.Dispatch(t.Context(), success(t)); err != nil || h.Status().Unreadable != 1 {
			t.Fatalf("%s: %v, %d webhooks unreadable before", name, err, h.Status().Unreadable)
		}
		if err := remove(w); err != nil || h.Status().Unreadable != 0 {
			t.Errorf("%s: %v, %d webhooks unreadable", name, err, h.Status().Unreadable)
		}
	}
}

// sealing is a Store whose key service may be away.
type sealing struct {
	*memstore.Store
	sealed atomic.Bool
}

func (s *sealing) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := s.Store.Webhooks(ctx, scope)
	for i := range ws {
		if s.sealed.Load() {
			ws[i].URL, ws[i].Secrets, ws[i].Unreadable = "", nil, webhook.ErrSealed
		}
	}
	return ws, err
}

func (s *sealing) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	if s.sealed.Load() {
		for _, d := range b.Deliveries {
			b.Unreadable = append(b.Unreadable, webhook.Unreadable{ID: d.ID, Lease: d.Lease, Lane: d.Lane(), Due: d.Due, Err: webhook.ErrSealed})
		}
		b.Deliveries, b.Webhooks = nil, nil
	}
	return b, err
}

func (s *sealing) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := s.Store.Webhook(ctx, scope, id)
	if s.sealed.Load() {
		w.URL, w.Secrets, w.Headers, w.Unreadable = "", nil, nil, webhook.ErrSealed
	}
	return w, err
}

// Rule: a webhook that cannot be opened is not written, because a write would lose its secrets.
func TestSealedIsNotEdited(t *testing.T) {
	t.Parallel()
	s := &sealing{Store: newStore(t)}
	h := newHost(t, s, webhook.Automation(), nil)
	w := h.add("one")
	s.sealed.Store(true)
	edited := w
	edited.Name = "another"
	_, rotated := h.hooks.RotateSecret(t.Context(), scope, w.ID, webhook.NewSecret(token+"x"))
	_, edit := h.hooks.Edit(t.Context(), edited)
	for what, err := range map[string]error{"SetActive": h.hooks.SetActive(t.Context(), scope, w.ID, false), "RotateSecret": rotated, "Edit": edit} {
		if !errors.Is(err, webhook.ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", what, err)
		}
	}
	s.sealed.Store(false)
	got, err := h.hooks.Webhook(t.Context(), scope, w.ID)
	if err != nil || got.URL != w.URL || len(got.Secrets) != 1 || got.Version != w.Version {
		t.Errorf("stored as %q with %d secrets, version %d; %v", got.URL, len(got.Secrets), got.Version, err)
	}
}
