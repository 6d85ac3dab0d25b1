package stores_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestEveryPlan: no statement of a Store reads the whole table of deliveries, whatever it is for, with
// much history beside few pending rows and with a backlog. PostgreSQL's statistics are known, which
// tempt the planner to read a table to its end for rows that it expects soon.
func TestEveryPlan(t *testing.T) {
	for _, rows := range []struct {
		name    string
		history int
		backlog int
	}{
		{"history", 8_000, 2_000},
		{"backlog", 300, 8_000},
	} {
		t.Run(rows.name, func(t *testing.T) {
			t.Parallel()
			d := newPostgres(t)
			f := newField(t, d, "every_", 40)
			hooks := f.hooks("m", 10, true)
			f.fill(hooks, rows.history, now().Add(-time.Hour))
			plain := d.open(t)
			if _, err := plain.Exec("UPDATE every_delivery SET state = 1, finished = due"); err != nil {
				t.Fatal(err)
			}
			f.fill(hooks, rows.backlog, now().Add(-time.Minute))
			for _, q := range []string{"UPDATE every_delivery SET scope = 'tenant' || seq / 10 % 20 WHERE seq / 10 % 20 > 0", "VACUUM ANALYZE"} {
				if _, err := plain.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			db, tracer := traced(t, d)
			s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "every_", Counters: true})
			if err != nil {
				t.Fatal(err)
			}
			f.store = s
			if err := everyCall(t.Context(), f, hooks); err != nil {
				t.Fatal(err)
			}
			done := make(map[string]bool)
			for _, q := range tracer.list {
				if done[q.sql] || !strings.Contains(q.sql, "every_delivery") {
					continue
				}
				done[q.sql] = true
				for _, mode := range []string{generic, "force_custom_plan"} {
					if plan := explain(t, d, q, mode); strings.Contains(plan, "Seq Scan on every_delivery") {
						t.Errorf("%s: %s\n%s", mode, q.sql, plan)
					}
				}
			}
			if len(done) < 30 {
				t.Errorf("%d statements, want those of every method", len(done))
			}
		})
	}
}

// everyCall calls each method of a Store that reads or changes deliveries.
func everyCall(ctx context.Context, f *field, hooks []string) error {
	s, at := f.store, now()
	f.lanes = lanesOf(hooks)
	f.once()
	f.lanes = lanesOf(hooks)
	c := f.claim(at)
	c.Lanes[0].Take, c.Lanes[1].Take = webhook.TakeHeads, webhook.TakeNewest
	b, err := s.Claim(ctx, c)
	if err != nil {
		return err
	}
	var retries []webhook.Settlement
	for _, dl := range b.Deliveries {
		retries = append(retries, webhook.Settlement{ID: dl.ID, Scope: dl.Scope, Lease: dl.Lease, State: webhook.StatePending, Due: at.Add(time.Minute),
			Result: &webhook.Attempt{Number: 1, Status: 500, Start: at}})
	}
	retries = append(retries, retries[0]) // it is settled already
	keyed := f.delivery(hooks[0], at)
	keyed.Key, keyed.ExpiresAt = "key", at.Add(time.Hour)
	one := b.Deliveries[0]
	q := webhook.Query{Scope: "acme", Limit: 10}
	_, err = s.Settle(ctx, retries)
	for _, call := range []func() error{
		func() error { return err },
		func() error { _, err := s.Enqueue(ctx, []webhook.Delivery{keyed}); return err },
		func() error { _, err := s.Due(ctx, webhook.DueQuery{Now: at, Limit: 10}); return err },
		func() error {
			_, err := s.Due(ctx, webhook.DueQuery{Now: at, Since: at.Add(-time.Second), Limit: 10})
			return err
		},
		func() error {
			_, err := s.Due(ctx, webhook.DueQuery{Now: at, Scope: "acme", WebhookID: hooks[0], Limit: 10})
			return err
		},
		func() error {
			_, _, err := s.Sweep(ctx, webhook.Sweep{Now: at, Gone: true, QueuedBefore: at.Add(-24 * time.Hour),
				LatestRetry: at.Add(time.Hour), LatestLease: at.Add(time.Hour)}, 500)
			return err
		},
		func() error { _, err := s.Prune(ctx, at.Add(-24*time.Hour), 100); return err },
		func() error { _, _, err := s.Delivery(ctx, "acme", one.ID); return err },
		func() error { _, err := s.Ahead(ctx, "acme", keyed.ID); return err },
		func() error { _, err := s.Newest(ctx, "acme", keyed.ID); return err },
		func() error { _, err := s.HeldBack(ctx, "acme", hooks[0], 10); return err },
		func() error { _, err := s.Find(ctx, one.EventID, 10); return err },
		func() error { _, err := s.Latest(ctx, "acme", hooks); return err },
		func() error { _, err := s.LatestAttempts(ctx, "acme", []string{one.ID}); return err },
		func() error { _, err := s.Totals(ctx, at); return err },
		func() error { _, _, err := s.Backlog(ctx, webhook.BacklogQuery{Limit: 10}); return err },
		func() error { _, err := s.Counts(ctx, "acme", hooks, at.Add(-time.Hour)); return err },
		func() error { _, _, err := s.Deliveries(ctx, q); return err },
		func() error {
			q.States = []webhook.State{webhook.StatePending}
			_, _, err := s.Deliveries(ctx, q)
			return err
		},
		func() error {
			q.Codes = []webhook.Code{webhook.CodeStatus}
			_, _, err := s.Deliveries(ctx, q)
			return err
		},
		func() error { q.Type = "taskSuccess"; _, _, err := s.Deliveries(ctx, q); return err },
		func() error { q.WebhookID = hooks[0]; _, _, err := s.Deliveries(ctx, q); return err },
		func() error { q.EventID = one.EventID; _, _, err := s.Deliveries(ctx, q); return err },
		func() error { _, _, err := s.Cancel(ctx, "acme", one.ID, at); return err },
		func() error { return s.Requeue(ctx, "acme", one.ID, at) },
		func() error { return s.Delete(ctx, "acme", hooks[1]) },
		func() error { return s.DeleteScope(ctx, "acme") },
	} {
		if err := call(); err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return err
		}
	}
	return nil
}
