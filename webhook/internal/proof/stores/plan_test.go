package stores_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestPlans: each statement of a delivery's way finds its rows by its index, or by their place, for
// any size of the table, with PostgreSQL's statistics and without, and with a generic plan.
func TestPlans(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "plan_", 20)
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	hooks := f.hooks("m", 5, true)
	f.lanes = lanesOf(hooks)
	for _, rows := range []int{100, 20_000} {
		f.fill(hooks, rows, now().Add(-time.Hour))
		for _, known := range []bool{false, true} {
			if known {
				if _, err := db.Exec("ANALYZE"); err != nil {
					t.Fatal(err)
				}
			}
			tracer.reset()
			f.store = s
			f.once()
			f.walk(webhook.DueQuery{Now: now(), Limit: 10})
			f.walk(webhook.DueQuery{Now: now(), Since: now().Add(-time.Second), Limit: 10})
			f.walk(webhook.DueQuery{Now: now(), Scope: "acme", WebhookID: hooks[0], Limit: 10})
			for statement, parts := range map[string][]string{
				"nextval":              nil,
				"octet_length(d.body)": {"using plan_turn on plan_delivery", "Tid Scan on plan_delivery d"},
				"string_agg":           {"using plan_delivery_pkey on plan_delivery"},
				"RECURSIVE l":          {"using plan_turn on plan_delivery", "plan_lease n", "plan_time"},
				"DISTINCT 1":           {"using plan_turn on plan_delivery", "plan_time", "plan_lease n"},
			} {
				plan := explain(t, d, tracer.find(statement), generic)
				if rows > 1000 { // any plan is good for a few rows
					wantInPlan(t, plan, parts...)
				}
				for _, bad := range []string{"Seq Scan on plan_delivery", "plan_log", "plan_webhook_log"} {
					if strings.Contains(plan, bad) && rows > 1000 {
						t.Errorf("%d rows, analyzed %t: the statement with %q uses %q:\n%s", rows, known, statement, bad, plan)
					}
				}
			}
		}
	}
}

