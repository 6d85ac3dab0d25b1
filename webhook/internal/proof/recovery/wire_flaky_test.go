package recovery_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/examples/pgnotify"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestWireFlaky: one in eight answers of the database is lost. Nothing is lost or sent twice, and no
// delivery waits for the end of a lease.
func TestWireFlaky(t *testing.T) {
	t.Parallel()
	direct := newDatabase(t, sqlstore.PostgreSQL)
	w, behind := newWire(t, direct)
	o := webhook.Options{Timeout: 2 * time.Second, Lease: 12500 * time.Millisecond}
	h := newHost(t, notified(t, behind), &o)
	other := newHost(t, notified(t, direct), &o) // never runs
	const hooks, events = 4, 60
	for i := range hooks {
		h.add(fmt.Sprint("w", i), "taskSuccess")
	}
	h.run()
	h.dispatch("first")
	w.oneIn.Store(8)
	committed := make(map[string]time.Time)
	for n := range events {
		id := fmt.Sprint("flaky-", n)
		to := []*host{h, other}[n%2]
		ev, err := payload.New("acme", success(id), payload.WithAnyProcessID(), payload.WithID(id))
		if err != nil {
			t.Fatal(err)
		}
		for _, err = to.hooks.Dispatch(t.Context(), ev); err != nil; { // as a host does
			_, err = to.hooks.Dispatch(t.Context(), ev)
		}
		committed[id] = time.Now()
		time.Sleep(50 * time.Millisecond)
	}
	pending := webhook.Query{States: []webhook.State{webhook.StatePending}}
	eventually(t, "all is settled", 30*time.Second, func() bool { return len(other.list(pending)) == 0 })
	sent := make(map[string]int)
	var late time.Duration
	for _, s := range h.net.requests() {
		sent[s.event]++
		if at, is := committed[s.event]; is {
			late = max(late, s.at.Sub(at))
		}
	}
	for id := range committed {
		if sent[id] != hooks {
			t.Errorf("event %s was sent %d times to %d webhooks", id, sent[id], hooks)
		}
	}
	t.Logf("the last request began %v after its event was stored", late.Round(time.Millisecond))
	if late > 10*time.Second {
		t.Errorf("a request began %v after its event was stored: a lost answer cost a lease", late)
	}
}

// notified opens a Store with a Notifier.
func notified(t *testing.T, d hostproc.Database) *sqlstore.Store {
	t.Helper()
	db, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	n := pgnotify.New(pool, "flaky")
	t.Cleanup(func() {
		n.Close()
		pool.Close()
		_ = db.Close()
	})
	s, err := sqlstore.New(db, d.Dialect, &sqlstore.Options{Notifier: n})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWireRunningClaim: the connection of a claim ends while the server still runs it. The same claim
// again waits for it and returns what it took. After three seconds it takes what else is free.
func TestWireRunningClaim(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"ends": true, "hangs": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s, direct := wired(t)
			db, err := direct.Open()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			h := newHost(t, s, nil)
			hook := h.add("ops", "taskSuccess")
			for i := range 4 {
				h.dispatch(fmt.Sprint("t", i), payload.WithID(fmt.Sprint("e", i)))
			}
			now := time.Now().Add(time.Second).Truncate(time.Microsecond)
			c := webhook.Claim{Now: now, Until: now.Add(time.Minute), Lease: now.UnixMicro(),
				Lanes: []webhook.LaneClaim{{Lane: webhook.Lane{Scope: "acme", WebhookID: hook.ID}, Most: 2}}}
			release := holdClaims(t, db, c.Until)
			first := claimBehind(t, s, c)
			waitForLocks(t, db, 1)
			w.interrupt(true)
			if got := <-first; got != nil {
				t.Fatalf("the first claim returned %v, although its connection was cut", got)
			}
			eventually(t, "the driver cannot cancel the claim", 30*time.Second, func() bool { return w.refused.Load() > 0 })
			w.interrupt(false)
			c.Until = c.Until.Add(time.Second)
			again := claimBehind(t, s, c)
			want := []string{"e2", "e3"}
			if ends {
				want = []string{"e0", "e1"}
				waitForLocks(t, db, 2)
				release()
			}
			if got := <-again; !slices.Equal(got, want) {
				t.Errorf("the same claim again returned %v, want %v", got, want)
			}
		})
	}
}

// claimBehind claims in the background and returns the claimed events, nil after an error.
func claimBehind(t *testing.T, s webhook.Store, c webhook.Claim) <-chan []string {
	claimed := make(chan []string, 1)
	go func() {
		var events []string
		b, err := s.Claim(context.WithoutCancel(t.Context()), c)
		for _, d := range b.Deliveries {
			events = append(events, d.EventID)
		}
		if err != nil {
			events = nil
		}
		claimed <- events
	}()
	return claimed
}

// holdClaims makes claims with leases until a time wait inside the server.
func holdClaims(t *testing.T, db *sql.DB, until time.Time) (release func()) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END'`,
		fmt.Sprintf(`CREATE TRIGGER hold BEFORE INSERT ON postrider_lease FOR EACH ROW WHEN (NEW.until = %d) EXECUTE FUNCTION hold()`, until.UnixMicro()),
		`SELECT pg_advisory_lock(42)`,
	} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	release = func() {
		if _, err := conn.ExecContext(context.WithoutCancel(t.Context()), `SELECT pg_advisory_unlock_all()`); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		release()
		_ = conn.Close()
	})
	return release
}

// waitForLocks waits until so many connections wait for an advisory lock.
func waitForLocks(t *testing.T, db *sql.DB, want int) {
	t.Helper()
	eventually(t, "claims wait in the server", 30*time.Second, func() bool {
		n := 0
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n == want
	})
}
