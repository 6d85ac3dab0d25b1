package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestEveryPlan: no statement of a Store reads the whole table of deliveries, whatever it is for, with
// much history and with a backlog. The planners know the statistics, which tempt PostgreSQL's
// to read a table to its end for rows that it expects soon.
func TestEveryPlan(t *testing.T) {
	for name, rows := range map[string]struct{ history, backlog int }{"history": {8_000, 2_000}, "backlog": {300, 8_000}} {
		t.Run("postgres/"+name, func(t *testing.T) {
			t.Parallel()
			d := newPostgres(t)
			db, tracer := traced(t, d)
			plansOfAll(t, d, db, tracer, rows.history, rows.backlog, "VACUUM ANALYZE", "Seq Scan on every_delivery", func(q statement) string {
				return explain(t, d, q, generic) + explain(t, d, q, "force_custom_plan")
			})
		})
		t.Run("sqlite/"+name, func(t *testing.T) {
			t.Parallel()
			d := newSQLite(t)
			db, tracer := tracedSQLite(t, d)
			plansOfAll(t, d, db, tracer, rows.history, rows.backlog, "ANALYZE", "reads the table", func(q statement) string {
				if readsTable(t, db, q.sql) {
					return "reads the table:\n" + explainSQLite(t, db, q.sql)
				}
				return ""
			})
		})
	}
}

// plansOfAll fills a database, calls every method of a Store, and looks for a bad step in the plans of
// all statements about deliveries.
func plansOfAll(t *testing.T, d database, db *sql.DB, tracer *trace, history, backlog int, analyze, bad string, plan func(statement) string) {
	f := newField(t, d, "every_", 40)
	hooks := f.hooks("m", 10, true)
	plain := d.open(t)
	change := func(statements ...string) {
		for _, q := range statements {
			if _, err := plain.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.fill(hooks, history, now().Add(-time.Hour))
	change("UPDATE every_delivery SET state = 1, finished = due")
	f.fill(hooks, backlog, now().Add(-time.Minute))
	change("UPDATE every_delivery SET scope = 'tenant' || seq / 10 % 20 WHERE seq / 10 % 20 > 0", analyze)
	s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Prefix: "every_", Counters: true})
	if err != nil {
		t.Fatal(err)
	}
	f.store = s
	if err := everyCall(t.Context(), f, hooks); err != nil {
		t.Fatal(err)
	}
	done := make(map[string]bool)
	for _, q := range slices.Clone(tracer.list) { // explain adds to the list
		if done[q.sql] || !strings.Contains(q.sql, "every_delivery") || strings.HasPrefix(q.sql, "CREATE") {
			continue
		}
		done[q.sql] = true
		if plan := plan(q); strings.Contains(plan, bad) {
			t.Errorf("%s\n%s", q.sql, plan)
		}
	}
	if len(done) < 30 {
		t.Errorf("%d statements, want those of every method", len(done))
	}
}

// readsTable reports whether the program of a statement in SQLite begins at the first or last row of
// the table of deliveries. A plan names tables by their aliases, which subqueries have too.
func readsTable(t *testing.T, db *sql.DB, query string) bool {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN "+query, make([]any, mostValues)...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var root int
	if err := db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'every_delivery'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	table := make(map[int]bool) // the cursors on it
	read := false
	for rows.Next() {
		var at, p1, p2 int
		var code string
		var rest [4]sql.RawBytes
		if err := rows.Scan(&at, &code, &p1, &p2, &rest[0], &rest[1], &rest[2], &rest[3]); err != nil {
			t.Fatal(err)
		}
		switch code {
		case "OpenRead", "OpenWrite":
			table[p1] = p2 == root
		case "Rewind", "Last":
			read = read || table[p1]
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return read
}

// mostValues is more than any statement has.
const mostValues = 30

// explainSQLite returns the plan of a statement, which does not depend on its values.
func explainSQLite(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, mostValues)...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var a, b, c int
		var line string
		if err := rows.Scan(&a, &b, &c, &line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
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
