package webhook_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func TestRunTwice(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		synctest.Wait()
		if err := h.Run(context.Background()); !errors.Is(err, webhook.ErrRunning) {
			t.Errorf("second Run: %v, want ErrRunning", err)
		}
		h.stop()
		h.start() // and again after the first has ended
	})
}

// Rule: a stop lets requests in flight finish within the drain period.
func TestDrainFinishes(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 9 * time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		d := h.dispatch()
		settled(time.Second)
		began := time.Now()
		h.stop()
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("stop took %v, want the 8 s the request needed", took)
		}
		if got := h.outcome(d); got != "delivered tries=1" {
			t.Error(got)
		}
	})
}

// Rule: a request that the drain period cuts off is given back uncounted, and the next Run sends it
// again.
func TestDrainCutsOff(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer {
		if n == 1 {
			return answer{status: 200, delay: 25 * time.Second}
		}
		return answer{status: 200}
	}}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("one")
		d := h.dispatch()
		settled(time.Second)
		began := time.Now()
		h.stop()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("stop took %v, want the drain period of 10 s", took)
		}
		got, as := h.delivery(d)
		if got.State != webhook.StatePending || got.Held || got.Tries != 0 || got.Interrupted != 0 || len(as) != 0 {
			t.Errorf("after the stop: %+v, attempts %v; want it pending, free and uncounted", got, as)
		}
		h.start()
		settled(time.Second)
		if got := h.outcome(d); got != "delivered tries=1" {
			t.Error(got)
		}
	})
}

// Rule: Dispatch stores also after Run has ended, and returns ErrClosed once the Store is closed.
func TestDispatchAfterStop(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		h.stop()
		d := h.dispatch()
		if got := h.outcome(d); got != "pending tries=0" {
			t.Error(got)
		}
		h.store.(*memstore.Store).Close()
		if _, err := h.Dispatch(context.Background(), success(t)); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("Dispatch on a closed Store: %v, want ErrClosed", err)
		}
	})
}

// faulty is a Store whose calls fail while an error is set.
type faulty struct {
	*memstore.Store
	claim, settle, enqueue atomic.Pointer[error] // claim fails looks too
	claims, looks          atomic.Int64
}

func (s *faulty) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	s.looks.Add(1)
	if err := s.claim.Load(); err != nil {
		return webhook.DuePage{}, *err
	}
	return s.Store.Due(ctx, q)
}

func (s *faulty) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	s.claims.Add(1)
	if err := s.claim.Load(); err != nil {
		return webhook.Batch{}, *err
	}
	return s.Store.Claim(ctx, c)
}

func (s *faulty) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	if err := s.settle.Load(); err != nil {
		return nil, *err
	}
	return s.Store.Settle(ctx, ss)
}

func (s *faulty) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if err := s.enqueue.Load(); err != nil {
		return nil, *err
	}
	return s.Store.Enqueue(ctx, ds)
}

// Rule: during an outage of the Store nothing is sent, calls are rare and the log stays short.
// Afterwards all deliveries continue.
func TestStoreOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		down := errors.New("database is gone")
		store.claim.Store(&down)
		d := h.dispatch()
		h.start()
		defer h.stop()
		settled(10 * time.Minute)
		if n := store.claims.Load() + store.looks.Load(); n > 300 {
			t.Errorf("%d claims in ten minutes without a database", n)
		}
		if n := strings.Count(h.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors logged for one outage:\n%s", n, h.log)
		}
		if err := h.Status().StoreError; !errors.Is(err, down) {
			t.Errorf("Status().StoreError = %v", err)
		}
		store.claim.Store(nil)
		settled(10 * time.Second)
		if got := h.outcome(d); got != "delivered tries=1" {
			t.Error(got)
		}
		if err := h.Status().StoreError; err != nil {
			t.Errorf("Status().StoreError = %v after the outage", err)
		}
	})
}

// Rule: an outcome that cannot be stored is tried again. Meanwhile nothing is claimed or handed
// off, so that few requests are made that cannot be recorded.
func TestSettleOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), &webhook.Options{PerLane: 2})
		h.add("one")
		down := errors.New("database is read-only")
		store.settle.Store(&down)
		var ds []string
		for i := range 5 {
			ds = append(ds, h.dispatch(id("evt_%d", i)))
		}
		h.start()
		defer h.stop()
		settled(30 * time.Second)
		n := len(h.to.seen())
		ds = append(ds, h.dispatch(id("evt_%d", 5)))
		settled(30 * time.Second)
		if now := len(h.to.seen()); now != n {
			t.Errorf("%d requests while outcomes cannot be stored, and later %d", n, now)
		}
		store.settle.Store(nil)
		settled(10 * time.Second)
		for _, d := range ds {
			if got := h.outcome(d); got != "delivered tries=1" {
				t.Error(got)
			}
		}
		if n := len(h.to.seen()); n != 6 {
			t.Errorf("%d requests, want each of 6 once", n)
		}
	})
}

// panickyHandler is a log handler that panics.
type panickyHandler struct{ slog.Handler }

func (panickyHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickyHandler) Handle(context.Context, slog.Record) error { panic("log") }

// Rule: a log handler that panics stops no delivery.
func TestPanickingLogger(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, _ request) answer { return answer{status: map[bool]int{true: 401, false: 200}[n == 1]} }}
	o := &webhook.Options{Transport: to, Logger: slog.New(panickyHandler{slog.DiscardHandler})}
	inBubble(t, webhook.Automation(), o, func(h *host) {
		h.add("one")
		first := h.dispatch(payload.WithID("evt_1"))
		settled(time.Second)
		second := h.dispatch(payload.WithID("evt_2"))
		settled(time.Second)
		if got := h.outcome(first) + ", " + h.outcome(second); got != "failed status tries=1, delivered tries=1" {
			t.Error(got)
		}
	})
}

// Rule: an idle dispatcher looks once per poll interval.
func TestIdleLooksOncePerPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), &webhook.Options{Poll: time.Second})
		h.start()
		defer h.stop()
		settled(time.Second)
		before := store.looks.Load()
		settled(10 * time.Minute)
		if n := store.looks.Load() - before; n != 600 {
			t.Errorf("%d looks in 600 poll intervals", n)
		}
	})
}
