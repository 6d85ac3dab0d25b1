package stores_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
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
	db := d.open(t)
	if n := len(f.leased(t, f.store, now(), now().Add(time.Minute), 500)); n != 500 {
		t.Fatalf("%d rows were leased", n)
	}
	var changed, hot int
	for changed < 500 { // the server gathers its figures in the background
		err := db.QueryRowContext(t.Context(), `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'hot_delivery'`).Scan(&changed, &hot)
		if err != nil {
			t.Fatal(err)
		}
	}
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
		f.take(hooks, 2, now().Add(-time.Hour))
		at := now()
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
