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
		h.add("after")
		if d, _ := h.delivery(h.dispatch(id("after"))); d.Held {
			t.Error("a delivery is leased to a process that will not send it")
		}
	})
}
