package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: Status has the facts for a readiness probe, at every stage.
func TestStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: time.Second} }}
		h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to, PerLane: 2})
		want := func(when string, want webhook.Status) {
			t.Helper()
			if diff := cmp.Diff(want, h.Status(), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		want("before Run", webhook.Status{})
		h.add("one")
		for i := range 3 {
			h.dispatch(id("evt_%d", i))
		}
		time.Sleep(time.Minute) // without Run the queue falls behind
		h.start()
		settled(0)
		now := time.Now().UTC().Round(0)
		got := h.Status()
		if got.InFlight != 1 || got.Active != 1 || !got.Running || !got.LastAnswer.Equal(now) {
			t.Errorf("while sending: %+v", got)
		}
		settled(10 * time.Second)
		got = h.Status()
		if !got.OldestDue.IsZero() || got.InFlight != 0 {
			t.Errorf("when the queue is empty: %+v", got)
		}
		h.SetPaused(true)
		if !h.Status().Paused {
			t.Error("Paused is not told")
		}
		h.stop()
		if h.Status().Running {
			t.Error("Running after Run has returned")
		}
	})
}

// Rule: OldestDue is how far behind the queue is.
func TestStatusOldestDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: time.Second} }}
		h := newHost(t, newStore(t), webhook.Automation(), &webhook.Options{Transport: to, Capacity: 1, Poll: time.Hour})
		h.add("one")
		due := time.Now()
		for i := range 3 {
			h.dispatch(id("evt_%d", i))
		}
		time.Sleep(time.Minute)
		h.start()
		defer h.stop()
		settled(1500 * time.Millisecond) // the second of three is under way
		if got := h.Status().OldestDue; !got.Equal(due) {
			t.Errorf("OldestDue %v, want %v, when everything was queued", got, due)
		}
	})
}

// Rule: the timeout of a webhook ends its attempts, and no others.
func TestTimeoutOfAWebhook(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(int, request) answer { return answer{status: 200, delay: 5 * time.Second} }}
	inBubble(t, webhook.Automation(), &webhook.Options{Transport: to}, func(h *host) {
		h.add("short", func(w *webhook.Webhook) { w.Timeout = 2 * time.Second })
		h.add("usual")
		r := h.dispatchAll()
		settled(6 * time.Second)
		outcomes := map[string]int{}
		for _, id := range r.Events[0].Deliveries {
			d, as := h.delivery(id)
			if len(as) != 1 {
				t.Fatalf("%d attempts", len(as))
			}
			outcomes[d.State.String()+" "+string(as[0].Code)+" "+as[0].Duration.String()]++
		}
		if diff := cmp.Diff(map[string]int{"pending timeout 2s": 1, "delivered  5s": 1}, outcomes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// clocked is a Store with a clock of its own.
type clocked struct {
	*memstore.Store
	ahead atomic.Int64
}

func (s *clocked) Now(context.Context) (webhook.Reading, error) {
	now := time.Now()
	return webhook.Reading{Store: now.Add(time.Duration(s.ahead.Load())), Before: now, After: now}, nil
}

// Rule: a process that only dispatches uses the Store's time too.
func TestClockOfADispatchingProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &clocked{Store: newStore(t)}
		s.ahead.Store(int64(-5 * time.Minute))
		h := newHost(t, s, webhook.Automation(), nil)
		h.add("one")
		began := time.Now()
		if got, _ := h.delivery(h.dispatch()); !got.Due.Equal(began.Add(-5 * time.Minute)) {
			t.Errorf("due at %v, want the Store's time %v", got.Due, began.Add(-5*time.Minute))
		}
	})
}

