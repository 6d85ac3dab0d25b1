package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// Claim implements [webhook.Store]: one round trip to PostgreSQL, whatever the number of
// lanes, and one transaction in SQLite.
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	switch {
	case !c.Until.After(c.Now):
		return b, fmt.Errorf("sqlstore: claim: Until must be after Now: %w", webhook.ErrInvalid)
	case slices.ContainsFunc(c.Lanes, func(l webhook.LaneClaim) bool { return l.Most < 1 || l.Take > webhook.TakeNewest }):
		return b, fmt.Errorf("sqlstore: claim: Most must be at least 1 and Take be known: %w", webhook.ErrInvalid)
	case len(c.Lanes) == 0:
		return b, ctx.Err()
	}
	if err := s.ready(ctx); err != nil {
		return b, err
	}
	t := &claimRun{Claim: &c, now: micros(c.Now), until: micros(c.Until), repeated: s.recentClaims.add(c.Lease)}
	if s.dialect == PostgreSQL {
		err = s.claimAllPostgres(ctx, t)
	} else {
		err = s.write(ctx, func(conn Conn) error { return s.claimSQLite(ctx, conn, t) })
	}
	if err != nil {
		return webhook.Batch{}, s.fail("claim", "", err)
	}
	s.removeOldLeases(ctx, t.now)
	return s.batch(t), nil
}

// claimRun is a claim under way with the rows that it has taken.
type claimRun struct {
	*webhook.Claim
	now, until int64
	repeated   bool               // this Store ran the same claim before
	rows       [][]row            // by lane
	webhooks   map[int]webhookRow // by lane
	short      []webhook.Lane
	keys       map[keyName]bool // keys with a taken row, SQLite only
}

// reset begins a transaction. It drops the rows of one that was rolled back.
func (t *claimRun) reset() {
	t.rows, t.webhooks, t.short = make([][]row, len(t.Lanes)), make(map[int]webhookRow, len(t.Lanes)), nil
	t.keys = make(map[keyName]bool)
}

func (t *claimRun) add(i int, d row) {
	if t.rows[i] == nil {
		t.rows[i] = make([]row, 0, min(t.Lanes[i].Most, usualRows))
	}
	d.setLane(t.Lanes[i].Lane)
	t.rows[i] = append(t.rows[i], d)
}

const usualRows = 64 // of a lane in a claim

// batch sorts the taken rows by the due times that they had before. Unreadable rows are
// leased too, and listed separately.
func (s *Store) batch(t *claimRun) (b webhook.Batch) {
	b.Short = t.short
	n := 0
	for _, rows := range t.rows {
		n += len(rows)
	}
	b.Deliveries = make([]webhook.Delivery, 0, n)
	checked := make(map[webhook.Lane]error, len(t.Lanes)) // by webhook: why it cannot be read
	for i, rows := range t.rows {
		if len(rows) == 0 {
			continue
		}
		lane := t.Lanes[i].Lane
		hook := webhook.Lane{Scope: lane.Scope, WebhookID: lane.WebhookID}
		unreadable, known := checked[hook]
		if in, found := t.webhooks[i]; found && !known {
			var w webhook.Webhook
			if w, unreadable = s.decodeInScope(lane.Scope, lane.WebhookID, in); unreadable == nil {
				b.Webhooks = append(b.Webhooks, w)
			}
		}
		checked[hook] = unreadable
		slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.was, b.was), cmp.Compare(a.seq, b.seq)) })
		for k := range rows {
			d := &rows[k]
			d.Due = fromMicros(d.was)
			if err := cmp.Or(unreadable, d.decodeExtra()); err != nil {
				b.Unreadable = append(b.Unreadable, webhook.Unreadable{ID: d.ID, Lease: d.Lease, Lane: lane, Due: d.Due, Err: err})
				continue
			}
			b.Deliveries = append(b.Deliveries, d.Delivery)
		}
	}
	return b
}

// recentClaims remembers the numbers of the latest claims: a repeated claim looks for the rows that
// it took before.
type recentClaims struct {
	mu   sync.Mutex
	last [8]int64
	next int
}

// add remembers the number of a claim and reports whether it was there.
func (m *recentClaims) add(lease int64) (repeated bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(m.last[:], lease) {
		return true
	}
	m.last[m.next%len(m.last)] = lease
	m.next++
	return false
}
