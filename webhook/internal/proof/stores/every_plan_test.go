package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestEveryPlan: no statement of a Store reads a whole table, but for the few in readsAll, with
// much history and with a backlog. The planners know the statistics, which tempt PostgreSQL's
// to read a table to its end for rows that it expects soon.
func TestEveryPlan(t *testing.T) {
	for name, rows := range map[string]struct{ history, backlog int }{"history": {8_000, 2_000}, "backlog": {300, 8_000}} {
		t.Run("postgres/"+name, func(t *testing.T) {
			t.Parallel()
			d := newPostgres(t)
			db, tracer := traced(t, d)
			plansOfAll(t, d, db, tracer, rows.history, rows.backlog, "VACUUM ANALYZE", func(q statement) (string, []string) {
				plans := explain(t, d, q, generic) + explain(t, d, q, "force_custom_plan")
				return plans, wholePostgres(plans)
			})
		})
		t.Run("sqlite/"+name, func(t *testing.T) {
			t.Parallel()
			d := newSQLite(t)
			db, tracer := tracedSQLite(t, d)
			plansOfAll(t, d, db, tracer, rows.history, rows.backlog, oldStatistics, func(q statement) (string, []string) {
				plan := explainSQLite(t, db, q.sql)
				return plan, wholeSQLite(t, db, q.sql, plan)
			})
		})
	}
}

// oldStatistics of SQLite are from a time when few scopes had webhooks.
const oldStatistics = "ANALYZE; UPDATE sqlite_stat1 SET stat = '2 1' WHERE tbl = 'every_scope'"

// readsAll are parts of the statements that read all rows of a table because all rows are their
// subject, and of those about leases, which last for minutes.
var readsAll = map[string][]string{
	"webhook": {"SELECT scope, id FROM", "SELECT id FROM every_webhook ORDER BY id", "SELECT count(*), coalesce("},
	"health":  {"FROM every_health ORDER BY webhook"},
	"lease":   {"SELECT DISTINCT hook, class FROM", "DELETE FROM every_lease WHERE scope", "DELETE FROM every_lease WHERE until >"},
	"meta":    {""}, // a few rows
	"seen":    {""}, // one row
}

// plansOfAll fills a database, calls every method of a Store, and looks for a whole table in the plans
// of all statements.
func plansOfAll(t *testing.T, d database, db *sql.DB, tracer *trace, history, backlog int, analyze string, whole func(statement) (plan string, tables []string)) {
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
	change("UPDATE every_delivery SET scope = 'tenant' || (seq / 10 % 20) WHERE seq / 10 % 20 > 0")
	numbers := "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 10000) SELECT "
	change("INSERT INTO every_webhook (id, scope, created, active, expires, version, data, sealed, secret) "+numbers+
		"'wh_' || g.n, 'tenant' || (g.n / 2), g.n, w.active, 0, 1, w.data, w.sealed, w.secret FROM g, (SELECT * FROM every_webhook LIMIT 1) w",
		"INSERT INTO every_mark (scope, key, until) "+numbers+"'tenant' || (n / 2), 'key' || n, 1800000000000000 + n FROM g",
		"INSERT INTO every_health (webhook, scope, failing_since, failures, paused_until, open_until, opened) "+numbers+"'wh_' || n, 'tenant' || (n / 2), n, 3, 0, 0, 0 FROM g",
		"INSERT INTO every_lease (until, hook, class, scope, webhook) "+numbers+"1800000000000000 + n, n, '', 'tenant' || (n / 2), 'wh_' || n FROM g",
		"INSERT INTO every_count (scope, webhook, hour, slot, accepted, failed, took, slowest) "+numbers+
			fmt.Sprintf("'tenant' || (n / 2), 'wh_' || n, %d - h * 3600000000, 0, 1, 0, 1, 1 FROM g, (SELECT 1 AS h UNION ALL SELECT 2 UNION ALL SELECT 3) h", now().UnixMicro()),
		analyze)
	same := func(_ string, b []byte) ([]byte, error) { return b, nil }
	s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Prefix: "every_", Counters: true, Seal: same, Open: same})
	if err != nil {
		t.Fatal(err)
	}
	f.store = s
	if err := everyCall(t.Context(), f, hooks); err != nil {
		t.Fatal(err)
	}
	done, failedPages := make(map[string]bool), 0
	for _, q := range slices.Clone(tracer.list) { // explain adds to the list
		if done[q.sql] || !strings.Contains(q.sql, "every_") || strings.HasPrefix(q.sql, "CREATE") {
			continue
		}
		done[q.sql] = true
		plan, tables := whole(q)
		if strings.Contains(q.sql, "state = 2 ORDER") {
			failedPages++
			if !regexp.MustCompile(`every_(webhook_)?failed\b`).MatchString(plan) || strings.Contains(plan, "_log") {
				t.Errorf("a page of failed deliveries reads others: %s\n%s", q.sql, plan)
			}
		}
		for _, table := range tables {
			if !slices.ContainsFunc(readsAll[table], func(part string) bool { return strings.Contains(q.sql, part) }) {
				t.Errorf("a statement reads all of %s: %s\n%s", table, q.sql, plan)
			}
		}
	}
	if failedPages != 2 {
		t.Errorf("%d pages of failed deliveries, want that of a scope and that of a webhook", failedPages)
	}
	if len(done) < 50 {
		t.Errorf("%d statements, want those of every method", len(done))
	}
}

