package webhook_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// setClock is a Store with a clock that can be set, and whose answer can be slow.
type setClock struct {
	*memstore.Store
	ahead, takes atomic.Int64 // in nanoseconds
}

func (c *setClock) Now(context.Context) (webhook.Reading, error) {
	r := webhook.Reading{Before: time.Now()}
	half := time.Duration(c.takes.Load() / 2)
	time.Sleep(half)
	r.Store = time.Now().Add(time.Duration(c.ahead.Load()))
	time.Sleep(half)
	r.After = time.Now()
	return r, nil
}

// Rule: if the clock of a Store is set, hosts follow within two minutes, also a host that only
// waits for a retry, and also if the new reading is less certain than the one before.
func TestStoreClockIsSet(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]time.Duration{"at once": 0, "slow readings": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, err := memstore.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				store := &setClock{Store: inner}
				p := webhook.Automation()
				p.Retry = retry.Policy{Slots: []retry.Slot{{Min: 10 * time.Minute, Max: 11 * time.Minute}}}
				h := newHost(t, store, p, &webhook.Options{Poll: 10 * time.Minute})
				h.to.answer = func(n int, _ request) answer { return answer{status: []int{503, 200}[n-1]} }
				h.start()
				defer h.stop()
				h.add("a")
				h.dispatch()
				time.Sleep(70 * time.Second) // the clock was read since
				store.ahead.Store(int64(24 * time.Hour))
				store.takes.Store(int64(takes))
				time.Sleep(2 * time.Minute)
				if n := len(h.to.seen()); n != 2 {
					t.Errorf("%d requests after the clock went a day ahead, want the retry too", n)
				}
			})
		})
	}
}

// Rule: a delivery that could not be handed off is sent at once, even if the time is uncertain.
func TestUncertainTimeDelaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		store := &setClock{Store: inner}
		store.takes.Store(int64(40 * time.Millisecond))
		h := newHost(t, store, webhook.Automation(), &webhook.Options{Poll: time.Minute})
		h.start()
		defer h.stop()
		h.add("a")
		time.Sleep(10*time.Minute + 5*time.Second) // what is known of webhooks' health is old, so nothing is handed off
		began := time.Now()
		h.dispatch()
		for len(h.to.seen()) == 0 && time.Since(began) < time.Minute {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it was sent after %v", took)
		}
	})
}
