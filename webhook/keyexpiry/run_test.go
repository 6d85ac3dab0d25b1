package keyexpiry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
)

// running runs a Checker until f returns.
func running(t *testing.T, c *keyexpiry.Checker, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	f()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// Rule: Run checks at once and then at full hours, or at multiples of Every, no later than
// Jitter after them.
func TestRun_schedule(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name          string
		o             keyexpiry.Options
		every, jitter time.Duration
	}{
		{"default", keyexpiry.Options{}, time.Hour, time.Minute},
		{"exact", keyexpiry.Options{Jitter: -1}, time.Hour, 0},
		{"short", keyexpiry.Options{Every: time.Minute}, time.Minute, 6 * time.Second},
		{"own jitter", keyexpiry.Options{Every: 6 * time.Hour, Jitter: time.Hour}, 6 * time.Hour, time.Hour},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, h *host) {
				time.Sleep(17*time.Second + 5*time.Hour) // between multiples of Every
				start := time.Now()
				var checks []time.Time
				c := h.checkerOf(&tc.o, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) {
					checks = append(checks, time.Now())
					return nil, nil
				}))
				running(t, c, func() { time.Sleep(20*tc.every + tc.jitter + time.Second) })
				if len(checks) < 20 || !checks[0].Equal(start) {
					t.Fatalf("%d checks, the first at %v; want one at once and 20 more", len(checks), checks[0])
				}
				beat := start.Truncate(tc.every)
				for i, at := range checks[1:] {
					beat = beat.Add(tc.every)
					if late := at.Sub(beat); late < 0 || late > tc.jitter {
						t.Errorf("check %d at %v, want within %v of %v", i+1, at, tc.jitter, beat)
					}
				}
			})
		})
	}
}

// Rule: a Source that fails, panics or hangs ends one check and is logged. The next check
// calls it again.
func TestRun_badSource(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		n := 0
		c := h.checkerOf(nil, keyexpiry.SourceFunc(func(ctx context.Context) ([]keyexpiry.Key, error) {
			n++
			switch n {
			case 1:
				return []keyexpiry.Key{key("no", week)}, errors.New("directory is down")
			case 2:
				panic("secret-canary")
			case 3:
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []keyexpiry.Key{key("k", 24*time.Hour)}, nil
		}))
		running(t, c, func() { time.Sleep(3*time.Hour + 10*time.Minute) })
		got := h.to.drain()
		if n != 4 || len(got) != 1 || !strings.Contains(got[0].Body, `"apiKeyId":"k"`) {
			t.Errorf("%d checks, requests %v; want the key announced by the fourth", n, got)
		}
		for _, want := range []string{"directory is down", "Source panicked", "run_test.go", "deadline exceeded"} {
			if !strings.Contains(h.log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, h.log)
			}
		}
		if strings.Contains(h.log.String(), "secret-canary") {
			t.Error("the log holds the value of the panic")
		}
	})
}

// Rule: the errors of a Source reach the caller of Check.
func TestCheck_badSource(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		down := errors.New("directory is down")
		c := h.checkerOf(nil, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) { return nil, down }))
		if r, err := c.Check(t.Context(), time.Now()); !errors.Is(err, down) || r.Listed != 0 {
			t.Errorf("Check = %+v, %v", r, err)
		}
		c = h.checkerOf(nil, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) { panic(down) }))
		if _, err := c.Check(t.Context(), time.Now()); !errors.Is(err, webhook.ErrPanic) {
			t.Errorf("error %v, want ErrPanic", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		c = h.checkerOf(nil, keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) {
			cancel()
			return []keyexpiry.Key{key("k", week)}, nil
		}))
		if r, err := c.Check(ctx, time.Now()); !errors.Is(err, context.Canceled) || len(r.Keys) != 0 {
			t.Errorf("Check with a context that ends = %+v, %v", r, err)
		}
	})
}

// Rule: one Run of a Checker at a time; another may follow.
func TestRun_once(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		c := h.checker(nil)
		for range 2 {
			running(t, c, func() {
				synctest.Wait()
				if err := c.Run(t.Context()); !errors.Is(err, keyexpiry.ErrRunning) {
					t.Errorf("second Run: %v, want ErrRunning", err)
				}
			})
		}
	})
}

// clockStore is a Store with its own clock, which fails at first.
type clockStore struct {
	*lockedStore
	ahead time.Duration
	from  time.Time
}

