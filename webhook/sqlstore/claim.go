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
	case slices.ContainsFunc(c.Lanes, func(l webhook.LaneClaim) bool { return l.Most < 1 || l.Take != webhook.TakeAny }):
		return b, fmt.Errorf("sqlstore: claim: Most must be at least 1 and Take be TakeAny: %w", webhook.ErrInvalid)
	case len(c.Lanes) == 0:
		return b, ctx.Err()
	}
	if err := s.ready(ctx); err != nil {
		return b, err
	}
	t := newTaking(&c, s.claims.untils(c.Lease, micros(c.Until)))
	if s.dialect == PostgreSQL {
		err = s.single(ctx, func(conn Conn) error { return s.claimPostgres(ctx, conn, t) })
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
				v.w, v.err = s.decodeWebhook(lane.WebhookID, in)
				if v.w.Scope != lane.Scope && v.err == nil {
					v.err = fmt.Errorf("sqlstore: webhook %s: its row belongs to another scope", lane.WebhookID)
				}
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
func (m *claimMemory) untils(lease, until int64) (list []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list = append(list, until)
	for _, one := range m.last {
		if one.lease == lease && !slices.Contains(list, one.until) {
			list = append(list, one.until)
		}
	}
	m.last[m.next%len(m.last)] = struct{ lease, until int64 }{lease, until}
	m.next++
	return list
}

// claimPostgres takes rows with one statement.
func (s *Store) claimPostgres(ctx context.Context, conn Conn, t *taking) error {
	t.reset()
	lanes, untils := make(arrays, 5), make(arrays, 1)
	for i := range t.Lanes {
		l := &t.Lanes[i]
		lanes.add(hookOf(l.Scope, l.WebhookID), l.Scope, l.WebhookID, l.Class, int64(l.Most))
	}
	for _, until := range t.untils {
		untils.add(until)
	}
	args := lanes.args(append(untils.args(), t.now, t.until, t.Lease, int64(t.MaxBytes))...)
	return s.each(ctx, conn, claimPostgres, args, func(r Rows) error {
		var kind, turn int
		var hook stored
		var body []byte
		d, err := scanDelivery(prefix{r, []any{&kind, &turn, &hook.data, &hook.sealed, &hook.secret}}, &body)
		if err != nil {
			return err
		}
		switch kind {
		case 0:
			d.Body = body
			t.add(d)
		case 1:
			t.hooks[turn-1] = hook
		case 2:
			t.short = append(t.short, t.Lanes[turn-1].Lane)
		}
		return nil
	})
}

// prefix scans columns that precede those of the reader.
type prefix struct {
	Rows
	first []any
}

func (p prefix) Scan(dest ...any) error { return p.Rows.Scan(append(p.first, dest...)...) }

// claimSQLite takes rows inside a write transaction, which no other writer is in.
func (s *Store) claimSQLite(ctx context.Context, conn Conn, t *taking) error {
	t.reset()
	leased, err := s.leasedSQLite(ctx, conn, t)
	if err != nil {
		return err
	}
	size, first := 0, true
	for i := range t.Lanes {
		rows, err := s.candidatesSQLite(ctx, conn, t, i, leased[i])
		if err != nil {
			return err
		}
		for k, d := range rows {
			if !first && t.MaxBytes > 0 && size+len(d.Body) > t.MaxBytes {
				t.short, size = append(t.short, t.Lanes[i].Lane), t.MaxBytes+1 // nothing more fits
				break
			}
			first, size = false, size+len(d.Body)
			if err := s.leaseSQLite(ctx, conn, t, &rows[k]); err != nil {
				return err
			}
			t.rows[i] = append(t.rows[i], rows[k])
		}
	}
	return nil
}

// leasedSQLite finds, for each lane, leases that have ended and those of an earlier answer
// to this claim, the latter first.
func (s *Store) leasedSQLite(ctx context.Context, conn Conn, t *taking) ([][]row, error) {
	found := make([][]row, len(t.Lanes))
	scan := func(r Rows) error {
		var body []byte
		d, err := scanDelivery(r, &body)
		d.Body = body
		if i, ok := t.turns[d.lane()]; ok {
			found[i] = append(found[i], d)
		}
		return err
	}
	for _, until := range t.untils {
		if until <= t.now {
			continue
		}
		if err := s.each(ctx, conn, claimAgainSQLite, []any{until, t.Lease}, scan); err != nil {
			return nil, err
		}
	}
	return found, s.each(ctx, conn, claimEndedSQLite, []any{t.now}, scan)
}

// candidatesSQLite returns up to Most rows of a lane in the order in which they are taken,
// none where its webhook does not receive.
func (s *Store) candidatesSQLite(ctx context.Context, conn Conn, t *taking, i int, leased []row) ([]row, error) {
	l := &t.Lanes[i]
	var hook stored
	var active bool
	var expires int64
	err := s.row(ctx, conn, `SELECT active, expires, data, sealed, secret FROM {p}webhook WHERE id = $1 AND scope = $2`,
		[]any{l.WebhookID, l.Scope}, &active, &expires, &hook.data, &hook.sealed, &hook.secret)
	switch {
	case err == nil && (!active || expires != 0 && expires <= t.now):
		return nil, nil
	case err == nil:
		t.hooks[i] = hook
	case !notFound(err):
		return nil, err
	}
	rows := leased
	err = s.each(ctx, conn, claimWaitingSQLite, []any{hookOf(l.Scope, l.WebhookID), l.Class, l.Scope, l.WebhookID, t.now, int64(l.Most)},
		func(r Rows) error {
			var body []byte
			d, err := scanDelivery(r, &body)
			d.Body = body
			rows = append(rows, d)
			return err
		})
	if len(leased) > 0 {
		slices.SortStableFunc(rows, func(a, b row) int {
			return cmp.Or(-compareBool(t.again(&a), t.again(&b)), a.Due.Compare(b.Due), cmp.Compare(a.seq, b.seq))
		})
	}
	return rows[:min(len(rows), l.Most)], err
}

// again reports whether a row is held under the claim's own number.
func (t *taking) again(d *row) bool { return d.Held && micros(d.Due) > t.now }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (s *Store) leaseSQLite(ctx context.Context, conn Conn, t *taking, d *row) error {
	if !t.again(d) {
		if d.was = micros(d.Due); d.Held {
			d.Interrupted++
		}
		d.Lease = max(d.Lease+1, t.Lease)
	}
	d.Held = true
	return s.exec(ctx, conn, leaseSQLite, t.until, d.was, d.Lease, int64(d.Interrupted), d.seq)
}