// wholePostgres returns the tables that plans read to their ends, or by a whole index, which is too
// much of any table but that of deliveries.
func wholePostgres(plans string) (tables []string) {
	lines := strings.Split(plans, "\n")
	for i, line := range lines {
		m := planScan.FindStringSubmatch(line)
		if m != nil && (m[1] == "Seq" || m[2] != "delivery" && !strings.Contains(lines[i+1], "Index Cond")) {
			tables = append(tables, m[2])
		}
	}
	return tables
}

var planScan = regexp.MustCompile(`(Seq|Index|Index Only) Scan .*\bon every_([a-z_]+)\b`)

// wholeSQLite returns the tables at whose first or last row the program of a statement begins, as the
// plan may name a table by an alias, and those that the plan reads by a whole index, as above.
func wholeSQLite(t *testing.T, db *sql.DB, query, plan string) (tables []string) {
	t.Helper()
	for _, m := range planWalk.FindAllStringSubmatch(plan, -1) {
		if m[1] != "delivery" {
			tables = append(tables, m[1])
		}
	}
	roots := make(map[int64]string) // the table that begins at a page
	scanAll(t, db, "SELECT rootpage, substr(name, 7) FROM sqlite_schema WHERE type = 'table' AND name LIKE 'every_%'", nil, func(row []any) {
		roots[row[0].(int64)] = row[1].(string)
	})
	cursors := make(map[int64]string)
	scanAll(t, db, "EXPLAIN "+query, make([]any, mostValues), func(row []any) {
		switch p1 := row[2].(int64); row[1] {
		case "OpenRead", "OpenWrite":
			cursors[p1] = roots[row[3].(int64)]
		case "Rewind", "Last":
			if cursors[p1] != "" {
				tables = append(tables, cursors[p1])
			}
		}
	})
	return tables
}

var planWalk = regexp.MustCompile(`SCAN every_([a-z_]+)`)

// scanAll calls fn with every row of a query.
func scanAll(t *testing.T, db *sql.DB, query string, args []any, fn func(row []any)) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	row, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for err == nil && rows.Next() {
		if err = rows.Scan(into...); err == nil {
			fn(row)
		}
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
}

// mostValues is more than any statement has.
const mostValues = 30

// explainSQLite returns the plan of a statement, which does not depend on its values.
func explainSQLite(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var plan strings.Builder
	scanAll(t, db, "EXPLAIN QUERY PLAN "+query, make([]any, mostValues), func(row []any) { fmt.Fprintln(&plan, row[3]) })
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
			failed := webhook.Query{Scope: "acme", States: []webhook.State{webhook.StateFailed}}
			_, _, err := s.Deliveries(ctx, failed)
			failed.WebhookID = hooks[0]
			_, _, of := s.Deliveries(ctx, failed)
			return errors.Join(err, of)
		},
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
		func() error { return otherCalls(ctx, s, hooks[2], at) },
		func() error { return s.Delete(ctx, "acme", hooks[1]) },
		func() error { return s.DeleteScope(ctx, "acme") },
	} {
		if err := call(); err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return err
		}
	}
	return nil
}

// otherCalls calls the methods that read or change other tables.
func otherCalls(ctx context.Context, s *sqlstore.Store, hook string, at time.Time) error {
	fails := webhook.Health{WebhookID: hook, Scope: "acme", Failures: 1}
	paused, fine := fails, webhook.Health{WebhookID: hook, Scope: "acme"}
	paused.PausedUntil = at
	w, err := s.Webhook(ctx, "acme", hook)
	for _, call := range []func() error{
		func() error { return err },
		func() error { _, err := s.Webhooks(ctx, "acme"); return err },
		func() error { return s.Update(ctx, w) },
		func() error { w.ID = "wh_new"; return s.Create(ctx, w, 100) },
		func() error { _, err := s.Reseal(ctx); return err },
		func() error { _, err := s.Mark(ctx, "acme", "key", at, at.Add(time.Hour)); return err },
		func() error { _, err := s.Marked(ctx, "acme", "key", at); return err },
		func() error { return s.Unmark(ctx, "acme", "key") },
		func() error { return s.SetHealth(ctx, "acme", hook, fine, fine) },
		func() error { return s.SetHealth(ctx, "acme", hook, fine, fails) },
		func() error { return s.SetHealth(ctx, "acme", hook, fails, paused) },
		func() error { return s.SetHealth(ctx, "acme", hook, paused, fine) },
		func() error { _, err := s.Health(ctx, "acme", hook); return err },
		func() error { _, err := s.Health(ctx, "acme", ""); return err },
		func() error { _, err := s.Health(ctx, "", ""); return err },
	} {
		if err := call(); err != nil {
			return err
		}
	}
	return nil
}
