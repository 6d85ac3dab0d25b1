package sqlstore

import (
	"context"
	"time"
)

const (
	overlap   = 2_000_000 // us; rows whose transaction committed late became due so long ago
	lookRows  = 2000      // read at a time
	lookTurns = 5         // then it is cheaper to go through the lanes
)

// fresh reports whether a look at that time can be left out.
func (r *ring) fresh(now int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known && now >= r.looked && now-r.looked < lookEvery.Microseconds() && (r.next == 0 || r.next > now)
}

// nextAfter is when the first of what is not due yet becomes due, as far as is known.
func (r *ring) nextAfter(now int64) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next > now {
		return fromMicros(r.next)
	}
	return time.Time{}
}

// begin moves the mark up to which was looked. It does so before the look reads: what
// is enqueued meanwhile is then noted by those who enqueue it.
func (r *ring) begin(now int64) (from int64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, known = min(r.looked, now)-overlap, r.known
	r.looked, r.known = now, true
	return from, known
}

func (r *ring) setNext(next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = next
}

// look finds what became due since the last look: what is new, retries, and leases of
// hosts that died. The first one goes through all lanes.
func (s *Store) look(ctx context.Context, now int64) error {
	from, known := s.ring.begin(now)
	if !known {
		if err := s.goThrough(ctx, s.reader(), now, nil); err != nil {
			return err
		}
		from = now - overlap
	}
	for range lookTurns {
		rows, last, err := s.lookFrom(ctx, from, now)
		if err != nil {
			return err
		}
		if rows < lookRows {
			return nil
		}
		if last-1 <= from {
			break // more than can be read at once became due in one microsecond
		}
		from = last - 1
	}
	return s.goThrough(ctx, s.reader(), now, nil)
}

const lookSQL = `WITH x AS (
 SELECT queue, due + 0 AS at FROM {p}delivery WHERE state = 0 AND (due + 0) > $1 AND (due + 0) <= $2 ORDER BY (due + 0) LIMIT 2000)
SELECT queue, min(at), max(at), count(*) FROM x GROUP BY queue
UNION ALL
SELECT '', at, at, 0 FROM (SELECT due + 0 AS at FROM {p}delivery WHERE state = 0 AND (due + 0) > $2 ORDER BY (due + 0) LIMIT 1) y`

// lookFrom reads the first rows that became due in a span, and what comes after it.
func (s *Store) lookFrom(ctx context.Context, from, now int64) (rows int, last int64, err error) {
	next := int64(0)
	err = s.each(ctx, s.reader(), lookSQL, []any{from, now}, func(r Rows) error {
		var queue string
		var least, most int64
		var n int
		if err := r.Scan(&queue, &least, &most, &n); err != nil {
			return err
		}
		if n == 0 {
			next = least
			return nil
		}
		rows, last = rows+n, max(last, most)
		s.ring.add(queue, least)
		return nil
	})
	s.ring.setNext(next)
	return rows, last, err
}

// goThrough visits the head of every queue, by jumping from one to the next in the
// index, and notes those that are due and whose webhook is live. each, if not nil,
// hears of all queues and whether their webhook exists.
func (s *Store) goThrough(ctx context.Context, c Conn, now int64, each func(queue string, exists bool)) error {
	type head struct {
		queue string
		due   int64
	}
	var heads []head
	err := s.each(ctx, c, s.pick(`WITH RECURSIVE q(queue, due) AS (
 SELECT * FROM (SELECT queue, due FROM {p}delivery WHERE state = 0 ORDER BY queue, due, seq LIMIT 1)
 UNION ALL
 SELECT d.queue, d.due FROM q CROSS JOIN {p}delivery d WHERE d.seq = (
  SELECT seq FROM {p}delivery n WHERE n.state = 0 AND n.queue > q.queue ORDER BY n.queue, n.due, n.seq LIMIT 1))
SELECT queue, due FROM q`, `WITH RECURSIVE q AS (
 (SELECT queue, due FROM {p}delivery WHERE state = 0 ORDER BY queue, due, seq LIMIT 1)
 UNION ALL
 SELECT n.queue, n.due FROM q CROSS JOIN LATERAL (
  SELECT d.queue, d.due FROM {p}delivery d WHERE d.state = 0 AND d.queue > q.queue ORDER BY d.queue, d.due, d.seq LIMIT 1) n)
SELECT queue, due FROM q`), nil, func(r Rows) error {
		var h head
		err := r.Scan(&h.queue, &h.due)
		heads = append(heads, h)
		return err
	})
	if err != nil || len(heads) == 0 {
		return err
	}
	ids := make([]string, len(heads))
	for i, h := range heads {
		ids[i], _ = splitQueue(h.queue)
	}
	list, err := s.list(byName(ids))
	if err != nil {
		return err
	}
	live := make(map[string]bool, len(ids)) // false for one that exists
	err = s.each(ctx, c, `SELECT id, active AND (expires = 0 OR expires > $1) FROM {p}webhook
 WHERE id IN (SELECT `+s.unlist("$2")+`)`, []any{now, list}, func(r Rows) error {
		var id string
		var on bool
		err := r.Scan(&id, &on)
		live[id] = on
		return err
	})
	if err != nil {
		return err
	}
	for _, h := range heads {
		hook, _ := splitQueue(h.queue)
		on, exists := live[hook]
		if h.due <= now && (on || !exists) { // what has no webhook is ended by the claim
			s.ring.add(h.queue, h.due)
		}
		if each != nil {
			each(h.queue, exists)
		}
	}
	return nil
}
