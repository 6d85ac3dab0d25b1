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

// slowRead is a Store that reads webhooks as long as it is told to, whatever the context.
type slowRead struct {
	*memstore.Store
	release chan struct{}
	stored  atomic.Int32
}

func (s *slowRead) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	<-s.release
	return s.Store.Webhooks(context.WithoutCancel(ctx), scope)
}

func (s *slowRead) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	s.stored.Add(1)
	return s.Store.Enqueue(context.WithoutCancel(ctx), ds)
}

// Rule: if a Dispatch ends before it has called Enqueue, it is certain that nothing is stored, then and
// later. What the caller has ended says nothing about the Store.
func TestDispatchEndsBeforeItStores(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowRead{Store: newStore(t), release: make(chan struct{})}
		h := newHost(t, s, webhook.Automation(), nil)
		h.add("one")
		for name, end := range map[string]func() (context.Context, context.CancelFunc){
			"cancelled":       func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
			"deadline":        func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), time.Second) },
			"DispatchTimeout": func() (context.Context, context.CancelFunc) { return t.Context(), func() {} },
		} {
			ctx, cancel := end()
			time.AfterFunc(time.Second, cancel)
			_, err := h.Dispatch(ctx, success(t))
			cancel()
			if err == nil || errors.Is(err, webhook.ErrUnknown) {
				t.Errorf("%s: %v, want an error that is certain", name, err)
			}
			if name == "DispatchTimeout" {
				continue // the Store did not answer
			}
			if got := h.Status().StoreError; got != nil && !strings.Contains(got.Error(), "in time") {
				t.Errorf("%s: Status has %v", name, got)
			}
		}
		close(s.release)
		synctest.Wait()
		if n := s.stored.Load(); n != 0 {
			t.Errorf("%d calls of Enqueue after their Dispatch had returned", n)
		}
	})
}

// Rule: a Store that says so in time is believed that nothing was stored.
func TestDispatchBelievesTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, waitingPool{newStore(t)}, webhook.Automation(), nil)
		h.add("one")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := h.Dispatch(ctx, success(t))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("Dispatch: %v, want the end of the context alone", err)
		}
		h.wantLines(0, "the Store cannot be used")
	})
}

// waitingPool is a Store whose Enqueue waits for a connection until its context ends.
type waitingPool struct{ *memstore.Store }

func (waitingPool) Enqueue(ctx context.Context, _ []webhook.Delivery) ([]bool, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("pool: nothing was stored: %w", ctx.Err())
}