// Rule: the time of a Store with a Clock is used for stored times, due times and signatures. A host
// with a wrong clock does no harm, and logs it.
func TestClockOfTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &clocked{Store: newStore(t)}
		s.ahead.Store(int64(-5 * time.Minute)) // this host is five minutes ahead
		to := &receiver{answer: func(n int, _ request) answer {
			if n == 1 {
				return answer{status: 500}
			}
			return answer{status: 200}
		}}
		h := newHost(t, s, webhook.Standard(), &webhook.Options{Transport: to})
		h.start()
		defer h.stop()
		synctest.Wait()
		h.add("one", standardHook)
		began := time.Now()
		d := h.dispatch()
		settled(time.Second)
		got, _ := h.delivery(d)
		if want := began.Add(-5 * time.Minute); !got.CreatedAt.Equal(want) {
			t.Errorf("created at %v, want the Store's time %v", got.CreatedAt, want)
		}
		due := got.Due.Add(5 * time.Minute)
		settled(time.Minute)
		rs := h.to.seen()
		if len(rs) != 2 || rs[1].At.Sub(due).Abs() > time.Second || !due.After(began) || due.After(began.Add(10*time.Second)) {
			t.Errorf("requests at %v, want the retry in its slot, which is due after %v", gaps(rs), due.Sub(began))
		}
		for i, r := range rs {
			want := r.At.Add(-5 * time.Minute).Unix()
			if signed := r.Header.Get(sign.TimestampHeader); signed != strconv.FormatInt(want, 10) {
				t.Errorf("request %d is signed with the time %s, want the Store's time %d", i+1, signed, want)
			}
		}
		if log := h.log.String(); !strings.Contains(log, "clock differs") {
			t.Errorf("the log has no line about the clock:\n%s", log)
		}
	})
}

// failsOnce is a Store whose next calls fail, as many as set.
type failsOnce struct {
	*memstore.Store
	enqueues, dues atomic.Int32
}

func (s *failsOnce) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if s.enqueues.Add(-1) >= 0 {
		return nil, webhook.ErrClosed
	}
	return s.Store.Enqueue(ctx, ds)
}

func (s *failsOnce) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	if s.dues.Add(-1) >= 0 {
		return webhook.DuePage{}, webhook.ErrClosed
	}
	return s.Store.Due(ctx, q)
}

// Rule: a Store that refuses a value, such as an event made by hand, counts as available.
func TestRefusedIsNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, refusing{newStore(t)}, webhook.Automation(), nil)
		h.add("one")
		if _, err := h.Dispatch(t.Context(), success(t)); !errors.Is(err, webhook.ErrInvalid) || errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("Dispatch: %v, want ErrInvalid", err)
		}
		if err := h.Status().StoreError; err != nil {
			t.Errorf("StoreError %v", err)
		}
	})
}

// refusing is a Store that cannot keep its arguments.
type refusing struct{ *memstore.Store }

func (refusing) Enqueue(context.Context, []webhook.Delivery) ([]bool, error) {
	return nil, fmt.Errorf("no such text: %w", webhook.ErrInvalid)
}

// Rule: the error of a call that is not repeated is over after two minutes, so that a host that a
// probe took out of service comes back. The error of a call that fails again and again stays. Each
// outage has a line for its beginning and one for its end.
func TestStoreErrorIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failsOnce{Store: newStore(t)}
		h := newHost(t, store, webhook.Automation(), nil)
		h.add("one")
		h.start()
		defer h.stop()
		settled(time.Second)
		for outage := 1; outage <= 2; outage++ {
			store.enqueues.Store(1)
			if _, err := h.Dispatch(t.Context(), success(t)); err == nil || h.Status().StoreError == nil {
				t.Fatalf("Dispatch: %v, StoreError %v, want errors", err, h.Status().StoreError)
			}
			settled(119 * time.Second)
			if h.Status().StoreError == nil {
				t.Error("StoreError is over within two minutes")
			}
			settled(2 * time.Second)
			if err := h.Status().StoreError; err != nil {
				t.Errorf("StoreError after two minutes without another: %v", err)
			}
			if begin, end := strings.Count(h.log.String(), "cannot be used"), strings.Count(h.log.String(), "can be used again"); begin != outage || end != outage {
				t.Errorf("outage %d: %d lines for the beginning, %d for the end", outage, begin, end)
			}
		}
		store.dues.Store(1000)
		settled(10 * time.Minute)
		if n := strings.Count(h.log.String(), "cannot be used"); n != 3 || h.Status().StoreError == nil {
			t.Errorf("%d lines, StoreError %v, while every look fails", n, h.Status().StoreError)
		}
	})
}
