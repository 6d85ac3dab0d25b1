package sqlstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// sweepRows bounds one statement of a sweep, so that its locks are short.
const sweepRows = 10_000

// Sweep implements [webhook.Sweeper]. It goes through the heads of all lanes, which
// finds whatever the claims' memory missed, and ends what is orphaned or too old. It
// may run beside claims.
func (s *Store) Sweep(ctx context.Context, w webhook.Sweep) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.tell(w.Now)
	now := micros(w.Now)
	var orphans []string
	err := s.goThrough(ctx, s.reader(), now, func(queue string, exists bool) {
		if !exists {
			orphans = append(orphans, queue)
		}
	})
	if err == nil {
		err = s.endOrphans(ctx, orphans, now)
	}
	if err == nil && !w.QueuedBefore.IsZero() {
		err = s.expire(ctx, now, micros(w.QueuedBefore))
	}
	if err == nil && !w.LatestDue.IsZero() {
		err = s.pullBack(ctx, micros(w.LatestDue))
	}
	return s.fail("sweep", "", err)
}

// expire ends what was queued before a time. A delivery is due no earlier than it was
// queued, so what was due before that time is found at the head of the index. What was
// queued before but is due later was tried since; it is found by going through the
// pending ones, some at each sweep and on from where the last one stopped.
func (s *Store) expire(ctx context.Context, now, queuedBefore int64) error {
	for n := sweepRows; n == sweepRows; {
		var err error
		n, err = s.expireAmong(ctx, now, queuedBefore, `(due + 0) < $3 AND (due + 0) > $4`, queuedBefore, -1<<62)
		if err != nil {
			return err
		}
	}
	s.mu.Lock()
	from := max(s.aged, queuedBefore-1)
	s.mu.Unlock()
	last, read := int64(0), 0
	err := s.row(ctx, s.reader(), `SELECT coalesce(max(at), 0), count(*) FROM (SELECT due + 0 AS at FROM {p}delivery
 WHERE state = 0 AND NOT held AND (due + 0) > $1 ORDER BY (due + 0) LIMIT $2) x`, []any{from, int64(sweepRows)}, &last, &read)
	if err != nil {
		return err
	}
	if read > 0 {
		_, err = s.expireAmong(ctx, now, queuedBefore, `(due + 0) <= $3 AND (due + 0) > $4`, last, from)
	}
	if read < sweepRows {
		last = 0 // begin anew
	}
	s.mu.Lock()
	s.aged = last
	s.mu.Unlock()
	return err
}

func (s *Store) expireAmong(ctx context.Context, now, queuedBefore int64, span string, to, from int64) (n int, err error) {
	where := `state = 0 AND NOT held AND queued < $2 AND ` + span + ` LIMIT $5`
	err = s.write(ctx, func(c Conn) error {
		n, err = s.affected(ctx, c, s.pick(
			`UPDATE {p}delivery SET state = 2, code = $6, finished = $1 WHERE seq IN (SELECT seq FROM {p}delivery WHERE `+where+`) RETURNING seq`,
			`UPDATE {p}delivery SET state = 2, code = $6, finished = $1
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM {p}delivery WHERE `+where+` FOR UPDATE SKIP LOCKED)) RETURNING seq`),
			now, queuedBefore, to, from, int64(sweepRows), string(webhook.CodeExpired))
		return err
	})
	return n, err
}

// pullBack makes retries and leases due that a clock, since set back, put too far into
// the future.
func (s *Store) pullBack(ctx context.Context, latest int64) error {
	for _, rows := range []string{`NOT held AND tries > 0`, `held`} {
		where := `state = 0 AND (due + 0) > $1 AND ` + rows
		var n int
		err := s.row(ctx, s.reader(), `SELECT count(*) FROM (SELECT 1 FROM {p}delivery WHERE `+where+` LIMIT 1) x`, []any{latest}, &n)
		if err == nil && n > 0 {
			err = s.write(ctx, func(c Conn) error {
				return s.exec(ctx, c, s.pick(`UPDATE {p}delivery SET due = $1 WHERE `+where,
					`UPDATE {p}delivery SET due = $1 WHERE ctid = ANY(ARRAY(SELECT ctid FROM {p}delivery WHERE `+where+` FOR UPDATE SKIP LOCKED))`),
					latest)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
