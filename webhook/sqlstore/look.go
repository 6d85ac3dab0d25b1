package sqlstore

import (
	"context"
	"time"
)

const (
	overlap   = 2_000_000 // us; rows whose transaction committed late became due so long ago
	lookRows  = 2000      // read at a time
	lookTurns = 5         // then it is cheaper to go through the lanes

	cheap        = 2 * time.Millisecond // what takes less is done without counting its share of the time
	leaseUnknown = time.Second          // for no longer another host's lease is not known of
)

// fresh reports whether a look at that time can be left out.
func (r *ring) fresh(now int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := func(at int64) bool { return at != 0 && at <= now }
	return r.known && now >= r.looked && now-r.looked < lookEvery.Microseconds() && !due(r.next) && !due(r.lease)
}

// nextAfter is when the first of what is not due yet becomes due, as far as is known.
func (r *ring) nextAfter(now int64) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return earlier(now, r.next, r.lease)
}

// earlier returns the earliest of the times after now, or 0.
func earlier(now int64, times ...int64) (least int64) {
	for _, t := range times {
		if t > now && (least == 0 || t < least) {
			least = t
		}
	}
	return least
}

// begin moves the mark up to which was looked. It does so before the look reads: what
// is enqueued meanwhile is then noted by those who enqueue it.
func (r *ring) begin(now int64) (from int64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, known = min(r.looked, now), r.known
	r.looked, r.known = now, true
	return from, known
}

// look finds what became due since the last look: what is new, retries, and leases of
// hosts that died. The first one goes through all lanes.
func (s *Store) look(ctx context.Context, now int64) error {
	from, known := s.ring.begin(now)
	if !known {
		if err := s.goThrough(ctx, s.reader(), now, everything, nil); err != nil {
			return err
		}
		from = now
	}
	since := from
	from -= overlap
	for range lookTurns {
		v, err := s.lookFrom(ctx, from, since, now)
		if err != nil {
			s.outlook.forget()
			return err
		}
		if s.outlook.note(now, v) {
			break
		}
		if v.rows < lookRows {
			return nil
		}
		if v.last-1 <= from {
			break // more than can be read at once became due in one microsecond
		}
		from = v.last - 1
	}
	return s.goThrough(ctx, s.reader(), now, everything, nil)
}

// What a row of a look tells.
const (
	lookReady  = iota // a queue in which so many rows became due, from when to when
	lookLeases        // a queue of which leases ended
	lookNext          // when the next row becomes due
	lookLease         // when the next lease ends
	lookOld           // there is something that became due before
	lookClock         // the database's time
)

// view is what one look saw.
type view struct {
	rows        int   // that became due
	last        int64 // when the last of them did
	ended       bool  // leases did too
	next, lease int64 // when the next row becomes due, the next lease ends; 0 for never
	leases, old bool  // lease was read; something became due before
	asked       bool  // old was read
}

// quiet reports whether nothing is due, waiting or leased, as far as the look went.
func (v *view) quiet() bool { return v.rows == 0 && !v.ended && v.next == 0 && v.lease == 0 }

const lookSQL = `WITH x AS (SELECT queue, due + 0 AS at FROM {p}delivery
  WHERE state = 0 AND NOT held AND (due + 0) > $1 AND (due + 0) <= $2 ORDER BY (due + 0) LIMIT 2000)
SELECT 0, queue, min(at), max(at), count(*) FROM x GROUP BY queue
UNION ALL
SELECT 1, queue, min(due + 0), 0, 0 FROM {p}delivery WHERE state = 0 AND held AND (due + 0) > $3 AND (due + 0) <= $2 GROUP BY queue
UNION ALL
SELECT 2, '', at, 0, 0 FROM (SELECT due + 0 AS at FROM {p}delivery
  WHERE state = 0 AND NOT held AND (due + 0) > $2 ORDER BY (due + 0) LIMIT 1) y`

// The entries of settled leases stay in PostgreSQL's index until they are cleaned up,
// all of them before the first lease that is alive: this part may read many.
const lookLeaseSQL = `
UNION ALL
SELECT 3, '', at, 0, 0 FROM (SELECT due + 0 AS at FROM {p}delivery
  WHERE state = 0 AND held AND (due + 0) > $2 ORDER BY (due + 0) LIMIT 1) z`

// What precedes the first row that is pending may be the entries of all that have ended
// since the index was cleaned up.
const lookOldSQL = `
UNION ALL
SELECT 4, '', at, 0, 0 FROM (SELECT due + 0 AS at FROM {p}delivery
  WHERE state = 0 AND NOT held AND (due + 0) <= $1 ORDER BY (due + 0) LIMIT 1) o
UNION ALL
SELECT 4, '', at, 0, 0 FROM (SELECT due + 0 AS at FROM {p}delivery
  WHERE state = 0 AND held AND (due + 0) <= $3 ORDER BY (due + 0) LIMIT 1) l`

const lookClockSQL = `
UNION ALL
SELECT 5, '', (extract(epoch FROM clock_timestamp()) * 1000000)::int8, 0, 0`

