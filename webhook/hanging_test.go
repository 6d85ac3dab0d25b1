package webhook_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// hanging is a Store of which one method ignores its context: between hang and answer it does not
// return.
type hanging struct {
	*memstore.Store
	method string
	gate   atomic.Pointer[chan struct{}]
}

func (s *hanging) hang() {
	gate := make(chan struct{})
	s.gate.Store(&gate)
}

func (s *hanging) answer() { close(*s.gate.Swap(nil)) }

func (s *hanging) block(method string) {
	if gate := s.gate.Load(); gate != nil && method == s.method {
		<-*gate
	}
}

func (s *hanging) Now(context.Context) (webhook.Reading, error) {
	s.block("Now")
	return webhook.Reading{Before: time.Now(), Store: time.Now(), After: time.Now()}, nil
}

func (s *hanging) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	s.block("Prune")
	return s.Store.Prune(ctx, before, limit)
}

func (s *hanging) Wait(ctx context.Context) error {
	s.block("Wait")
	<-ctx.Done()
	return ctx.Err()
}

func (*hanging) Notify(context.Context) error { return nil }

// Rule: Run returns in time although a method of the Store ignores the end of its context, and sending
// continues once that method answers again.
func TestHangingStore(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Now", "Prune", "Wait"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, err := memstore.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				store := &hanging{Store: inner, method: method}
				h := newHost(t, store, webhook.Automation(), nil)
				h.add("one")
				store.hang()
				h.start()
				time.Sleep(15 * time.Second)
				if method == "Now" && h.Status().StoreError == nil {
					t.Error("Status has no error although the Store's clock does not answer")
				}
				time.Sleep(20 * time.Minute)
				store.answer()
				h.dispatch()
				time.Sleep(2 * time.Minute)
				if n := len(h.to.seen()); n != 1 {
					t.Errorf("%d requests after the Store answers again, want 1", n)
				}
				h.stop()

				store.hang()
				h.start()
				time.Sleep(time.Second)
				stopped := time.Now()
				h.stop()
				if took := time.Since(stopped); took > 30*time.Second {
					t.Errorf("Run returned %v after its context had ended", took)
				}
				if method != "Now" {
					h.wantLines(1, "calls to it are left behind")
				}
				store.answer()
			})
		})
	}
}

// deaf is a Store whose notifications cannot be heard.
type deaf struct{ *memstore.Store }

func (deaf) Wait(context.Context) error {
	return errors.New("the connection for notifications is gone")
}
func (deaf) Notify(context.Context) error { return nil }

// Rule: while a Store cannot listen for other hosts, their events are found by a look each second.
func TestDeafNotifier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		h := newHost(t, deaf{store}, webhook.Automation(), nil)
		h.add("one")
		h.start()
		defer h.stop()
		time.Sleep(10 * time.Minute)
		other := newHost(t, store, webhook.Automation(), nil)
		other.dispatch()
		time.Sleep(2 * time.Second)
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests two seconds after another host has stored an event, want 1", n)
		}
	})
}

// failingWait is a Store that stops listening for other hosts once.
type failingWait struct {
	deaf
	fail chan struct{}
}

func (s failingWait) Wait(ctx context.Context) error {
	select {
	case <-s.fail:
		return s.deaf.Wait(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Rule: what another host has stored when the connection for notifications ends is found at once, because
// the notification may be lost.
func TestLostNotification(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := failingWait{deaf{newStore(t)}, make(chan struct{})}
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		h.start()
		defer h.stop()
		time.Sleep(10*time.Minute + 30*time.Second) // between two looks
		newHost(t, store.Store, webhook.Automation(), nil).dispatch()
		store.fail <- struct{}{}
		synctest.Wait()
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests after the connection has ended, want 1", n)
		}
	})
}
