package stores_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestClockJumps: the time in calls of a Store jumps ahead by an hour and back. Deliveries that
// were leased or delayed meanwhile come back within the longest step, once, and enqueued ones are
// found at their time.
func TestClockJumps(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		hook := f.hooks("m", 1, true)[0]
		at := now()
		step := 10 * time.Minute
		claim := func(at time.Time) []webhook.Delivery {
			t.Helper()
			f.lease++
			b, err := f.store.Claim(t.Context(), webhook.Claim{Now: at, Until: at.Add(time.Minute), Lease: f.lease,
				Lanes: []webhook.LaneClaim{{Lane: laneOf(hook), Most: 10}}})
			if err != nil {
				t.Fatal(err)
			}
			return b.Deliveries
		}
		put := func(due time.Time) webhook.Delivery {
			t.Helper()
			dl := f.delivery(hook, due)
			if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{dl}); err != nil {
				t.Fatal(err)
			}
			return dl
		}
		put(at)
		put(at.Add(30 * time.Minute)) // due after the jump
		ahead := claim(at.Add(time.Hour))
		if len(ahead) != 2 {
			t.Fatalf("claimed %d an hour ahead, want 2", len(ahead))
		}
		retry := ahead[0]
		end := at.Add(time.Hour)
		_, err := f.store.Settle(t.Context(), []webhook.Settlement{{ID: retry.ID, Scope: retry.Scope, Lease: retry.Lease, Due: end.Add(step), Code: webhook.CodeStatus,
			Result: &webhook.Attempt{Number: 1, Status: 503, Code: webhook.CodeStatus, Start: end}}})
		if err != nil {
			t.Fatal(err)
		}
		later := put(at.Add(2 * time.Minute)) // the clock is right again
		if got := claim(at.Add(time.Minute)); len(got) != 0 {
			t.Errorf("claimed %d that are not due", len(got))
		}
		if got := claim(at.Add(2 * time.Minute)); len(got) != 1 || got[0].ID != later.ID {
			t.Errorf("claimed %v, want %s at its time", got, later.ID)
		}
		latest := at.Add(2*time.Minute + step)
		ended, more, err := f.store.Sweep(t.Context(), webhook.Sweep{Now: at.Add(2 * time.Minute), LatestRetry: latest, LatestLease: latest}, 100)
		if err != nil || more || len(ended) > 0 {
			t.Fatal(ended, more, err)
		}
		got := claim(at.Add(2*time.Minute + step))
		if len(got) != 3 { // the retry, the lease from the future, and the one whose lease ended
			t.Fatalf("claimed %d within the longest step, want 3", len(got))
		}
		for _, dl := range got {
			if want := dl.ID != retry.ID; (dl.Interrupted == 1) != want || (dl.Tries == 1) == want {
				t.Errorf("%s: %d tries, %d interruptions", dl.ID, dl.Tries, dl.Interrupted)
			}
		}
	})
}

// TestReading: the database's time is read on an existing connection, so that the wait for one is
// no part of the reading.
func TestReading(t *testing.T) {
	d := newPostgres(t)
	d.migrated(t, nil)
	db := d.open(t)
	db.SetMaxOpenConns(1)
	s, err := sqlstore.New(db, d.dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan webhook.Reading, 1)
	go func() {
		r, err := s.Now(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- r
	}()
	until(t, "the reading waits for the connection", func() bool { return db.Stats().WaitCount > 0 })
	free := time.Now()
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.Before.Before(free) || r.After.Before(r.Before) {
		t.Errorf("the reading began %v before the connection was free", free.Sub(r.Before))
	}
}