// lookFrom reads the first rows that became due in a span, the leases that ended since
// a time, and what comes next.
func (s *Store) lookFrom(ctx context.Context, from, since, now int64) (v view, err error) {
	query := lookSQL
	if v.leases = s.ring.mayReadLeases(now); v.leases {
		query += lookLeaseSQL
		v.asked = s.outlook.asks()
	}
	if v.asked {
		query += lookOldSQL
	}
	if s.dialect == PostgreSQL {
		query += lookClockSQL
	}
	began := time.Now()
	err = s.each(ctx, s.reader(), query, []any{from, now, since}, func(r Rows) error {
		var queue string
		var least, most int64
		var kind, n int
		if err := r.Scan(&kind, &queue, &least, &most, &n); err != nil {
			return err
		}
		switch kind {
		case lookReady:
			v.rows, v.last = v.rows+n, max(v.last, most)
			s.ring.add(source{queue: queue}, least)
		case lookLeases:
			v.ended = true
			s.ring.add(source{queue, true}, least)
		case lookNext:
			v.next = least
		case lookLease:
			v.lease = least
		case lookOld:
			v.old = true
		case lookClock:
			s.outlook.tell(least, began)
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	s.ring.next = v.next
	took := time.Since(began)
	if v.leases {
		s.ring.lease, s.ring.read = v.lease, time.Now()
	}
	switch {
	case v.asked:
		s.outlook.asked(took)
	case v.leases:
		s.ring.took = took
	}
	return v, nil
}

// mayReadLeases keeps the share of time that goes into finding the end of the next
// lease at a twentieth. When it was cheap the last time, or the one known is over, it is
// read. In between what is known may be too early, and late only by a lease that another
// host has taken since. A host that goes to sleep then learns of that lease when its own
// time is over, so it is read each second whatever it costs.
func (r *ring) mayReadLeases(now int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lease <= now && r.lease != 0 || r.took < cheap || time.Since(r.read) >= min(20*r.took, leaseUnknown)
}

// leased notes the end of new leases.
func (r *ring) leased(now, until int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lease = earlier(now, r.lease, until)
}

// everything is the span of all queues: no text lies beyond the last code point.
var everything = span{"", "\U0010FFFF"}

// span is queues from one up to another, by name.
type span struct{ from, below string }

// goThrough visits the head of every queue of a span, by jumping from one to the next in
// the index, and the leases that have ended. It notes those of live webhooks that are due.
// each, if not nil, hears of all queues and whether their webhook exists.
func (s *Store) goThrough(ctx context.Context, c Conn, now int64, of span, each func(queue string, exists bool)) error {
	type head struct {
		source
		due int64
	}
	var heads []head
	scan := func(held bool) func(Rows) error {
		return func(r Rows) error {
			h := head{source: source{held: held}}
			err := r.Scan(&h.queue, &h.due)
			heads = append(heads, h)
			return err
		}
	}
	err := s.each(ctx, c, s.pick(headsSQLite, headsPostgres), []any{of.from, of.below}, scan(false))
	if err == nil {
		err = s.each(ctx, c, `SELECT queue, min(due + 0) FROM {p}delivery WHERE state = 0 AND held AND (due + 0) <= $1
 AND queue >= $2 AND queue < $3 GROUP BY queue`, []any{now, of.from, of.below}, scan(true))
	}
	if err != nil || len(heads) == 0 {
		return err
	}
	ids := make([]string, len(heads))
	for i, h := range heads {
		ids[i], _ = splitQueue(h.queue)
	}
	live, err := s.liveHooks(ctx, c, byName(ids), now)
	if err != nil {
		return err
	}
	for _, h := range heads {
		hook, _ := splitQueue(h.queue)
		on, exists := live[hook]
		if h.due <= now && (on || !exists) { // what has no webhook is ended by the claim
			s.ring.add(h.source, h.due)
		}
		if each != nil {
			each(h.queue, exists)
		}
	}
	return nil
}

const headsSQLite = `WITH RECURSIVE q(queue, due) AS (
 SELECT * FROM (SELECT queue, due FROM {p}delivery WHERE state = 0 AND NOT held AND queue >= $1 AND queue < $2 ORDER BY queue, due, seq LIMIT 1)
 UNION ALL
 SELECT d.queue, d.due FROM q CROSS JOIN {p}delivery d WHERE d.seq = (SELECT seq FROM {p}delivery n
  WHERE n.state = 0 AND NOT n.held AND n.queue > q.queue AND n.queue < $2 ORDER BY n.queue, n.due, n.seq LIMIT 1))
SELECT queue, due FROM q`

const headsPostgres = `WITH RECURSIVE q AS (
 (SELECT queue, due FROM {p}delivery WHERE state = 0 AND NOT held AND queue >= $1 AND queue < $2 ORDER BY queue, due, seq LIMIT 1)
 UNION ALL
 SELECT n.queue, n.due FROM q CROSS JOIN LATERAL (SELECT d.queue, d.due FROM {p}delivery d
  WHERE d.state = 0 AND NOT d.held AND d.queue > q.queue AND d.queue < $2 ORDER BY d.queue, d.due, d.seq LIMIT 1) n)
SELECT queue, due FROM q`

// liveHooks tells which webhooks receive; those that do not exist are missing.
func (s *Store) liveHooks(ctx context.Context, c Conn, ids []string, now int64) (map[string]bool, error) {
	list, err := s.list(ids)
	if err != nil {
		return nil, err
	}
	live := make(map[string]bool, len(ids))
	err = s.each(ctx, c, `SELECT id, active AND (expires = 0 OR expires > $1) FROM {p}webhook
 WHERE id IN (SELECT `+s.unlist("$2")+`)`, []any{now, list}, func(r Rows) error {
		var id string
		var on bool
		err := r.Scan(&id, &on)
		live[id] = on
		return err
	})
	return live, err
}
