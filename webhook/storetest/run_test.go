package storetest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

func newNaive() *naive {
	return &naive{hooks: make(map[string]webhook.Webhook), reported: make(map[string][]int64)}
}

func (s *naive) Webhooks(_ context.Context, scope string) (ws []webhook.Webhook, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.hooks {
		if w.Scope == scope {
			ws = append(ws, w.Clone())
		}
	}
	slices.SortFunc(ws, func(a, b webhook.Webhook) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return ws, nil
}

func (s *naive) seed(_ context.Context, ws []webhook.Webhook) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range ws {
		s.hooks[w.ID] = w.Clone()
	}
	return nil
}

// TestNaive proves that a map and a slice can fulfil the contract.
func TestNaive(t *testing.T) {
	t.Parallel()
	s := newNaive()
	seed := storetest.WithWebhooks(s.seed)
	storetest.RunAll(t, func(*testing.T) webhook.Store { return s }, seed, storetest.WithTimeout(time.Minute))
	storetest.RunShared(t, func(*testing.T) (a, b webhook.Store) { return s, s }, seed)
	storetest.RunDurable(t, func(*testing.T) (webhook.Store, func() webhook.Store) { return s, func() webhook.Store { return s } }, seed)
}

// bare is a Store without any optional interface.
type bare struct{ webhook.Store }

func TestLacking(t *testing.T) {
	t.Parallel()
	want := map[string]string{"webhook.Store": ""}
	for _, name := range []string{"Registry", "History", "Overview", "Counters", "Marks", "Pruner", "HealthStore", "Sweeper", "KeyOrder", "Clock", "Binder", "Stats"} {
		want["webhook."+name] = fmt.Sprintf("storetest: storetest_test.bare does not implement webhook.%s", name)
	}
	if diff := cmp.Diff(want, storetest.Lacking(bare{newNaive()})); diff != "" {
		t.Errorf("messages of the groups: (-want +got)\n%s", diff)
	}
}

// bell is one of two notifiers that share their channels.
type bell struct {
	mine, other chan struct{}
	deaf, mute  bool // breakages
}

func (b bell) Wait(ctx context.Context) error {
	if b.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-b.mine:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b bell) Notify(context.Context) error {
	if b.mute {
		return nil
	}
	select {
	case b.other <- struct{}{}:
	default: // one wake-up is enough
	}
	return nil
}

func bells() (a, b bell) {
	a = bell{mine: make(chan struct{}, 1), other: make(chan struct{}, 1)}
	return a, bell{mine: a.other, other: a.mine}
}

func TestNotifier(t *testing.T) {
	storetest.RunNotifier(t, func(*testing.T) (webhook.Notifier, webhook.Notifier) {
		a, b := bells()
		return a, b
	})
}

func TestBrokenNotifiers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*bell)
		caught string
	}{
		{"Notify wakes no Wait", func(b *bell) { b.mute = true }, "notifier/wakes-the-other"},
		{"Wait does not look at its context", func(b *bell) { b.deaf = true }, "notifier/wait-ends-with-context"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var waiting []bell
				found := storetest.NotifierFindings(func() (webhook.Notifier, webhook.Notifier) {
					a, b := bells()
					c.change(&a)
					c.change(&b)
					waiting = append(waiting, a, b)
					return a, b
				}, time.Second)
				for _, b := range waiting { // end the remaining Waits
					close(b.mine)
				}
				if len(found) != 1 || len(found[c.caught]) == 0 {
					t.Errorf("found %v, want %s alone", found, c.caught)
				}
			})
		})
	}
}
