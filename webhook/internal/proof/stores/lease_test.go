package stores_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// leased claims up to some rows of the first lane.
func (f *field) leased(t *testing.T, s webhook.Store, at, until time.Time, most int) []webhook.Delivery {
	t.Helper()
	f.lease++
	b, err := s.Claim(t.Context(), webhook.Claim{Now: at, Until: until, Lease: at.UnixMicro()<<11 + f.lease,
		Lanes: []webhook.LaneClaim{{Lane: f.lanes[0], Most: most}}})
	if err != nil {
		t.Fatal(err)
	}
	return b.Deliveries
}

// TestLeaseTouchesNoIndex: PostgreSQL writes the row that a claim leased into its page, without
// an entry in any index.
func TestLeaseTouchesNoIndex(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "hot_", 10)
	f.take(f.hooks("m", 1, true), 500, now().Add(-time.Hour))
	pool := d.open(t)
	s, err := sqlstore.New(pool, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "hot_"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.leased(t, s, now(), now().Add(time.Minute), 500)); n != 500 {
		t.Fatalf("%d rows were leased", n)
	}
	if err := pool.Close(); err != nil { // a session reports its figures when it ends
		t.Fatal(err)
	}
	db := d.open(t)
	var changed, hot int
	until(t, "the figures of 500 leases", func() bool {
		err := db.QueryRowContext(t.Context(), `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'hot_delivery'`).Scan(&changed, &hot)
		if err != nil {
			t.Fatal(err)
		}
		return changed >= 500
	})
	if hot < 495 { // a page that another insert filled has no room
		t.Errorf("of %d leases %d touched no index", changed, hot)
	}
}

// TestLeaseOfAnotherHost: a lease of a host that has died is named once it has ended, by a
// question about what is new, and its rows are claimed by a host that has gone far beyond them.
func TestLeaseOfAnotherHost(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 64)
		f.take(f.hooks("m", 1, true), 200, now().Add(-time.Hour))
		at := now()
		end := at.Add(time.Minute)
		dead := f.leased(t, d.store(t, nil), at, end, 3)
		for range 100 { // each of them full, as in a long backlog
			f.leased(t, f.store, at, at.Add(time.Hour), 1)
		}
		for name, q := range map[string]webhook.DueQuery{
			"what is new": {Now: end, Since: end.Add(-time.Second), Limit: 10},
			"all":         {Now: end, Limit: 10},
			"the webhook": {Now: end, Scope: "acme", WebhookID: f.lanes[0].WebhookID, Limit: 10},
		} {
			if lanes := f.walk(q); !slices.Equal(lanes, f.lanes) {
				t.Errorf("%s: lanes %v, want the one of the lease that has ended", name, lanes)
			}
		}
		p, err := f.store.Due(t.Context(), webhook.DueQuery{Now: at, Since: at.Add(-time.Second), Limit: 10})
		if err != nil || p.Next.IsZero() || p.Next.After(end) {
			t.Errorf("next %v, %v; want the end of the lease at %v or before", p.Next, err, end)
		}
		var got []string
		for _, d := range f.leased(t, f.store, end, end.Add(time.Hour), 3) {
			if d.Interrupted != 1 {
				t.Errorf("%s was interrupted %d times", d.EventID, d.Interrupted)
			}
			got = append(got, d.ID)
		}
		for _, d := range dead {
			if !slices.Contains(got, d.ID) {
				t.Errorf("%s was not claimed again, but %v", d.ID, got)
			}
		}
	})
}

// TestOldLeases: a lease that ended long ago is found by any question that goes back as far,
// although the lines that lead to leases are removed after a while.
func TestOldLeases(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 64)
		hooks := f.hooks("m", 2, true)
		f.take(hooks, 2, now().Add(-2*time.Hour))
		at := now().Add(-time.Hour)
		end := at.Add(time.Minute)
		f.leased(t, f.store, at, end, 1)
		old := f.lanes[0]
		f.lanes = f.lanes[1:]
		later := end.Add(10 * time.Minute)
		f.leased(t, f.store, later, later.Add(time.Hour), 1) // removes old lines
		for _, since := range []time.Time{{}, end.Add(-time.Second)} {
			if lanes := f.walk(webhook.DueQuery{Now: later, Since: since, Limit: 10}); !slices.Contains(lanes, old) {
				t.Errorf("since %v: lanes %v, want the one of the lease that has ended", since, lanes)
			}
		}
		var lines int
		if err := d.open(t).QueryRowContext(t.Context(), `SELECT count(*) FROM postrider_lease`).Scan(&lines); err != nil || lines != 1 {
			t.Errorf("%d lines of leases, %v; want that of the latest", lines, err)
		}
	})
}

// TestLeasesOfHandOffs: hand-offs remove the lines of leases that ended long ago. A host whose deliveries
// all succeed at once never claims.
func TestLeasesOfHandOffs(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 1)
		at := now().Add(-time.Hour)
		for range 5 {
			at = at.Add(10 * time.Minute)
			one := f.delivery("wh", at)
			one.Held, one.Lease, one.Due = true, at.UnixMicro()<<11, at.Add(leaseTime)
			if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{one}); err != nil {
				t.Fatal(err)
			}
		}
		var lines int
		if err := d.open(t).QueryRowContext(t.Context(), `SELECT count(*) FROM postrider_lease`).Scan(&lines); err != nil || lines != 1 {
			t.Errorf("%d lines of leases, %v; want that of the latest", lines, err)
		}
	})
}

