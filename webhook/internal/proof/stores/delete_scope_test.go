package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestDeleteScopeOfManyRows: others work while the rows of a scope are removed. If the context ends
// in between, nothing can be sent any more, and another call removes the rest.
func TestDeleteScopeOfManyRows(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		hooks := f.hooks("m", 2, true)
		f.fill(hooks, 20_000, now().Add(-time.Hour))
		db := d.open(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before := count(t, db)
		done := make(chan error, 1)
		go func() { done <- f.store.DeleteScope(ctx, "acme") }()
		for count(t, db) == before { // every row is there until the first batch is committed
			select {
			case err := <-done:
				t.Fatalf("all rows were removed at once, %v", err)
			default:
			}
		}
		at := now()
		other := f.delivery(hooks[0], at)
		other.Scope = "globex"
		if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{other}); err != nil {
			t.Error(err)
		}
		cancel()
		err := <-done
		left := count(t, db)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, webhook.ErrUnknown) || left == 0 {
			t.Fatalf("DeleteScope whose context has ended: %v, want context.Canceled and ErrUnknown; %d rows are left, want some", err, left)
		}
		b, err := f.store.Claim(t.Context(), webhook.Claim{Now: at, Until: at.Add(leaseTime), Lease: 1 << 62,
			Lanes: []webhook.LaneClaim{{Lane: laneOf(hooks[0]), Most: 5}, {Lane: laneOf(hooks[1]), Most: 5}}})
		if err != nil || len(b.Webhooks) > 0 {
			t.Errorf("a claim of what is left: %v, with %d webhooks, want none", err, len(b.Webhooks))
		}
		if err := f.store.DeleteScope(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if left := count(t, db); left != 0 {
			t.Errorf("%d rows are left after another call, want 0", left)
		}
		if ds, _, err := f.store.Deliveries(t.Context(), webhook.Query{Scope: "globex"}); err != nil || len(ds) != 1 {
			t.Errorf("the other scope has %d deliveries, %v; want 1", len(ds), err)
		}
	})
}

// TestDeleteScopePlan: a batch is read from the log of the scope, in its order, and not from the whole
// table.
func TestDeleteScopePlan(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "plan_", 10)
	f.fill(f.hooks("m", 5, true), 20_000, now().Add(-time.Hour))
	db, tracer := traced(t, d)
	if _, err := db.Exec("ANALYZE"); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "plan_"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteScope(t.Context(), "globex"); err != nil {
		t.Fatal(err)
	}
	plan := explain(t, d, tracer.find("RETURNING created, seq"), generic)
	wantInPlan(t, plan, "Index Scan using plan_log", "Tid Scan on plan_delivery")
	if strings.Contains(plan, "Sort") {
		t.Errorf("a batch sorts the rows of the scope:\n%s", plan)
	}
}

// count returns how many deliveries of the field's scope are stored.
func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM postrider_delivery WHERE scope = 'acme'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
