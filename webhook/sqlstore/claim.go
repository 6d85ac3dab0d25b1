package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

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
	untils, repeated := s.claims.untils(c.Lease, micros(c.Until))
	t := newTaking(&c, untils)
	t.repeated = repeated
	if s.dialect == PostgreSQL {
		err = s.claimAllPostgres(ctx, t)
	} else {
		err = s.write(ctx, func(conn Conn) error { return s.claimSQLite(ctx, conn, t) })
	}
	if err != nil {
		return webhook.Batch{}, s.fail("claim", "", err)
	}
	return s.batch(t), nil
}

// taking is a claim under way and what it has taken.
type taking struct {
	*webhook.Claim
	now, until int64
	untils     []int64 // ends of leases that this claim may have given before
	repeated   bool    // it was made before
	turns      map[webhook.Lane]int
	rows       [][]row        // by lane
	hooks      map[int]stored // by lane
	short      []webhook.Lane
}

func newTaking(c *webhook.Claim, untils []int64) *taking {
	t := &taking{Claim: c, now: micros(c.Now), until: micros(c.Until), untils: untils, turns: make(map[webhook.Lane]int, len(c.Lanes))}
	for i, l := range c.Lanes {
		t.turns[l.Lane] = i
	}
	t.reset()
	return t
}

// reset forgets what a transaction read that was undone.
func (t *taking) reset() {
	t.rows, t.hooks, t.short = make([][]row, len(t.Lanes)), make(map[int]stored, len(t.Lanes)), nil
}

// add puts a row into its lane.
func (t *taking) add(d row) {
	if i, ok := t.turns[d.lane()]; ok {
		t.rows[i] = append(t.rows[i], d)
	}
}

// batch sorts what was taken, with the due times that it had before. What cannot be read is
// leased all the same, and told apart.
func (s *Store) batch(t *taking) (b webhook.Batch) {
	b.Short = t.short
	type verdict struct {
		w    webhook.Webhook
		gone bool
		err  error
	}
	verdicts := make(map[string]*verdict, len(t.Lanes)) // by ID, as all lanes of a webhook are of its scope
	for i, rows := range t.rows {
		if len(rows) == 0 {
			continue
		}
		lane := t.Lanes[i].Lane
		v := verdicts[lane.Scope+"\x00"+lane.WebhookID]
		if v == nil {
			v = &verdict{}
			verdicts[lane.Scope+"\x00"+lane.WebhookID] = v
			in, found := t.hooks[i]
			if v.gone = !found; found {
				v.w, v.err = s.decodeOf(lane.Scope, lane.WebhookID, in)
			}
			if !v.gone && v.err == nil {
				b.Webhooks = append(b.Webhooks, v.w)
			}
		}
		slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.was, b.was), cmp.Compare(a.seq, b.seq)) })
		for k := range rows {
			d := &rows[k]
			d.Due = fromMicros(d.was)
			if err := cmp.Or(v.err, unreadable(d)); err != nil {
				b.Unreadable = append(b.Unreadable, webhook.Unreadable{ID: d.ID, Lease: d.Lease, Lane: lane, Due: d.Due, Err: err})
				continue
			}
			b.Deliveries = append(b.Deliveries, d.Delivery)
		}
	}
	return b
}

func unreadable(d *row) error {
	if err := decodeExtra(d.extra, &d.Delivery); err != nil {
		return fmt.Errorf("sqlstore: delivery %s: its row cannot be decoded", d.ID)
	}
	return nil
}

// claimMemory remembers the ends of the leases that the latest claims gave, by their
// numbers: a claim that is repeated with another end finds what it took before.
type claimMemory struct {
	mu   sync.Mutex
	last [8]struct{ lease, until int64 }
	next int
}

// untils returns the ends of the leases of all claims with a number, and notes one more.
func (m *claimMemory) untils(lease, until int64) (list []int64, repeated bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list = append(list, until)
	for _, one := range m.last {
		if one.lease != lease {
			continue
		}
		if repeated = true; !slices.Contains(list, one.until) {
			list = append(list, one.until)
		}
	}
	m.last[m.next%len(m.last)] = struct{ lease, until int64 }{lease, until}
	m.next++
	return list, repeated
}

// leaseMark is a time before which nothing is held, as far as the last claim has seen. What
// it misses, as where a clock was set back, a walk over all lanes finds.
type leaseMark struct{ before atomic.Int64 }

// leaseSlack is how long the commit of a lease may take that has ended by then.
const leaseSlack = 1_000_000 // us

func (m *leaseMark) from() int64 { return m.before.Load() }

// seen notes the end of the oldest lease that has ended by a time, 0 where there is none.
func (m *leaseMark) seen(now, oldest int64) {
	mark := now - leaseSlack
	if oldest != 0 {
		mark = min(mark, oldest-1)
	}
	m.before.Store(mark)
}

// given notes a lease that ends at a time.
func (m *leaseMark) given(until int64) {
	if until <= m.before.Load() {
		m.before.Store(until - 1)
	}
}

// forget has the next claim look at all leases.
func (m *leaseMark) forget() { m.before.Store(math.MinInt64) }
