package recovery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// silent is a Notifier of a host whose neighbours are idle too.
type silent struct{}

func (silent) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (silent) Notify(context.Context) error   { return nil }

// labelled labels its statements with their purpose.
type labelled struct{ bubbleStore }

func label(ctx context.Context, what string) context.Context {
	return context.WithValue(ctx, forWhat{}, what)
}

func (s labelled) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	return s.bubbleStore.Claim(label(ctx, "claim"), c)
}

func (s labelled) Due(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	return s.bubbleStore.Due(label(ctx, "look"), q)
}

func (s labelled) Sweep(ctx context.Context, sw webhook.Sweep, limit int) ([]webhook.Delivery, bool, error) {
	return s.bubbleStore.Sweep(label(ctx, "sweep"), sw, limit)
}

func (s labelled) Health(ctx context.Context, scope, id string) ([]webhook.Health, error) {
	return s.bubbleStore.Health(label(ctx, "health"), scope, id)
}

func (s labelled) Now(ctx context.Context) (webhook.Reading, error) {
	return s.bubbleStore.Now(label(ctx, "clock"))
}

func (s labelled) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.bubbleStore.Prune(label(ctx, "prune"), before, limit)
}

// TestIdle: an idle Dispatcher makes one query per poll interval, or with a Notifier one a minute,
// and once an hour a sweep and a look for deliveries to prune. Every statement that reaches the
// driver counts, also beginnings and ends of transactions, for every purpose: to sweep, to prune,
// to read the clock and the health of webhooks.
func TestIdle(t *testing.T) {
	for name, tt := range map[string]struct {
		notifier webhook.Notifier
		poll     time.Duration
	}{
		"poll":     {nil, time.Second},
		"notifier": {silent{}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			onDatabases(t, func(t *testing.T, d hostproc.Database) {
				synctest.Test(t, func(t *testing.T) {
					db, count := counted(t, d)
					s, err := sqlstore.New(db, d.Dialect, &sqlstore.Options{Notifier: tt.notifier})
					if err != nil {
						t.Fatal(err)
					}
					if err := s.Migrate(t.Context()); err != nil {
						t.Fatal(err)
					}
					h := newHost(t, labelled{bubbleStore{s}}, &webhook.Options{})
					h.add("ops", "taskSuccess")
					h.dispatch("t1")
					h.run()
					time.Sleep(time.Minute)
					if n := len(h.net.requests()); n != 1 {
						t.Fatalf("%d requests before the idle time, want 1", n)
					}
					count.take()
					time.Sleep(time.Hour)
					total, by := count.take()
					polls := int(time.Hour / tt.poll)
					const once = 80                                                      // sweeps and looks for deliveries to prune, with their transactions
					if by["look"] == 0 || by["look"] > polls+1 || total > polls+1+once { // the hour may have a poll at both ends
						t.Errorf("%d statements in an idle hour, want 1 for each of %d polls and %d more: %v", total, polls, once, by)
					}
					t.Logf("an idle hour: %v", by)
				})
			})
		})
	}
}
