package stores_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jirasql"
)

// TestEveryJiraPlan: no statement of package jirasql reads a whole table, with many tenants and with a
// tenant that has most of the rows. The schema's versions are few.
func TestEveryJiraPlan(t *testing.T) {
	for name, tenant := range map[string]string{"many tenants": "n / 4", "a large tenant": "CASE WHEN n % 10 = 0 THEN n ELSE 1 END"} {
		t.Run("postgres/"+name, func(t *testing.T) {
			t.Parallel()
			d := newPostgres(t)
			db, tracer := traced(t, d)
			jiraPlans(t, db, tracer, tenant, "VACUUM ANALYZE", func(q statement) (string, []string) {
				plans := explain(t, d, q, generic) + explain(t, d, q, "force_custom_plan")
				return plans, wholePostgres(plans)
			})
		})
		t.Run("sqlite/"+name, func(t *testing.T) {
			t.Parallel()
			db, tracer := tracedSQLite(t, newSQLite(t))
			jiraPlans(t, db, tracer, tenant, "ANALYZE", func(q statement) (string, []string) {
				plan := explainSQLite(t, db, q.sql)
				return plan, wholeSQLite(t, db, q.sql, plan)
			})
		})
	}
}

func jiraPlans(t *testing.T, db *sql.DB, tracer *trace, tenant, analyze string, whole func(statement) (plan string, tables []string)) {
	s, err := jirasql.New(db, &jirasql.Options{Prefix: "every_"})
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	tenant = "'tenant' || (" + tenant + ")"
	at := now()
	for _, q := range []string{
		"jira_tenant (tenant, last) SELECT DISTINCT " + tenant + ", 1000 FROM g",
		"jira_registration (tenant, id, app, url, sealed, data, expires) SELECT " + tenant + ", 1000 + n, 'app' || (n % 2), '', 0, '{\"Filter\":\"\"}', " + fmt.Sprint(at.UnixMicro()) + " + CAST(n AS bigint) * 1000000 FROM g",
		"jira_failure (tenant, app, id, url, sealed, failed) SELECT " + tenant + ", 'app' || (n % 2), 'id' || n, '', 0, " + fmt.Sprint(at.UnixMilli()) + " + CAST(n AS bigint) * 1000 FROM g",
		"jira_attachment (tenant, workflow, transition, webhook) SELECT " + tenant + ", 'wf' || (n % 50), 'tr' || n, 'wh' || (n % 100) FROM g",
		"jira_retired (tenant, webhook) SELECT " + tenant + ", 'wh' || n FROM g",
		analyze,
	} {
		if q != analyze {
			q = "INSERT INTO every_" + strings.Replace(q, ") SELECT", ") WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 20000) SELECT", 1)
		}
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(q, err)
		}
	}
	tracer.reset()
	if err := everyJiraCall(t.Context(), s, at); err != nil {
		t.Fatal(err)
	}
	done := make(map[string]bool)
	for _, q := range slices.Clone(tracer.list) {
		if done[q.sql] || !strings.Contains(q.sql, "every_") {
			continue
		}
		done[q.sql] = true
		if plan, tables := whole(q); len(tables) > 0 {
			t.Errorf("a statement reads all of %s: %s\n%s", tables, q.sql, plan)
		}
	}
	if len(done) < 18 {
		t.Errorf("%d statements, want those of every method", len(done))
	}
}

// everyJiraCall calls each method of a Store of package jirasql.
func everyJiraCall(ctx context.Context, s *jirasql.Store, at time.Time) error {
	o, tr := jira.Owner{Tenant: "tenant7", App: "app1"}, jira.Transition{Workflow: "wf1", ID: "tr1"}
	later := at.Add(time.Hour)
	ids, err := s.Register(ctx, jira.Owner{Tenant: "new", App: "app"}, []jira.Registration{{URL: "https://example.com/", ExpiresAt: later}}, at, 100)
	for _, call := range []func() error{
		func() error { return err },
		func() error { _, err := s.Registrations(ctx, o); return err },
		func() error {
			_, err := s.Refresh(ctx, jira.Owner{Tenant: "new", App: "app"}, ids, at, later, 100)
			return err
		},
		func() error { return s.Delete(ctx, jira.Owner{Tenant: "new", App: "app"}, ids) },
		func() error { _, err := s.Prune(ctx, at.Add(time.Minute)); return err },
		func() error { return s.AddFailure(ctx, o, jira.Failure{ID: "id", At: at}) },
		func() error { _, err := s.Failures(ctx, o, at.Add(-time.Second), 10); return err },
		func() error { _, err := s.PruneFailures(ctx, at.Add(time.Minute)); return err },
		func() error { return s.Attach(ctx, o.Tenant, tr, "wh") },
		func() error { _, err := s.Attached(ctx, o.Tenant, tr); return err },
		func() error { _, err := s.Transitions(ctx, o.Tenant, "wh"); return err },
		func() error { return s.Detach(ctx, o.Tenant, tr, "wh") },
		func() error { return s.Retire(ctx, o.Tenant, "wh") },
		func() error { return s.Restore(ctx, o.Tenant, "wh") },
	} {
		if err := call(); err != nil {
			return err
		}
	}
	return nil
}