// TestPlansOfManyRows: a claim reads the turn index in order, however many rows wait in a lane,
// and where each webhook is of a tenant of its own too. The planner might take the log of the scope
// for a quick way to the rows of a lane, or the work for so much that it compiles the statement to
// machine code at each execution.
func TestPlansOfManyRows(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "many_", 20)
	f.take(f.hooks("m", 10, true), 1000, now().Add(-time.Hour))
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "many_"})
	if err != nil {
		t.Fatal(err)
	}
	f.store = s
	f.once()
	c := f.claim(now())
	for i := range c.Lanes {
		c.Lanes[i].Take = webhook.TakeNewest - webhook.Take(i%2) // and TakeHeads
	}
	if _, err := s.Claim(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO many_delivery (hook, created, queued, due, id, scope, event, webhook, class, type, body)
 SELECT hook, created + n, queued, due + n, id || n, scope, event || n, webhook, class, type, '' FROM many_delivery, generate_series(1, 200) n WHERE state = 0`,
		"VACUUM ANALYZE many_delivery", "UPDATE many_delivery SET scope = webhook", "VACUUM ANALYZE many_delivery",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(q, "VACUUM") {
			continue
		}
		for _, statement := range []string{"OVER w", "false AS superseded FROM many_delivery", "of_class"} {
			plan := explain(t, d, tracer.find(statement), generic)
			wantInPlan(t, plan, "Index Scan using many_turn on many_delivery")
			for _, bad := range []string{"Bitmap", "many_log", "JIT"} {
				if strings.Contains(plan, bad) {
					t.Errorf("the plan of the statement with %q has %q:\n%s", statement, bad, plan)
				}
			}
		}
	}
}

// TestPlannedOnce: PostgreSQL plans each statement of the way of a delivery a few times and then keeps
// the plan, however few rows a call is about. Planning takes longer than the work for one row.
func TestPlannedOnce(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "plan_", 20)
	f.take(f.hooks("m", 5, true), 2_000, now().Add(-time.Hour))
	db := d.open(t)
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("ANALYZE"); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	f.store = s
	const calls = 20
	for range calls {
		at := now()
		one := f.delivery(f.lanes[0].WebhookID, at)
		one.Held, one.Lease, one.Due = true, at.UnixMicro()<<11, at.Add(leaseTime)
		if _, err := s.Enqueue(t.Context(), []webhook.Delivery{one}); err != nil {
			t.Fatal(err)
		}
		f.leased(t, s, at, at.Add(leaseTime), 1)
		f.walk(webhook.DueQuery{Now: at, Limit: 10})
		f.walk(webhook.DueQuery{Now: at, Since: at.Add(-time.Second), Limit: 10})
		lost, err := s.Settle(t.Context(), []webhook.Settlement{{ID: one.ID, Scope: one.Scope, Lease: one.Lease, State: webhook.StateDelivered, Due: at,
			Result: &webhook.Attempt{Number: 1, Status: 200, Start: at}}})
		if err != nil || len(lost) > 0 {
			t.Fatal(lost, err)
		}
	}
	rows, err := db.QueryContext(t.Context(), `SELECT generic_plans, custom_plans, statement FROM pg_prepared_statements WHERE generic_plans + custom_plans >= $1`, calls)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	kept := 0
	for rows.Next() {
		var generic, custom int
		var text string
		if err := rows.Scan(&generic, &custom, &text); err != nil {
			t.Fatal(err)
		}
		if kept++; generic == 0 {
			t.Errorf("planned %d times: %.300s", custom, text)
		}
	}
	if err := rows.Err(); err != nil || kept < 5 {
		t.Errorf("%d statements, %v; want those of Enqueue, Claim, Settle and both kinds of Due", kept, err)
	}
}

// TestHistoryPlans: the logs of a scope, of a webhook and of an event use their own indexes.
func TestHistoryPlans(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "plan_", 20)
	hooks := f.hooks("m", 50, true)
	f.take(hooks, 20_000, now().Add(-time.Hour))
	db, tracer := traced(t, d)
	if _, err := db.Exec("ANALYZE"); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	for index, q := range map[string]webhook.Query{
		"plan_log":           {States: []webhook.State{webhook.StatePending}, Codes: []webhook.Code{""}},
		"plan_webhook_log":   {WebhookID: hooks[7]},
		"plan_delivery_pkey": {EventID: "evt_0000000000000000000007"},
	} {
		tracer.reset()
		q.Scope = "acme"
		if ds, _, err := s.Deliveries(t.Context(), q); err != nil || len(ds) == 0 {
			t.Fatalf("%s: %d, %v", index, len(ds), err)
		}
		plan := explain(t, d, tracer.find("ORDER BY"), generic)
		wantInPlan(t, plan, index)
		if strings.Contains(plan, "Sort") && q.EventID == "" {
			t.Errorf("%s: the plan sorts more rows than the page has:\n%s", index, plan)
		}
	}
}

// TestLatestPlan: the latest delivery of each webhook is the first row that is read, with
// statistics and without.
func TestLatestPlan(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "plan_", 20)
	hooks := f.hooks("m", 10, true)
	f.fill(hooks, 20_000, now().Add(-time.Hour))
	db, tracer := traced(t, d)
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []bool{false, true} {
		if known {
			if _, err := db.Exec("ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		tracer.reset()
		if ds, err := s.Latest(t.Context(), "acme", hooks); err != nil || len(ds) != len(hooks) {
			t.Fatalf("%d deliveries of %d webhooks, %v", len(ds), len(hooks), err)
		}
		plan := explain(t, d, tracer.find("LATERAL"), generic)
		wantInPlan(t, plan, "Index Scan Backward using plan_webhook_log")
		if strings.Contains(plan, "Sort") || strings.Contains(plan, "Bitmap") {
			t.Errorf("statistics %t: the plan reads or sorts too much:\n%s", known, plan)
		}
	}
}

func wantInPlan(t *testing.T, plan string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(plan, part) {
			t.Errorf("the plan has no %q:\n%s", part, plan)
		}
	}
}

// TestSQLitePlan: the same for SQLite, where a partial index serves only statements that repeat its
// condition.
func TestSQLitePlan(t *testing.T) {
	d := newSQLite(t)
	f := newField(t, d, "plan_", 10)
	f.fill(f.hooks("m", 5, true), 1000, now())
	db := d.open(t)
	for query, index := range map[string]string{
		`SELECT seq FROM plan_delivery WHERE state = 0 AND (NOT held OR until <= 5) AND hook = 1 AND class = 'c' AND scope = 's' AND webhook = 'w' AND due <= 5 ORDER BY due, seq LIMIT 4`:                "plan_turn",
		`SELECT seq FROM plan_delivery d WHERE d.state = 0 AND d.hook = 1 AND d.hook <= 9 AND d.class > 'c' ORDER BY d.class, d.due, d.seq LIMIT 1`:                                                       "plan_turn (hook=? AND class>?)",
		`SELECT seq FROM plan_delivery d WHERE d.state = 0 AND d.hook > 1 AND d.hook <= 9 ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1`:                                                                 "plan_turn (hook>? AND hook<?)",
		`SELECT 1 FROM plan_delivery WHERE state = 0 ORDER BY hook, class, due, seq LIMIT 100001`:                                                                                                         "plan_turn",
		`SELECT 1 FROM plan_delivery WHERE state = 0 AND NOT held AND tries > 0 ORDER BY tries LIMIT 100001`:                                                                                              "plan_retry",
		`SELECT seq FROM plan_delivery WHERE state = 0 AND (NOT held OR until <= 5) AND due > queued AND queued < 4 ORDER BY queued LIMIT 3`:                                                              "plan_age",
		`SELECT seq FROM plan_delivery WHERE state = 0 AND (NOT held OR until <= 5) AND (due + 0) < 4 AND (queued + 0) < 4 ORDER BY (due + 0), seq LIMIT 3`:                                               "plan_time",
		`SELECT until FROM plan_lease n WHERE n.until > 7 ORDER BY n.until LIMIT 64`:                                                                                                                      "plan_lease_until",
		`SELECT hook FROM plan_delivery d WHERE d.state = 0 AND (NOT d.held OR d.until <= 5) AND (d.due + 0) > 1 AND (d.due + 0) <= 5 ORDER BY (d.due + 0) LIMIT 2000`:                                    "plan_time",
		`SELECT seq FROM plan_delivery WHERE scope = 's' AND state IN (SELECT CAST(value AS INTEGER) FROM json_each('[1]')) ORDER BY created DESC, seq DESC LIMIT 50 + 0`:                                 "plan_log",
		`SELECT seq FROM plan_delivery WHERE id >= 'a' AND id < 'b' AND (scope || '') = 's' ORDER BY (created + 0)`:                                                                                       "sqlite_autoindex_plan_delivery_1",
		`SELECT seq FROM plan_delivery WHERE CASE WHEN scope = 's' AND webhook = 'w' THEN true ELSE false END AND (-hook) >= -1 AND (-hook) <= -1 ORDER BY (-hook) DESC, created DESC, seq DESC LIMIT 50`: "plan_webhook_log",
		`SELECT d.seq FROM plan_delivery d WHERE (-d.hook) = -1 AND d.webhook = 'w' AND (d.scope || '') = 's' ORDER BY d.created DESC, d.seq DESC LIMIT 1`:                                                "plan_webhook_log",
	} {
		plan := explainSQLite(t, db, query)
		wantInPlan(t, plan, "INDEX "+index)
		if strings.Contains(plan, "SCAN plan_delivery\n") || index != "sqlite_autoindex_plan_delivery_1" && strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("the plan reads or sorts too much:\n%s", plan)
		}
	}
}