func (s *clockStore) Now(context.Context) (webhook.Reading, error) {
	now := time.Now()
	if now.Before(s.from) {
		return webhook.Reading{}, errors.New("no connection")
	}
	return webhook.Reading{Store: now.Add(s.ahead), Before: now, After: now}, nil
}

// Rule: Run uses the Store's time where the Store has a Clock.
func TestRun_clockOfStore(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, h *host) {
		h.add("ops")
		store := &clockStore{withMarks(h.store, nil).lockedStore, 30 * time.Minute, time.Now().Add(5 * time.Minute)}
		h.store = store
		h = h.restarted()
		running(t, h.checker(&keyexpiry.Options{Every: 10 * time.Minute}, key("k", week+20*time.Minute)), func() {
			time.Sleep(5 * time.Minute)
			if n := len(h.to.drain()); n != 0 || !strings.Contains(h.log.String(), "no connection") {
				t.Errorf("%d requests without a time; log:\n%s", n, h.log)
			}
			time.Sleep(10 * time.Minute)
		})
		time.Sleep(store.ahead) // the sending host uses its own time, in which the event is not due yet
		if n := len(h.to.drain()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Rule: impossible settings are refused by name.
func TestNew_refuses(t *testing.T) {
	t.Parallel()
	store := withMarks(newStore(t), nil).lockedStore
	h := newHost(t, store, nil)
	source := keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) { return nil, nil })
	cases := []struct {
		name string
		o    keyexpiry.Options
		want string
	}{
		{"window too short", keyexpiry.Options{Window: time.Second}, "Window"},
		{"window too long", keyexpiry.Options{Window: 366 * 24 * time.Hour}, "Window"},
		{"negative window", keyexpiry.Options{Window: -time.Hour}, "Window"},
		{"window shorter than the pause between checks", keyexpiry.Options{Window: time.Hour, Every: 2 * time.Hour}, "Window"},
		{"window shorter than the pause with its jitter", keyexpiry.Options{Window: time.Hour, Every: time.Hour}, "Window"},
		{"window and late shorter than the pause", keyexpiry.Options{Window: 20 * time.Minute, Late: 20 * time.Minute}, "Window"},
		{"negative late", keyexpiry.Options{Late: -1}, "Late"},
		{"endless late", keyexpiry.Options{Late: 366 * 24 * time.Hour}, "Late"},
		{"too often", keyexpiry.Options{Every: time.Second}, "Every"},
		{"too rarely", keyexpiry.Options{Every: 25 * time.Hour}, "Every"},
		{"jitter as long as the pause", keyexpiry.Options{Jitter: time.Hour}, "Jitter"},
		{"timeout longer than the pause", keyexpiry.Options{Timeout: 2 * time.Hour}, "Timeout"},
		{"negative timeout", keyexpiry.Options{Timeout: -1}, "Timeout"},
		{"unknown format", keyexpiry.Options{Format: 7}, "Format"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := keyexpiry.New(h.hooks, store, source, &tc.o)
			if err == nil || !strings.HasPrefix(err.Error(), "keyexpiry: invalid Options: "+tc.want+" ") {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
		})
	}
	for _, o := range []keyexpiry.Options{{Window: time.Hour, Every: time.Hour, Jitter: -1}, {Window: 31 * time.Minute, Late: 30 * time.Minute}} {
		if _, err := keyexpiry.New(h.hooks, store, source, &o); err != nil {
			t.Errorf("%+v, as long as the longest pause: %v", o, err)
		}
	}
	if _, err := keyexpiry.New(h.hooks, store, source, nil); err != nil {
		t.Errorf("nil Options: %v", err)
	}
	if _, err := keyexpiry.New(h.hooks, store, nil, nil); err == nil {
		t.Error("a missing Source was accepted")
	}
	if _, err := keyexpiry.New(h.hooks, struct{ webhook.Store }{store}, source, nil); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("a Store without Marks: %v, want ErrUnsupported", err)
	}
	marksOnly := struct {
		webhook.Store
		webhook.Marks
	}{store, store}
	if _, err := keyexpiry.New(h.hooks, marksOnly, source, onAccepted); !errors.Is(err, webhook.ErrUnsupported) {
		t.Errorf("MarkOnAccepted without History: %v, want ErrUnsupported", err)
	}
	if _, err := keyexpiry.New(h.hooks, marksOnly, source, nil); err != nil {
		t.Errorf("Marks alone: %v", err)
	}
}
