package recovery_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/examples/pgnotify"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// slow is a Store whose answers are delayed.
type slow struct {
	bubbleStore
	by time.Duration
}

func (s slow) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	b, err := s.bubbleStore.Claim(ctx, c)
	time.Sleep(s.by)
	return b, err
}

func (s slow) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	ws, err := s.bubbleStore.Webhooks(ctx, scope)
	time.Sleep(s.by)
	return ws, err
}

func (s slow) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	w, err := s.bubbleStore.Webhook(ctx, scope, id)
	time.Sleep(s.by)
	return w, err
}

// TestEditOnAnotherHost: after another host has deleted a webhook, switched it off or changed its
// URL, no request to the old URL begins more than 250 ms later, or one read of the webhook where
// that takes longer.
func TestEditOnAnotherHost(t *testing.T) {
	edits := map[string]func(h *host, w webhook.Webhook) error{
		"delete": func(h *host, w webhook.Webhook) error { return h.manager.Delete(h.t.Context(), w.Scope, w.ID) },
		"switch off": func(h *host, w webhook.Webhook) error {
			return h.manager.SetActive(h.t.Context(), w.Scope, w.ID, false)
		},
		"move": func(h *host, w webhook.Webhook) error {
			w.URL = "https://example.com/elsewhere"
			_, err := h.manager.Edit(h.t.Context(), w)
			return err
		},
	}
	onDatabases(t, func(t *testing.T, d hostproc.Database) {
		for _, wire := range []time.Duration{0, 400 * time.Millisecond, 2 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				store := openStore(t, d).(bubbleStore)
				h := newHost(t, slow{store, wire}, nil)
				h.net.answer = func(int, sent) (int, time.Duration) { return 200, 300 * time.Millisecond } // there is always more to send
				h.run()
				other := newHost(t, store, nil) // does not run
				late, requests := time.Duration(0), 0
				for name, edit := range edits {
					for n := range 4 {
						path := fmt.Sprintf("%s-%s-%d", name[:3], wire, n)
						w := other.add(path, "taskSuccess")
						other.dispatchMany(path, 60)
						time.Sleep(3*time.Second + wire + time.Duration(n)*wire/4)
						if err := edit(other, w); err != nil {
							t.Fatal(err)
						}
						edited := time.Now()
						time.Sleep(30 * time.Second)
						for _, r := range h.net.requests() {
							if r.webhook == path {
								requests++
								late = max(late, r.at.Sub(edited))
							}
						}
						if err := other.manager.Delete(t.Context(), w.Scope, w.ID); err != nil && name != "delete" {
							t.Fatal(err)
						}
					}
				}
				if limit := max(250*time.Millisecond, wire); late > limit || requests == 0 {
					t.Errorf("answers take %v: a request began %v after the edit had returned, want at most %v; %d requests", wire, late, limit, requests)
				}
				t.Logf("answers take %v: the last of %d requests began %v after the edit", wire, requests, late)
			})
		}
	})
}

