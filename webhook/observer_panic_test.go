package webhook_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
)

// panickingObserver counts the calls of the functions of an Observer, each of which panics.
type panickingObserver struct {
	mu    sync.Mutex
	calls map[string]int
}

func (p *panickingObserver) call(name string) {
	p.mu.Lock()
	p.calls[name]++
	p.mu.Unlock()
	panic(name)
}

func (p *panickingObserver) observer() *webhook.Observer {
	return &webhook.Observer{
		Enqueued:  func(context.Context, webhook.Delivery) { p.call("Enqueued") },
		Attempted: func(context.Context, webhook.Delivery, webhook.Attempt) { p.call("Attempted") },
		Settled:   func(context.Context, webhook.Delivery) { p.call("Settled") },
		Lost:      func(context.Context, webhook.Delivery) { p.call("Lost") },
		Attention: func(context.Context, webhook.Webhook, webhook.Code, *webhook.Attempt) { p.call("Attention") },
		Disabled:  func(context.Context, webhook.Webhook) { p.call("Disabled") },
	}
}

// takeOver leases the oldest delivery although a lease of it is held, like another process whose
// clock is ahead.
func takeOver(t *testing.T, store webhook.Store) {
	t.Helper()
	ahead := time.Now().Add(time.Hour)
	if b, err := lease(store, ahead, ahead.Add(time.Minute), 1); err != nil || len(b.Deliveries) != 1 {
		t.Errorf("the other process has taken over %d deliveries, %v; want 1", len(b.Deliveries), err)
	}
}

// Rule: a panicking function of the Observer and a panicking Around are contained and logged, and
// the loop goes on.
func TestPanickingObserver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		takeOver bool
		calls    []string
		outcome  string
	}{
		"accepted":   {status: 200, calls: []string{"Enqueued", "Attempted", "Settled"}, outcome: "delivered tries=1"},
		"gone":       {status: 410, calls: []string{"Enqueued", "Attempted", "Attention", "Disabled", "Settled"}, outcome: "failed status tries=1"},
		"taken over": {status: 200, takeOver: true, calls: []string{"Enqueued", "Attempted", "Lost"}, outcome: "delivered tries=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				var first sync.Once
				to := &receiver{answer: func(int, request) answer {
					if c.takeOver {
						first.Do(func() { takeOver(t, store) })
					}
					return answer{status: c.status}
				}}
				p := panickingObserver{calls: make(map[string]int)}
				h := newHost(t, store, webhook.Standard(), &webhook.Options{Transport: to, Observer: p.observer(),
					Around: func(context.Context, webhook.Delivery, func(context.Context) webhook.Attempt) webhook.Attempt {
						panic("around")
					}})
				h.add("one", standardHook)
				h.start()
				defer h.stop()
				d := h.dispatch()
				settled(time.Second)
				if got, n := h.outcome(d), len(to.seen()); got != c.outcome || n != 1 {
					t.Errorf("%s after %d requests, want %s after 1", got, n, c.outcome)
				}
				log := h.log.String()
				for _, call := range c.calls {
					line := fmt.Sprintf("observer panicked or ended its goroutine\" hook=%s\n", call)
					if calls, lines := p.calls[call], strings.Count(log, line); calls != 1 || lines != 1 {
						t.Errorf("%s: %d calls and %d lines in the log, want one each", call, calls, lines)
					}
				}
				if n := len(p.calls); n != len(c.calls) {
					t.Errorf("calls %v, want %v", p.calls, c.calls)
				}
				if n := strings.Count(log, "Options.Around panicked"); n != 1 {
					t.Errorf("%d lines about Around, want 1", n)
				}
				to.reset()
				h.add("two", standardHook)
				h.dispatchAll(id("evt_next"))
				settled(time.Second)
				if n := len(to.seen("https://hooks.example.com/in/two")); n != 1 {
					t.Errorf("%d requests to another webhook afterwards, want 1", n)
				}
			})
		})
	}
}
