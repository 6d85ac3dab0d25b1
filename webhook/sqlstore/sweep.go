package sqlstore

import (
	"context"
	"math"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// sweepRows bounds one statement of a sweep, so that its locks are short.
const sweepRows = 10_000

// Sweep implements [webhook.Sweeper]. It goes through the heads of all lanes, which
// finds whatever the claims' memory missed, and ends what is orphaned or too old. It
// may run beside claims. While nothing is pending it asks the database nothing: the latest
// look of a claim has told so, and should the next one find anything, it goes through all
// lanes itself.
func (s *Store) Sweep(ctx context.Context, w webhook.Sweep) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.tell(w.Now)
	now := micros(w.Now)
	if s.outlook.rest(now) {
		return nil
	}
	var orphans []string
	err := s.goThrough(ctx, s.reader(), now, everything, func(queue string, exists bool) {
		if !exists {
			orphans = append(orphans, queue)
		}
	})
	if err == nil {
		err = s.endOrphans(ctx, orphans, now)
	}
	if err == nil {
		err = s.keepLimits(ctx, now, w)
	}
	return s.fail("sweep", "", err)
}

// Rows that exceed the limits of a sweep, each kind at an end of an index: $1 is the time of
// the sweep, $2 QueuedBefore, $3 LatestDue. The sum with tries keeps PostgreSQL, which may
// know that few are tried, from reading the whole table for them.
const (
	oldWaiting  = `NOT held AND (due + 0) < $2 AND queued < $2`
	oldLeased   = `held AND (due + 0) <= $1 AND queued < $2`
	lateWaiting = `NOT held AND (due + 0) > $3 AND (tries + 0) > 0`
	lateLeased  = `held AND (due + 0) > $3`
)

// keepLimits ends what is too old and pulls back what is due too late. As a rule there is
// no such row, which a single statement tells.
func (s *Store) keepLimits(ctx context.Context, now int64, w webhook.Sweep) error {
	before, latest := micros(w.QueuedBefore), micros(w.LatestDue)
	if latest == 0 {
		latest = math.MaxInt64
	}
	first := func(rows string) string {
		return `coalesce((SELECT 1 FROM {p}delivery WHERE state = 0 AND ` + rows + ` ORDER BY (due + 0) LIMIT 1), 0)`
	}
	var waiting, leased, lateRetry, lateLease int
	err := s.row(ctx, s.reader(), `SELECT `+first(oldWaiting)+`, `+first(oldLeased)+`, `+first(lateWaiting)+`, `+first(lateLeased),
		[]any{now, before, latest}, &waiting, &leased, &lateRetry, &lateLease)
	if err == nil && waiting > 0 {
		err = s.expire(ctx, now, before, oldWaiting)
	}
	if err == nil && leased > 0 {
		err = s.expire(ctx, now, before, oldLeased)
	}
	if err == nil && before != 0 {
		err = s.expireTried(ctx, now, before)
	}
	if err == nil && lateRetry > 0 {
		err = s.pullBack(ctx, lateWaiting, latest)
	}
	if err == nil && lateLease > 0 {
		err = s.pullBack(ctx, lateLeased, latest)
	}
	return err
}

// expire ends rows of a kind that were queued before a time.
func (s *Store) expire(ctx context.Context, now, before int64, rows string) error {
	for n := sweepRows; n == sweepRows; {
		var err error
		if n, err = s.expireSome(ctx, rows, now, before); err != nil {
			return err
		}
	}
	return nil
}

// expireTried ends what is old and was tried since. A delivery is due no earlier than it was
// queued, so what was due before that time is found at the head of the index. What was
// queued before but is due later is found by going through the pending ones, some at each
// sweep and on from where the last one stopped.
func (s *Store) expireTried(ctx context.Context, now, before int64) error {
	s.mu.Lock()
	from := max(s.aged, before-1)
	s.mu.Unlock()
	last, oldest, read := int64(0), int64(0), 0
	err := s.row(ctx, s.reader(), `SELECT coalesce(max(at), 0), coalesce(min(queued), 0), count(*) FROM (SELECT due + 0 AS at, queued FROM {p}delivery
 WHERE state = 0 AND NOT held AND (due + 0) > $1 ORDER BY (due + 0) LIMIT $2) x`, []any{from, int64(sweepRows)}, &last, &oldest, &read)
	if err != nil {
		return err
	}
	if read > 0 && oldest < before {
		_, err = s.expireSome(ctx, `NOT held AND queued < $2 AND (due + 0) <= $5 AND (due + 0) > $6`, now, before, last, from)
	}
	if read < sweepRows {
		last = 0 // begin anew
	}
	s.mu.Lock()
	s.aged = last
	s.mu.Unlock()
	return err
}

// expireSome ends up to sweepRows rows; those that a claim is about to lease are left to it.
func (s *Store) expireSome(ctx context.Context, rows string, now, before int64, more ...any) (n int, err error) {
	where := `state = 0 AND ` + rows + ` LIMIT $3`
	args := append([]any{now, before, int64(sweepRows), string(webhook.CodeExpired)}, more...)
	err = s.write(ctx, func(c Conn) error {
		n, err = s.affected(ctx, c, s.pick(
			`UPDATE {p}delivery SET state = 2, interrupted = interrupted + held, held = false, code = $4, finished = $1 WHERE seq IN (SELECT seq FROM {p}delivery WHERE `+where+`) RETURNING seq`,
			`UPDATE {p}delivery SET state = 2, interrupted = interrupted + held::int, held = false, code = $4, finished = $1
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM {p}delivery WHERE `+where+` FOR UPDATE SKIP LOCKED)) RETURNING seq`), args...)
		return err
	})
	return n, err
}

// pullBack makes retries or leases due that a clock, since set back, put too far into the
// future.
func (s *Store) pullBack(ctx context.Context, rows string, latest int64) error {
	where := strings.ReplaceAll(`state = 0 AND `+rows, "$3", "$1")
	return s.write(ctx, func(c Conn) error {
		return s.exec(ctx, c, s.pick(`UPDATE {p}delivery SET due = $1 WHERE `+where,
			`UPDATE {p}delivery SET due = $1 WHERE ctid = ANY(ARRAY(SELECT ctid FROM {p}delivery WHERE `+where+` FOR UPDATE SKIP LOCKED))`),
			latest)
	})
}