// dispatchMany dispatches so many events in one call.
func (h *host) dispatchMany(id string, n int) {
	h.t.Helper()
	events := make([]payload.Event, n)
	for i := range events {
		var err error
		if events[i], err = payload.New("acme", success(fmt.Sprint(id, "-", i)), payload.WithAnyProcessID()); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := h.hooks.Dispatch(h.t.Context(), events...); err != nil {
		h.t.Fatal(err)
	}
}

// hazy is a Store with a slow connection to its clock, so that the time of the reading within the
// call is unknown.
type hazy struct {
	bubbleStore
	random *rand.Rand
}

// Now implements [webhook.Clock].
func (s hazy) Now(ctx context.Context) (webhook.Reading, error) {
	r := webhook.Reading{Before: time.Now()}
	s.travel(ctx)
	r.Store = time.Now()
	s.travel(ctx)
	r.After = time.Now()
	return r, ctx.Err()
}

// travel waits for the time of one way to the database, or until ctx ends.
func (s hazy) travel(ctx context.Context) {
	select {
	case <-time.After(time.Duration(s.random.Int64N(int64(time.Second)))):
	case <-ctx.Done():
	}
}

// TestRetryAfterOnAnotherHost: a host waits for the Retry-After of another host's request too, even
// with an inexact reading of the database's time.
func TestRetryAfterOnAnotherHost(t *testing.T) {
	const wait = 30 * time.Second
	onDatabases(t, func(t *testing.T, d hostproc.Database) {
		synctest.Test(t, func(t *testing.T) {
			store := openStore(t, d).(bubbleStore)
			random := rand.New(rand.NewPCG(1, 2))
			patient := func(p *webhook.Profile) { p.Retry = retry.Policy{Slots: quick, MaxAfter: time.Hour} }
			for n := range 12 {
				id := fmt.Sprint("asked-", n)
				first := newHost(t, store, nil, patient)
				first.net.answer = func(int, sent) (int, time.Duration) { return 503, 0 }
				first.net.after = strconv.Itoa(int(wait / time.Second))
				w := first.add(id, "taskSuccess")
				first.run()
				time.Sleep(time.Second)
				first.dispatch(id, payload.WithID(id))
				time.Sleep(time.Second)
				first.stop()
				second := newHost(t, hazy{store, random}, nil, patient)
				second.run()
				time.Sleep(2 * wait)
				second.stop()
				if len(first.net.requests()) != 1 || len(second.net.requests()) != 1 {
					t.Fatalf("round %d: %d and %d requests, want one each", n, len(first.net.requests()), len(second.net.requests()))
				}
				if waited := second.net.requests()[0].at.Sub(first.net.requests()[0].at); waited < wait || waited > wait+5*time.Second {
					t.Errorf("round %d: the other host came back after %v, want %v", n, waited, wait)
				}
				if err := first.manager.Delete(t.Context(), w.Scope, w.ID); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

// TestRowsOfAClockAhead: a delivery of a host whose clock is ten minutes ahead is sent within a
// lease by a host whose clock is right.
func TestRowsOfAClockAhead(t *testing.T) {
	onStores(t, func(t *testing.T, open opener) {
		store := open(t)
		h := newHost(t, store, nil)
		w := h.add("ops", "taskSuccess")
		h.run()
		time.Sleep(90 * time.Second) // after more than one sweep
		ahead, stored := time.Now().Add(10*time.Minute), time.Now()
		_, err := store.Enqueue(t.Context(), []webhook.Delivery{{ID: webhook.DeliveryID("acme", "ahead", w.ID), EventID: "ahead", WebhookID: w.ID,
			Scope: "acme", Type: "taskSuccess", Body: []byte("{}"), Due: ahead, CreatedAt: ahead, QueuedAt: ahead}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Minute)
		rs := h.net.requests()
		if len(rs) != 1 {
			t.Fatalf("%d requests, want 1", len(rs))
		}
		if took := rs[0].at.Sub(stored); took > time.Minute+5*time.Second { // a sweep begins a lease after the end of the one before, and a poll follows
			t.Errorf("sent after %v, want at most a lease", took)
		}
	})
}

// TestNotifierWakes: after a late commit, long after Enqueue, by a process that never runs, an idle
// host sends the delivery within a second of the commit when that process wakes it.
func TestNotifierWakes(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, sqlstore.PostgreSQL)
	notifying := func() (*sqlstore.Store, *sql.DB) {
		db, err := d.Open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		pool, err := pgxpool.New(t.Context(), d.DSN)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		s, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Notifier: pgnotify.New(pool, "hosts")})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s, db
	}
	sleeping, _ := notifying()
	idle := newHost(t, sleeping, &webhook.Options{}) // polls once a minute
	idle.add("ops", "taskSuccess")
	idle.run()
	waking, db := notifying()
	other := newHost(t, waking, nil)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := payload.New("acme", success("late"), payload.WithAnyProcessID(), payload.WithID("late"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.hooks.DispatchTx(t.Context(), waking.Tx(tx), ev); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // longer than a look with Since reaches back
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	other.hooks.Wake()
	took := eventually(t, "the late commit", 20*time.Second, func() bool { return idle.net.count("late") > 0 })
	t.Logf("sent %v after its commit", took.Round(time.Millisecond))
	if took > time.Second+grace {
		t.Errorf("sent %v after its commit, want at most 1 s", took)
	}
}
