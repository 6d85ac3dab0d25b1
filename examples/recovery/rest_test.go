package recovery_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/examples/internal/hostproc"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// pair is two hosts' Stores on one database. The statements of the first are counted.
type pair struct {
	t           *testing.T
	dialect     sqlstore.Dialect
	idle, other *sqlstore.Store
	count       *counter
	base        time.Time
	events      int
}

// onPairs runs a test on both databases, in fake time: what a statement took decides about
// what the next one asks.
func onPairs(t *testing.T, test func(t *testing.T, p *pair)) {
	onDatabases(t, func(t *testing.T, d hostproc.Database) {
		synctest.Test(t, func(t *testing.T) { test(t, newPair(t, d)) })
	})
}

func newPair(t *testing.T, d hostproc.Database) *pair {
	t.Helper()
	db, count := counted(t, d)
	idle, err := sqlstore.New(db, d.Dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := idle.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	plain, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	other, err := sqlstore.New(plain, d.Dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, dialect: d.Dialect, idle: idle, other: other, count: count, base: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	if err := other.Create(t.Context(), webhook.Webhook{ID: "w", Scope: "acme", Active: true, CreatedAt: p.base}, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pair) at(seconds int) time.Time { return p.base.Add(time.Duration(seconds) * time.Second) }

// late stores a delivery as another host does whose transaction began at that time.
func (p *pair) late(due int) string {
	p.t.Helper()
	p.events++
	d := webhook.Delivery{ID: fmt.Sprint("d", p.events), EventID: fmt.Sprint("e", p.events), WebhookID: "w", Scope: "acme",
		Type: "taskSuccess", Lane: "w", Body: []byte("{}"), Due: p.at(due), CreatedAt: p.at(due), QueuedAt: p.at(due)}
	if _, err := p.other.Enqueue(p.t.Context(), []webhook.Delivery{d}); err != nil {
		p.t.Fatal(err)
	}
	return d.ID
}

// claimNow claims for the first host at the bubble's time, claimBy for any.
func (p *pair) claimNow() webhook.Batch { return p.claimBy(p.idle) }

func (p *pair) claimBy(s *sqlstore.Store) webhook.Batch {
	p.t.Helper()
	now := time.Now()
	b, err := s.Claim(p.t.Context(), webhook.Claim{Now: now, Until: now.Add(time.Minute), Limit: 10, PerLane: 10})
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *pair) claim(at int, want ...string) {
	p.t.Helper()
	b, err := p.idle.Claim(p.t.Context(), webhook.Claim{Now: p.at(at), Until: p.at(at + 60), Limit: 10, PerLane: 10})
	if err != nil {
		p.t.Fatal(err)
	}
	var got []string
	for _, d := range b.Deliveries {
		got = append(got, d.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("the claim after %d s found %v, want %v", at, got, want)
	}
}

// sweep checks whether a sweep asks the database anything.
func (p *pair) sweep(at int, asks bool) {
	p.t.Helper()
	p.count.take()
	now := p.at(at)
	if err := p.idle.Sweep(p.t.Context(), webhook.Sweep{Now: now, QueuedBefore: now.Add(-time.Hour), LatestDue: now.Add(time.Hour)}); err != nil {
		p.t.Fatal(err)
	}
	if n, _ := p.count.take(); n > 0 != asks {
		p.t.Errorf("the sweep after %d s cost %d statements, want some: %t", at, n, asks)
	}
}

// TestSweepRests: where a claim has just seen that nothing is pending, a sweep asks nothing.
// What was committed long after it was due, so that claims do not find it by its time, is
// found all the same: by the next claim after a sweep that rested, or by the next sweep.
func TestSweepRests(t *testing.T) {
	onPairs(t, func(t *testing.T, p *pair) {
		p.sweep(0, true)
		p.claim(1)
		p.claim(2)
		p.claim(60)
		p.sweep(61, false)
		first := p.late(10)
		p.sweep(62, false)
		p.claim(120, first) // alone

		p.finish(first, 120)
		p.claim(121)
		p.claim(180)
		p.sweep(181, false)
		second, third := p.late(125), p.late(200)
		p.claim(201, second, third) // beside others

		p.finish(second, 201)
		p.finish(third, 201)
		p.claim(202)
		p.claim(260)
		fourth := p.late(205)
		p.claim(261) // no sweep has rested: it is left to the next one
		p.sweep(262, true)
		p.claim(263, fourth)

		p.finish(fourth, 263)
		p.claim(264)
		p.claim(265)
		p.sweep(265+70, true) // nobody has looked for long
		p.claim(336)
		p.claim(337)
		p.sweep(330, true) // the clock was set back
		p.claim(338)
		p.sweep(339, false)
		p.late(400) // waits
		p.claim(340)
		p.sweep(341, true)
	})
}

func (p *pair) finish(id string, at int) {
	p.t.Helper()
	lost, err := p.idle.Settle(p.t.Context(), []webhook.Settlement{{ID: id, Lease: 1, State: webhook.StateDelivered, Due: p.at(at),
		Result: &webhook.Attempt{Number: 1, Status: 200, Start: p.at(at)}}})
	if err != nil || len(lost) > 0 {
		p.t.Fatalf("Settle: lost %v, %v", lost, err)
	}
}

// TestPruneRests: where nothing is old enough, and will not be before the next time, Prune asks
// nothing. What ends later goes when it is its turn.
func TestPruneRests(t *testing.T) {
	onPairs(t, func(t *testing.T, p *pair) {
		const day = 24 * 3600
		prune := func(before, want int, asks bool) {
			t.Helper()
			p.count.take()
			n, err := p.idle.Prune(t.Context(), p.at(before), 100)
			if err != nil || n != want {
				t.Errorf("Prune of day %d: %d, %v; want %d", before/day, n, err, want)
			}
			if n, _ := p.count.take(); n > 0 != asks {
				t.Errorf("Prune of day %d cost %d statements, want some: %t", before/day, n, asks)
			}
		}
		if _, err := p.idle.Mark(t.Context(), "acme", "key", p.at(2*day)); err != nil {
			t.Fatal(err)
		}
		id := p.late(0)
		p.claim(1, id)
		p.finish(id, 2)
		p.claim(10 * day) // the time is told by claims
		prune(-day, 0, true)
		prune(-day+3600, 0, false)
		prune(1, 0, false)
		prune(3, 1, true)
		prune(4, 0, true)
		prune(day, 0, false)
		prune(3*day, 0, true) // the mark
		if first, err := p.idle.Mark(t.Context(), "acme", "key", p.at(30*day)); err != nil || !first {
			t.Errorf("a mark that ended is there still: %t, %v", first, err)
		}
		prune(9*day, 0, true)
		prune(9*day, 0, false)
	})
}

// TestClockFromLook: what a claim reads of the database's clock saves asking for it.
func TestClockFromLook(t *testing.T) {
	onPairs(t, func(t *testing.T, p *pair) {
		now := func(asks bool) time.Time {
			t.Helper()
			p.count.take()
			now, err := p.idle.Now(t.Context())
			if n, _ := p.count.take(); err != nil || n > 0 != asks {
				t.Errorf("Now cost %d statements, %v; want some: %t", n, err, asks)
			}
			return now
		}
		if p.dialect == sqlstore.SQLite {
			now(false) // the hosts share a machine
			return
		}
		before := now(true)
		p.claim(1) // goes through all lanes
		p.claim(2)
		saved := now(false)
		after, err := p.other.Now(t.Context())
		if err != nil || saved.Before(before) || saved.After(after) {
			t.Errorf("the claim read %v, %v; the database's time was %v before and is %v", saved, err, before, after)
		}
		time.Sleep(2 * time.Minute)
		now(true) // that was too long ago
	})
}
