package stores_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// heads claims the heads of a webhook's keys.
func (f *field) heads(t *testing.T, s webhook.Store, hook string) []webhook.Delivery {
	t.Helper()
	f.lease++
	at := now()
	b, err := s.Claim(t.Context(), webhook.Claim{Now: at, Until: at.Add(leaseTime), Lease: at.UnixMicro()<<11 + f.lease,
		Lanes: []webhook.LaneClaim{{Lane: laneOf(hook), Most: 100, Take: webhook.TakeHeads}}})
	if err != nil {
		t.Fatal(err)
	}
	return b.Deliveries
}

func (f *field) end(t *testing.T, s webhook.Store, d webhook.Delivery) {
	t.Helper()
	at := now()
	x := webhook.Settlement{ID: d.ID, Scope: d.Scope, Lease: d.Lease, State: webhook.StateDelivered, Due: at, Result: &webhook.Attempt{Number: 1, Status: 200, Start: at}}
	if lost, err := s.Settle(t.Context(), []webhook.Settlement{x}); err != nil || len(lost) > 0 {
		t.Fatal(lost, err)
	}
}

// TestOrderLateCommit: a delivery that a transaction of the host stores behind a head that ends
// before its commit is taken by the next claim of the same process, without a sweep.
func TestOrderLateCommit(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 64)
	s := d.store(t, nil)
	hook := f.ordered("late")
	f.key(hook, 1, now().Add(-time.Minute))
	head := f.heads(t, s, hook)
	if len(head) != 1 {
		t.Fatalf("claimed %d, want the head", len(head))
	}
	tx, err := d.open(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	next := f.delivery(hook, now().Add(-time.Second))
	next.Key = "k"
	if _, err := s.Tx(tx).Enqueue(t.Context(), []webhook.Delivery{next}); err != nil {
		t.Fatal(err)
	}
	f.end(t, s, head[0])
	if ds := f.heads(t, s, hook); len(ds) != 0 {
		t.Fatalf("claimed %v before the commit", ds)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if ds := f.heads(t, s, hook); len(ds) != 1 || ds[0].ID != next.ID {
		t.Errorf("claimed %d after the commit, want %s", len(ds), next.ID)
	}
}

// TestOrderOlderCommit: a transaction that began before another one of its key has the lower
// number. When it commits while the other delivery is in flight, there is still one request of the
// key at a time.
func TestOrderOlderCommit(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 64)
	s := d.store(t, nil)
	hook := f.ordered("older")
	tx, err := d.open(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	older := f.delivery(hook, now().Add(-time.Minute))
	older.Key = "k"
	if _, err := s.Tx(tx).Enqueue(t.Context(), []webhook.Delivery{older}); err != nil {
		t.Fatal(err)
	}
	f.key(hook, 1, now().Add(-time.Minute))
	first := f.heads(t, s, hook)
	if len(first) != 1 || first[0].ID == older.ID {
		t.Fatalf("claimed %v before the commit, want the younger one", first)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if ds := f.heads(t, s, hook); len(ds) != 0 {
		t.Fatalf("claimed %v while another one of the key is held", ds)
	}
	f.end(t, s, first[0])
	if ds := f.heads(t, s, hook); len(ds) != 1 || ds[0].ID != older.ID || ds[0].Sequence >= first[0].Sequence {
		t.Errorf("claimed %v, want the older one", ds)
	}
}

// TestOrderMended: a sweep finds a head that a process left parked because it died between an end
// and the next head's release.
func TestOrderMended(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.migrated(t, nil)
		f := &field{b: t, store: s, limit: 64}
		hook := f.ordered("mended")
		f.key(hook, 2, now().Add(-time.Minute))
		head := f.heads(t, s, hook)
		if len(head) != 1 {
			t.Fatalf("claimed %d, want the head", len(head))
		}
		f.end(t, s, head[0])
		if _, err := d.open(t).Exec(`UPDATE postrider_delivery SET was = due, due = 4611686018427387904 WHERE state = 0`); err != nil {
			t.Fatal(err)
		}
		if ds := f.heads(t, s, hook); len(ds) != 0 {
			t.Fatalf("claimed %v, want nothing of what is parked", ds)
		}
		if _, _, err := s.Sweep(t.Context(), webhook.Sweep{Now: now()}, 100); err != nil {
			t.Fatal(err)
		}
		if ds := f.heads(t, s, hook); len(ds) != 1 {
			t.Errorf("claimed %d after a sweep, want 1", len(ds))
		}
	})
}

// TestOrderMissedEnd: where the end of a head was stored, and the statement that makes the next of its key
// due failed, the next claim of the same process takes it, without a sweep.
func TestOrderMissedEnd(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 64)
	hook := f.ordered("missed")
	db, l := openLossy(t, d)
	s, err := sqlstore.New(db, d.dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	var next webhook.Delivery
	for range 2 {
		next = f.delivery(hook, now().Add(-time.Second))
		next.Key = "k"
		if _, err := s.Enqueue(t.Context(), []webhook.Delivery{next}); err != nil {
			t.Fatal(err)
		}
	}
	head := f.heads(t, s, hook)
	if len(head) != 1 {
		t.Fatalf("claimed %d, want the head", len(head))
	}
	unpark := "SET due = greatest(was"
	l.refuse.Store(&unpark)
	f.end(t, s, head[0])
	l.refuse.Store(nil)
	if ds := f.heads(t, s, hook); len(ds) != 1 || ds[0].ID != next.ID {
		t.Errorf("claimed %v after the head has ended, want %s", ds, next.ID)
	}
}