// TestLeasesAndFastClocks: a host whose clock is ahead, and which has not read the database's clock,
// does not remove the lines of leases that last. So the lease of a host that dies is found when it ends.
func TestLeasesAndFastClocks(t *testing.T) {
	d := newPostgres(t)
	f := newField(t, d, "postrider_", 64)
	f.take(f.hooks("m", 2, true), 2, now().Add(-time.Hour))
	at := now()
	end := at.Add(time.Minute)
	f.leased(t, d.store(t, nil), at, end, 1)
	lasting := f.lanes[0]
	f.lanes = f.lanes[1:]
	f.leased(t, f.store, at.Add(10*time.Minute), at.Add(time.Hour), 1)
	if lanes := f.walk(webhook.DueQuery{Now: end, Since: end.Add(-time.Second), Limit: 10}); !slices.Contains(lanes, lasting) {
		t.Errorf("lanes %v, want the one whose lease has just ended", lanes)
	}
}

// TestNextLease: leases of a lane that were settled do not hide the one that ends first of another.
func TestNextLease(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 64)
		hooks := f.hooks("m", 2, true)
		f.take(hooks, 2, now().Add(-time.Hour))
		at := now()
		end := at.Add(time.Minute)
		busy := hooks[1]
		f.leased(t, f.store, at, end, 1)
		for i := range 200 {
			hand := f.delivery(busy, at)
			hand.Held, hand.Lease, hand.Due = true, 1, at.Add(time.Duration(i+1)*time.Millisecond)
			if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{hand}); err != nil {
				t.Fatal(err)
			}
			done := webhook.Settlement{ID: hand.ID, Scope: hand.Scope, Lease: 1, State: webhook.StateDelivered, Due: at}
			if lost, err := f.store.Settle(t.Context(), []webhook.Settlement{done}); err != nil || len(lost) > 0 {
				t.Fatal(lost, err)
			}
		}
		p, err := f.store.Due(t.Context(), webhook.DueQuery{Now: at, Since: at.Add(-time.Second), Limit: 10})
		if err != nil || !p.Next.Equal(end) {
			t.Errorf("next %v, %v; want the end of the only lease at %v", p.Next, err, end)
		}
	})
}

// TestClaimOneTurnOfKey: a claim of several lanes gives the turn of a key to one row, also where
// others of the key are due: given back or, as here with held, leased without a turn until a time
// that has passed, before the webhook coalesced.
func TestClaimOneTurnOfKey(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		db := d.open(t)
		for i, held := range []string{`false`, `seq = (SELECT min(seq) FROM postrider_delivery WHERE state = 0)`} {
			hook := f.hooks(string(rune('m'+i)), 1, true)[0]
			at := now()
			c := webhook.Claim{Now: at, Until: at.Add(time.Minute), Lease: at.UnixMicro()}
			for _, class := range []string{"a", "b"} {
				one := f.delivery(hook, at)
				one.Key, one.Class = "k", class
				if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{one}); err != nil {
					t.Fatal(err)
				}
				c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: one.Lane(), Most: 5, Take: webhook.TakeNewest})
			}
			if _, err := db.ExecContext(t.Context(), `UPDATE postrider_delivery SET due = created, held = `+held+` WHERE state = 0`); err != nil {
				t.Fatal(err)
			}
			b, err := f.store.Claim(t.Context(), c)
			if err != nil || len(b.Deliveries) != 1 {
				t.Fatalf("held %s: claimed %d of the key, %v; want 1", held, len(b.Deliveries), err)
			}
			one := b.Deliveries[0]
			if _, err := db.ExecContext(t.Context(), `UPDATE postrider_delivery SET state = 2, held = false, alone = false`); err != nil {
				t.Fatal(one.ID, err)
			}
		}
	})
}

// TestLongLane: a claim of more than PostgreSQL takes of a lane at once says that there is more,
// whichever deliveries it may take.
func TestLongLane(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		const rows = 1200
		for i, take := range []webhook.Take{webhook.TakeAny, webhook.TakeHeads, webhook.TakeNewest} {
			hooks := f.hooks(string(rune('m'+i)), 1, true)
			f.fill(hooks, rows, now().Add(-time.Hour))
			at := now()
			c := webhook.Claim{Now: at, Until: at.Add(time.Minute), Lease: at.UnixMicro(),
				Lanes: []webhook.LaneClaim{{Lane: laneOf(hooks[0]), Most: rows, Take: take}}}
			b, err := f.store.Claim(t.Context(), c)
			if err != nil || len(b.Deliveries) < rows && len(b.Short) != 1 {
				t.Errorf("take %d: claimed %d, short %v, %v", take, len(b.Deliveries), b.Short, err)
			}
		}
	})
}
