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

// TestRowsThatChangeWhileRemoved: a transaction that changes a delivery, as an outcome or a
// redelivery does, is committed while PostgreSQL waits for it in order to remove the row. DeleteScope
// leaves neither the row nor what was counted with it, and Prune keeps a row that is pending again.
func TestRowsThatChangeWhileRemoved(t *testing.T) {
	tests := []struct {
		name   string
		change string
		remove func(ctx context.Context, s *sqlstore.Store) error
		left   int
	}{
		{"delete scope", `WITH u AS (UPDATE postrider_delivery SET state = 1, held = false RETURNING scope, webhook)
 INSERT INTO postrider_count (scope, webhook, hour, slot, accepted, failed, took, slowest) SELECT scope, webhook, 0, 0, 1, 0, 1, 1 FROM u`,
			func(ctx context.Context, s *sqlstore.Store) error { return s.DeleteScope(ctx, "acme") }, 0},
		{"prune", `UPDATE postrider_delivery SET state = 0, finished = 0`,
			func(ctx context.Context, s *sqlstore.Store) error { _, err := s.Prune(ctx, now(), 10); return err }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newPostgres(t)
			f := newField(t, d, "postrider_", 10)
			at := now().Add(-time.Hour)
			f.fill(f.hooks("m", 1, true), 1, at)
			db := d.open(t)
			if _, err := db.ExecContext(t.Context(), `UPDATE postrider_delivery SET state = 1, finished = $1`, at.UnixMicro()); err != nil {
				t.Fatal(err)
			}
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(t.Context(), tt.change); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- tt.remove(t.Context(), f.store) }()
			waitForLock(t, db)
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if left := count(t, db); left != tt.left {
				t.Errorf("%d deliveries are left, want %d", left, tt.left)
			}
			var counted int
			if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM postrider_count`).Scan(&counted); err != nil || counted != 0 {
				t.Errorf("%d counts are left, %v; want 0", counted, err)
			}
		})
	}
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
	wantInPlan(t, plan, "Index Scan using plan_log", "Index Scan on plan_delivery_pkey")
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
