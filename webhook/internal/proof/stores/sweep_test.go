package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// onQuery is a pgx.QueryTracer that is called before each statement.
type onQuery func(sql string)

func (f onQuery) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	f(data.SQL)
	return ctx
}

func (onQuery) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// watched opens a pool that calls f before each statement.
func (d database) watched(t *testing.T, f onQuery) *sql.DB {
	t.Helper()
	config, err := pgx.ParseConfig(d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.Tracer = f
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestSweepCutOff: a sweep needs few statements, however many webhooks have keys. Sweeps that are cut
// off after a few of them reach all keys in the end.
func TestSweepCutOff(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 64)
	const hooks, keys = 100, 30
	var all []webhook.Delivery
	for i := range hooks {
		hook := f.ordered(fmt.Sprintf("%03d", i))
		for j := range keys {
			one := f.delivery(hook, now().Add(-time.Minute))
			one.Key = fmt.Sprintf("%03d", j)
			all = append(all, one)
		}
	}
	if _, err := f.store.Enqueue(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	plain := d.open(t)
	if _, err := plain.Exec(`UPDATE postrider_delivery SET was = due, due = 4611686018427387904`); err != nil {
		t.Fatal(err)
	}
	left := 0
	var cut context.CancelFunc
	s, err := sqlstore.New(d.watched(t, func(string) {
		if left--; left == 0 {
			cut()
		}
	}), sqlstore.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Webhooks(t.Context(), "acme"); err != nil { // checks the tables
		t.Fatal(err)
	}
	for range 8 {
		var ctx context.Context
		ctx, cut = context.WithCancel(t.Context())
		left = 12
		_, _, err := s.Sweep(ctx, webhook.Sweep{Now: now(), Gone: true}, 100)
		cut()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	var parked int
	if err := plain.QueryRow(`SELECT count(*) FROM postrider_delivery WHERE due = 4611686018427387904`).Scan(&parked); err != nil {
		t.Fatal(err)
	}
	if parked > 0 {
		t.Errorf("%d of %d keys wait behind nothing after 8 sweeps", parked, hooks*keys)
	}
}

// TestSweepWaits: a sweep waits for another one no longer than its context lasts.
func TestSweepWaits(t *testing.T) {
	d := newPostgres(t)
	d.migrated(t, nil)
	begun, free := make(chan struct{}, 1), make(chan struct{})
	s, err := sqlstore.New(d.watched(t, func(query string) {
		if strings.Contains(query, "expires > 0") {
			begun <- struct{}{}
			<-free
		}
	}), sqlstore.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	sweep := func(ctx context.Context) error {
		_, _, err := s.Sweep(ctx, webhook.Sweep{Now: now()}, 100)
		return err
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- sweep(t.Context()) }()
	<-begun
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		second <- sweep(ctx)
	}()
	select {
	case err := <-second:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a sweep beside another one: %v, want context.DeadlineExceeded", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a sweep waits for another one although its context has ended")
	}
	close(free)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// TestSweepReads: a sweep that finds nothing to mend does not hold the writer of SQLite while it reads
// the retries that are due later.
func TestSweepReads(t *testing.T) {
	d := newSQLite(t)
	f := newField(t, d, "sweep_", 1)
	f.fill(f.hooks("m", 1, true), 10, now().Add(2*time.Hour))
	db, tracer := tracedSQLite(t, d)
	if _, err := db.Exec("UPDATE sweep_delivery SET tries = 1, created = created - 1"); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.New(db, d.dialect, &sqlstore.Options{Prefix: "sweep_"})
	if err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		t.Helper()
		tracer.reset()
		w := webhook.Sweep{Now: now(), LatestRetry: now().Add(3 * time.Hour), LatestLease: now().Add(time.Hour)}
		if _, _, err := s.Sweep(t.Context(), w, 10); err != nil {
			t.Fatal(err)
		}
	}
	if sweep(); tracer.find("SET due = ").sql != "" {
		t.Error("the retries are read in a statement that writes")
	}
	if _, err := db.Exec("UPDATE sweep_delivery SET due = due + 7200000000"); err != nil {
		t.Fatal(err)
	}
	if sweep(); tracer.find("SET due = ").sql == "" {
		t.Error("times that are too late were not mended")
	}
}
