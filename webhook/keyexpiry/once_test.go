package keyexpiry_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
)

// Rule: a key is announced once over repeated checks and restarts, also when the history has
// forgotten the event and when another webhook subscribes later.
func TestOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		k := key("k", week)
		if diff := cmp.Diff([]string{"k fired"}, h.check(h.checker(nil, k))); diff != "" {
			t.Fatalf("first check (-want +got):\n%s", diff)
		}
		want := []request{{"ops", keyexpiry.EventID(k), string(body(t, k))}}
		if diff := cmp.Diff(want, h.to.drain()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		for i := range 5 {
			h = h.restarted()
			switch i {
			case 2:
				if n, err := h.store.(webhook.Pruner).Prune(t.Context(), time.Now(), 10); n != 1 || err != nil {
					t.Fatalf("Prune = %d, %v", n, err)
				}
			case 3:
				h.add("later")
			}
			c := h.checker(nil, k)
			for range 3 {
				if diff := cmp.Diff([]string{"k done"}, h.check(c)); diff != "" {
					t.Errorf("restart %d (-want +got):\n%s", i, diff)
				}
			}
		}
		if got := h.to.drain(); len(got) > 0 {
			t.Errorf("sent again: %v", got)
		}
	})
}

// body returns the wanted body of the event about a key.
func body(t *testing.T, k keyexpiry.Key, opts ...payload.Option) []byte {
	t.Helper()
	e, err := payload.New(k.Scope, payload.OrgKeyExpiry{APIKeyID: k.ID, Name: k.Name, ExpiresAt: k.ExpiresAt, SettingsURL: k.SettingsURL}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return e.Body
}

// failingMarks is a Store whose Mark calls a function first, which may fail.
type failingMarks struct {
	*lockedStore
	fail func() error
}

// lockedStore has the interfaces that a Checker needs.
type lockedStore struct {
	webhook.Store
	webhook.Registry
	webhook.History
	webhook.Marks
}

func (s *lockedStore) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return s.Registry.Webhooks(ctx, scope)
}

func (s *failingMarks) Mark(ctx context.Context, scope, key string, now, until time.Time) (bool, error) {
	if err := s.fail(); err != nil {
		return false, err
	}
	return s.lockedStore.Mark(ctx, scope, key, now, until)
}

func withMarks(s webhook.Store, fail func() error) *failingMarks {
	return &failingMarks{&lockedStore{s, s.(webhook.Registry), s.(webhook.History), s.(webhook.Marks)}, fail}
}

// Rule: a crash between Dispatch and the mark neither loses nor repeats an announcement.
func TestCrashBetweenDispatchAndMark(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		k := key("k", week)
		crash := errors.New("power failure")
		dying := newHost(t, withMarks(h.store, func() error { return crash }), h.to)
		r, err := dying.checker(nil, k).Check(t.Context(), time.Now())
		if !errors.Is(err, crash) || len(r.Keys) != 1 || r.Keys[0].Outcome != keyexpiry.Failed {
			t.Fatalf("Check = %+v, %v; want it to fail at the mark", r, err)
		}
		if diff := cmp.Diff([]string{"k done"}, h.check(h.checker(nil, k))); diff != "" {
			t.Errorf("next check (-want +got):\n%s", diff)
		}
		if n := len(h.to.drain()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: no mark is set while no active webhook subscribes, so a key is announced to the
// first webhook that does.
func TestUnheard(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		lasting := 0
		h.store = withMarks(h.store, func() error {
			lasting++
			return nil
		})
		h = h.restarted()
		c := h.checker(nil, key("k", week))
		want := func(what, outcome string, marks int) {
			t.Helper()
			if diff := cmp.Diff([]string{"k " + outcome}, h.check(c)); diff != "" || lasting != marks {
				t.Errorf("%s: %d lasting marks, want %d, outcomes (-want +got):\n%s", what, lasting, marks, diff)
			}
		}
		want("no webhook", "unheard", 0)
		w := h.add("ops")
		if err := h.manager.SetActive(t.Context(), scope, w.ID, false); err != nil {
			t.Fatal(err)
		}
		want("inactive webhook", "unheard", 0)
		if err := h.manager.SetActive(t.Context(), scope, w.ID, true); err != nil {
			t.Fatal(err)
		}
		want("active webhook", "fired", 1)
		want("afterwards", "done", 1)
		if n := len(h.to.drain()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: hosts that check concurrently on one Store announce each key once, and exactly one of
// them reports Fired.
func TestTwoHostsAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		var keys []keyexpiry.Key
		for i := range 20 {
			keys = append(keys, key(fmt.Sprint("k", i), week))
		}
		hosts := []*host{h, h.restarted(), h.restarted()}
		var mu sync.Mutex
		var all sync.WaitGroup
		fired := map[string]int{}
		for _, one := range hosts {
			c := one.checker(nil, keys...)
			all.Go(func() {
				r, err := c.Check(t.Context(), time.Now())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, k := range r.Keys {
					if k.Outcome == keyexpiry.Fired {
						fired[k.Key.ID]++
					}
				}
			})
		}
		all.Wait()
		time.Sleep(30 * time.Minute)
		got := map[string]int{}
		for _, r := range h.to.drain() {
			got[r.ID]++
		}
		for _, k := range keys {
			if fired[k.ID] != 1 || got[keyexpiry.EventID(k)] != 1 {
				t.Errorf("%s: fired %d times, sent %d times", k.ID, fired[k.ID], got[keyexpiry.EventID(k)])
			}
		}
	})
}
