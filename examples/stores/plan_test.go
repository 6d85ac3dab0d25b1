package stores_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestClaimPlan: the claim goes down the index of turns, whatever the table's size and
// whether or not PostgreSQL knows it, and finds the rows to update by their place. The
// look goes by the index of times.
func TestClaimPlan(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "plan_", 10)
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	hooks := f.hooks("m", 5, true)
	for _, rows := range []int{2_000, 20_000} {
		f.fill(hooks, rows, now().Add(-time.Hour))
		for range 2 { // without statistics, then with
			c := f.claim
			c.Now = now()
			c.Until = c.Now.Add(time.Minute)
			tracer.reset()
			if b, err := s.Claim(t.Context(), c); err != nil || len(b.Deliveries) == 0 {
				t.Fatalf("claimed %d, %v", len(b.Deliveries), err)
			}
			plan := explain(t, db, tracer.find("FOR UPDATE"))
			wantInPlan(t, plan, "Index Scan using plan_turn on plan_delivery", "Tid Scan on plan_delivery")
			if strings.Contains(plan, "Seq Scan on plan_delivery") {
				t.Errorf("the claim reads the whole table:\n%s", plan)
			}
			wantInPlan(t, explain(t, db, tracer.find("LIMIT 2000")), "plan_time")
			s = reopen(t, db)
			if _, err := db.Exec("ANALYZE plan_delivery"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func reopen(t *testing.T, db *sql.DB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantInPlan(t *testing.T, plan string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(plan, part) {
			t.Errorf("the plan has no %q:\n%s", part, plan)
		}
	}
}

// explain returns the plan of a statement as it was run.
func explain(t *testing.T, db *sql.DB, q statement) string {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // nothing was changed
	rows, err := tx.QueryContext(t.Context(), "EXPLAIN "+q.sql, q.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// TestSQLitePlan: the same for SQLite, where a partial index serves only statements that
// repeat its condition.
func TestSQLitePlan(t *testing.T) {
	d := newSQLite(t)
	f := newField(t, d, "plan_", 10)
	f.fill(f.hooks("m", 5, true), 1000, now())
	db := d.open(t)
	for query, index := range map[string]string{
		`SELECT n.seq FROM plan_delivery n WHERE n.queue = 'a' AND n.state = 0 AND (n.due, n.seq) > (1, 1) AND NOT n.held AND n.due <= 5 ORDER BY n.due, n.seq LIMIT 4`: "plan_turn",
		`SELECT n.seq FROM plan_delivery n WHERE n.queue = 'a' AND n.state = 0 AND n.held AND (n.due + 0) <= 5 ORDER BY n.due + 0, n.seq LIMIT 4`:                       "plan_lease",
		`SELECT queue, due + 0 AS at FROM plan_delivery WHERE state = 0 AND NOT held AND (due + 0) > 1 AND (due + 0) <= 5 ORDER BY (due + 0) LIMIT 2000`:                "plan_time",
	} {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var a, b, c int
			var line string
			if err := rows.Scan(&a, &b, &c, &line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		rows.Close()
		wantInPlan(t, plan.String(), "INDEX "+index)
	}
}

// traced opens a pool that notes what it is asked.
func traced(t *testing.T, d database) (*sql.DB, *trace) {
	t.Helper()
	config, err := pgx.ParseConfig(d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trace{}
	config.Tracer = tr
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db, tr
}
