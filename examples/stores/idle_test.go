package stores_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestIdleClaim: a claim that finds nothing costs one query.
func TestIdleClaim(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "idle_", 10)
	f.fill(f.hooks("m", 5, true), 100, now().Add(time.Hour))
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "idle_"})
	if err != nil {
		t.Fatal(err)
	}
	at := now()
	for i := range 10 {
		tracer.reset()
		at = at.Add(time.Second)
		b, err := s.Claim(t.Context(), webhook.Claim{Now: at, Until: at.Add(time.Minute), Limit: 10, PerLane: 4})
		if err != nil || len(b.Deliveries) != 0 || b.Next.IsZero() {
			t.Fatalf("claimed %d, next %v, %v", len(b.Deliveries), b.Next, err)
		}
		if n := len(tracer.list); i > 0 && n != 1 { // the first one goes through the lanes
			t.Errorf("an idle claim cost %d queries, want 1", n)
		}
	}
}

// TestIdleRun: an idle Run looks once for each poll interval, and with a Notifier only
// when it is woken or after a minute.
func TestIdleRun(t *testing.T) {
	const span, poll = time.Second, 100 * time.Millisecond
	for name, tc := range map[string]struct {
		notifier webhook.Notifier
		poll     time.Duration
		most     int
	}{
		"poll":     {nil, poll, int(span/poll) + 1},
		"notifier": {silent{}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newPostgres(t)
			db, tracer := traced(t, d)
			s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Notifier: tc.notifier})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			hooks, err := webhook.New(s, webhook.Automation(), &webhook.Options{Poll: tc.poll})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), span)
			defer cancel()
			if err := hooks.Run(ctx); err != nil {
				t.Fatal(err)
			}
			looks := 0
			for _, q := range tracer.list {
				if strings.Contains(q.sql, "LIMIT 2000") {
					looks++
				}
			}
			if looks < 1 || looks > tc.most {
				t.Errorf("%d looks in %v, want 1 to %d", looks, span, tc.most)
			}
		})
	}
}

// silent is a Notifier that never hears anything.
type silent struct{}

func (silent) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (silent) Notify(context.Context) error   { return nil }
