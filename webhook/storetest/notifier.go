package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// RunNotifier proves the rules of [webhook.Notifier] for two notifiers of one Store, as of two hosts. It
// takes less than a second unless a rule is broken.
func RunNotifier(t *testing.T, open func(t *testing.T) (a, b webhook.Notifier), opts ...Option) {
	t.Helper()
	c := configOf(opts)
	for _, tc := range notifierCases() {
		t.Run(tc.name, func(t *testing.T) {
			a, b := open(t)
			for _, failure := range tc.run(a, b, c.limit) {
				t.Error(failure)
			}
		})
	}
}

type notifierCase struct {
	name, rule string
	test       func(e *env, a, b webhook.Notifier)
}

func notifierCases() []notifierCase {
	return []notifierCase{
		{"notifier/wakes-the-other", "Notify ends a Wait of the other host", testNotifyOther},
		{"notifier/wait-ends-with-context", "Wait returns the context's error when it ends", testWaitEnds},
		{"notifier/notify-alone", "Notify succeeds without a Wait, as often as it is called", testNotifyAlone},
	}
}

func (nc notifierCase) run(a, b webhook.Notifier, limit time.Duration) []string {
	tc := testCase{nc.name, nc.rule, func(e *env) { nc.test(e, a, b) }}
	return tc.run(nil, config{limit: limit}, 0)
}

// testNotifyOther notifies repeatedly, because a Wait may need a moment until it listens.
func testNotifyOther(e *env, a, b webhook.Notifier) {
	for _, pair := range [][2]webhook.Notifier{{a, b}, {b, a}} {
		woken := make(chan error, 1)
		go func() { woken <- pair[0].Wait(e.ctx) }()
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for waiting := true; waiting; {
			e.ok(pair[1].Notify(e.ctx), "Notify")
			select {
			case err := <-woken:
				e.ok(err, "Wait")
				waiting = false
			case <-e.ctx.Done():
				e.fatalf("Wait was not woken")
			case <-again.C:
			}
		}
	}
}

func testWaitEnds(e *env, a, _ webhook.Notifier) {
	ctx, cancel := context.WithCancel(e.ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Wait(ctx) }()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			e.errorf("Wait after its context was cancelled: error %v, want context.Canceled", err)
		}
	case <-e.ctx.Done():
		e.errorf("Wait did not end with its context")
	}
}

func testNotifyAlone(e *env, a, b webhook.Notifier) {
	for range 20 {
		e.ok(a.Notify(e.ctx), "Notify")
		e.ok(b.Notify(e.ctx), "Notify")
	}
}
