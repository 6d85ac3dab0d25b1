package webhook_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// setClock is a Store with a clock that can be set, and that may take its time to answer.
type setClock struct {
	*memstore.Store
	ahead, takes time.Duration
}

func (c *setClock) Now(context.Context) (webhook.Reading, error) {
	r := webhook.Reading{Before: time.Now()}
	time.Sleep(c.takes / 2)
	r.Store = time.Now().Add(c.ahead)
	time.Sleep(c.takes / 2)
	r.After = time.Now()
	return r, nil
}

// Rule: a Store's clock that was set is followed, within two minutes, also by a host that only waits
// for a retry, and also where the new reading is less certain than the one before.
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
				store.ahead, store.takes = 24*time.Hour, takes
				time.Sleep(2 * time.Minute)
				if n := len(h.to.seen()); n != 2 {
					t.Errorf("%d requests after the clock went a day ahead, want the retry too", n)
				}
			})
		})
	}
}

// Rule: a delivery that could not be handed off is sent at once, however uncertain the time is.
func TestUncertainTimeDelaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		h := newHost(t, &setClock{Store: inner, takes: 40 * time.Millisecond}, webhook.Automation(), &webhook.Options{Poll: time.Minute})
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
