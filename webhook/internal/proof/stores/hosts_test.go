package stores_test

import (
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// TestSeveralClaimers: concurrent claims of several hosts take each row once, none more of a lane
// than its limit, and leave nothing.
func TestSeveralClaimers(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		const rows, most = 3_000, 4
		f := newField(t, d, "postrider_", 64)
		f.take(f.hooks("m", 30, true), rows, now().Add(-time.Hour))
		var mu sync.Mutex
		seen := make(map[string]int)
		var wg sync.WaitGroup
		at := now()
		for host := range 3 {
			s := d.store(t, nil)
			wg.Go(func() {
				for n := int64(1); ; n++ {
					c := webhook.Claim{Now: at, Until: at.Add(time.Hour), Lease: at.UnixMicro()<<11 + 3*n + int64(host)}
					for _, l := range f.lanes {
						c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: l, Most: most})
					}
					b, err := s.Claim(t.Context(), c)
					if err != nil {
						t.Error(err)
						return
					}
					if len(b.Deliveries) == 0 {
						return
					}
					perLane := make(map[string]int)
					mu.Lock()
					for _, d := range b.Deliveries {
						seen[d.ID]++
						perLane[d.WebhookID]++
					}
					mu.Unlock()
					for lane, n := range perLane {
						if n > most {
							t.Errorf("%d of lane %s in one claim, want at most %d", n, lane, most)
						}
					}
				}
			})
		}
		wg.Wait()
		for _, d := range f.claimAll(t) { // rows that a claim passed over while another host had them
			seen[d.ID]++
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}
		if len(seen) != rows {
			t.Errorf("%d of %d were claimed", len(seen), rows)
		}
	})
}

// TestLateCommit: a delivery that a transaction of the host commits long after others were claimed
// is found by Due, and is claimed.
func TestLateCommit(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 64)
	hooks := f.hooks("m", 1, true)
	at := now()
	tx, err := d.open(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	late := f.delivery(hooks[0], at.Add(-30*time.Second))
	if _, err := d.store(t, nil).Tx(tx).Enqueue(t.Context(), []webhook.Delivery{late}); err != nil {
		t.Fatal(err)
	}
	f.take(hooks, 3, at.Add(-time.Second))
	if n := len(f.claimAll(t)); n != 3 {
		t.Fatalf("claimed %d before the commit, want 3", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if lanes := f.walk(webhook.DueQuery{Now: now(), Limit: 10}); len(lanes) != 1 || lanes[0] != laneOf(hooks[0]) {
		t.Errorf("due after the commit: %v", lanes)
	}
	if ds := f.claimAll(t); len(ds) != 1 || ds[0].ID != late.ID {
		t.Errorf("claimed %v after the commit, want %s", ds, late.ID)
	}
}

// TestConcurrentEnqueue: calls that share a transaction do not fail together when one of them
// cannot be stored, and each returns the deliveries that it added.
func TestConcurrentEnqueue(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 64)
		hook := f.hooks("m", 1, true)[0]
		f.take([]string{hook}, 0, now())
		var ds []webhook.Delivery
		for range 400 {
			ds = append(ds, f.delivery(hook, now()))
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		total := 0
		for g := range 16 {
			wg.Go(func() {
				for i := range 50 {
					part := ds[(g*25+i)%400:][:1] // each delivery is enqueued twice
					added, err := f.store.Enqueue(t.Context(), part)
					if err != nil || len(added) != 1 {
						t.Error(added, err)
						return
					}
					if added[0] {
						mu.Lock()
						total++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if total != 400 {
			t.Errorf("added %d of 400 in all", total)
		}
		if n := len(f.claimAll(t)); n != 400 {
			t.Errorf("claimed %d of 400", n)
		}
	})
}
