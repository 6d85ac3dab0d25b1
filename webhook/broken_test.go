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

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// broken is a Store that breaks its contract: change alters the answers of its claims.
type broken struct {
	*memstore.Store
	change func(*webhook.Batch)
}

func (s *broken) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	s.change(&b)
	return b, err
}

// Rule: a forbidden answer of a Store is contained: no request goes to another tenant's webhook, no
// delivery is sent twice, none is lost, and the log has one line.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		change   func(*webhook.Batch)
		requests int
		state    webhook.State
		line     string
	}{
		{"another tenant's webhook", func(b *webhook.Batch) {
			for i := range b.Webhooks {
				b.Webhooks[i].Scope, b.Webhooks[i].URL = "other", automation+"other"
			}
		}, 0, webhook.StatePending, "webhook of another scope"},
		{"a delivery twice", func(b *webhook.Batch) { b.Deliveries = append(b.Deliveries, b.Deliveries...) },
			1, webhook.StateDelivered, "twice in one answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &broken{newStore(t), tt.change}, webhook.Automation(), nil)
				h.add("one")
				d := h.dispatch() // Run is not under way, so it is claimed
				h.start()
				defer h.stop()
				settled(5 * time.Minute)
				if n := len(h.to.seen()); n != tt.requests {
					t.Errorf("%d requests, want %d", n, tt.requests)
				}
				if got, _ := h.delivery(d); got.State != tt.state {
					t.Errorf("%v, want %v", got.State, tt.state)
				}
				if n := strings.Count(h.log.String(), tt.line); n != 1 {
					t.Errorf("%d lines in the log, want 1:\n%s", n, h.log)
				}
			})
		})
	}
}

// confused is a Store that answers with another tenant's webhook. Its claims are slow, so that
// webhooks are read again.
type confused struct{ *memstore.Store }

func (s confused) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	time.Sleep(time.Second)
	return b, err
}

func (s confused) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := s.Store.Webhook(ctx, scope, id)
	w.Scope, w.URL = "other", automation+"other"
	return w, err
}

// Rule: if the Store answers with the webhook of another tenant, that webhook gets no request, is
// not shown and not changed.
func TestBrokenReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, confused{newStore(t)}, webhook.Automation(), nil)
		w := h.add("one")
		d := h.dispatch() // Run is not under way, so it is claimed
		h.start()
		defer h.stop()
		settled(5 * time.Minute)
		if n := len(h.to.seen()); n != 0 {
			t.Errorf("%d requests, want none", n)
		}
		if got, _ := h.delivery(d); got.State != webhook.StatePending {
			t.Errorf("%v, want pending", got.State)
		}
		if h.Status().StoreError == nil {
			t.Error("Status has no StoreError")
		}
		m, err := h.Manager()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Webhook(t.Context(), w.Scope, w.ID); err == nil {
			t.Errorf("Manager.Webhook shows the webhook of %q", got.Scope)
		}
		if err := m.SetActive(t.Context(), w.Scope, w.ID, false); err == nil {
			t.Error("Manager.SetActive has changed a webhook")
		}
		if _, err := m.Test(t.Context(), w.Scope, w.ID); err == nil || len(h.to.seen()) != 0 {
			t.Errorf("Manager.Test: %v, and %d requests", err, len(h.to.seen()))
		}
	})
}

// exploding is a Store that panics after it has stored.
type exploding struct{ *memstore.Store }

func (s exploding) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if _, err := s.Store.Enqueue(ctx, ds); err != nil {
		return nil, err
	}
	panic("enqueue")
}

// Rule: an Enqueue that panics may have stored before; Dispatch and DispatchTx return ErrUnknown.
func TestPanickingEnqueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := exploding{newStore(t)}
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		_, err := h.Dispatch(t.Context(), success(t))
		_, txErr := h.DispatchTx(t.Context(), store, success(t))
		for _, err := range []error{err, txErr} {
			if !errors.Is(err, webhook.ErrUnknown) || !errors.Is(err, webhook.ErrPanic) {
				t.Errorf("%v, want ErrUnknown and ErrPanic", err)
			}
		}
	})
}

// unsure is a Store that loses the answer of a change and is slow to answer a claim.
type unsure struct {
	*memstore.Store
	claimed chan struct{}
}

func (s *unsure) Update(ctx context.Context, w webhook.Webhook) error {
	if err := s.Store.Update(ctx, w); err != nil {
		return err
	}
	return fmt.Errorf("the answer was lost: %w", webhook.ErrUnknown)
}

func (s *unsure) DeleteScope(ctx context.Context, scope string) error {
	if err := s.Store.DeleteScope(ctx, scope); err != nil {
		return err
	}
	return fmt.Errorf("a part is left: %w", webhook.ErrUnknown)
}

func (s *unsure) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.Store.Claim(ctx, c)
	if len(b.Deliveries) > 0 {
		close(s.claimed)
		time.Sleep(100 * time.Millisecond) // less than the age at which a webhook is read again
	}
	return b, err
}

// Rule: after a change with an unknown result, nothing is sent with a webhook that was read before
// it.
func TestUnknownChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *host, w webhook.Webhook) error{
		"SetActive":   func(h *host, w webhook.Webhook) error { return h.hooks.SetActive(ctx, scope, w.ID, false) },
		"DeleteScope": func(h *host, w webhook.Webhook) error { return h.hooks.DeleteScope(ctx, scope) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &unsure{newStore(t), make(chan struct{})}
				h := newHost(t, store, webhook.Automation(), nil)
				w := h.add("one")
				h.dispatch() // Run is not under way, so it is claimed
				h.start()
				defer h.stop()
				<-store.claimed
				if err := change(h, w); !errors.Is(err, webhook.ErrUnknown) {
					t.Errorf("%v, want ErrUnknown", err)
				}
				settled(time.Minute)
				if n := len(h.to.seen()); n != 0 {
					t.Errorf("%d requests to a webhook that is switched off or gone", n)
				}
			})
		})
	}
}

// restless is a Store whose webhooks change after each read.
type restless struct {
	*memstore.Store
	seen, reads atomic.Int64
}

func (s *restless) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := s.Store.Webhooks(ctx, scope)
	for i := range ws {
		ws[i].Seen = s.seen.Add(1)
	}
	s.seen.Add(1)
	s.reads.Add(1)
	return ws, err
}

func (s *restless) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	for i := range ds {
		if ds[i].Seen != 0 && ds[i].Seen != s.seen.Load() {
			return nil, webhook.ErrStale
		}
	}
	return s.Store.Enqueue(ctx, ds)
}

// Rule: a tenant that changes webhooks all the time does not make Dispatch fail.
func TestRestlessTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &restless{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		h.start()
		defer h.stop()
		settled(time.Second)
		id := h.dispatch()
		settled(time.Second)
		if got := h.outcome(id); got != "delivered tries=1" || len(h.to.seen()) != 1 || store.reads.Load() != 3 {
			t.Errorf("%s, %d requests, %d reads", got, len(h.to.seen()), store.reads.Load())
		}
	})
}
