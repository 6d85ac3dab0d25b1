package sqlstore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

const (
	// sweepRows bounds the rows that one statement moves.
	sweepRows = 20_000
	// sweepHooks bounds the webhooks that one call reads.
	sweepHooks = 20_000
)

// sweepProgress is the progress of a sweep over several calls.
type sweepProgress struct {
	// turn is held during a call. A call may take as long as its context lasts, and another one
	// waits no longer than its own does.
	turn chan struct{}

	hook int64   // webhooks up to this hook were checked
	key  keyName // keys up to this one were checked
}

// Sweep implements [webhook.Sweeper]. One call checks some rows and ends some; the next call
// continues from there. Several hosts may sweep at once.
func (s *Store) Sweep(ctx context.Context, w webhook.Sweep, limit int) (ended []webhook.Delivery, more bool, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, false, err
	}
	select {
	case s.sweep.turn <- struct{}{}:
		defer func() { <-s.sweep.turn }()
	case <-ctx.Done():
		return nil, false, s.fail("sweep", "", fmt.Errorf("another sweep is under way: %w", ctx.Err()))
	}
	p := &sweepRun{s: s, w: w, now: micros(w.Now), left: max(limit, 1)}
	if err = p.clampTimes(ctx); err == nil && w.Gone {
		err = p.endOrphans(ctx)
	}
	if err == nil {
		err = p.end(ctx, webhook.CodeExpired, `expires > 0 AND expires <= $1`)
	}
	if err == nil && !w.QueuedBefore.IsZero() {
		err = p.endOld(ctx, micros(w.QueuedBefore))
	}
	s.unparkNext(ctx, p.keys, p.now)
	if err == nil {
		err = p.unparkHeads(ctx)
	}
	if err != nil {
		return p.ended, p.more, s.fail("sweep", "", err)
	}
	if more = p.more || p.left == 0; !more {
		s.sweep.hook = -1
	}
	return p.ended, more, nil
}

// sweepRun is one call of Sweep.
type sweepRun struct {
	s     *Store
	w     webhook.Sweep
	now   int64
	left  int
	more  bool
	ended []webhook.Delivery
	keys  []keyName // keys of ended rows
}

// Rows with times of a wrong clock: $1 is their new time, $2 the bound that they exceed. The
// expression (tries + 0) keeps PostgreSQL, whose statistics may say that few rows are tried,
// from reading the whole table.
const (
	retryTooLate = `NOT held AND (due + 0) > $2 AND (due + 0) < ` + parkedSQL + ` AND (tries + 0) > 0 AND NOT exhausted AND due > $1`
	tooEarly     = `NOT held AND (due + 0) > $2 AND (due + 0) < ` + parkedSQL + ` AND (tries + 0) = 0 AND due = created AND due > $1`
)

// clampTimes moves due times that are too late. Usually there is no such row. A query of each kind
// shows that, during which other calls may write to SQLite, which has one writer.
func (p *sweepRun) clampTimes(ctx context.Context) error {
	s := p.s
	retry, lease := micros(p.w.LatestRetry), micros(p.w.LatestLease)
	kinds := []struct {
		rows     string
		to, from int64
	}{{retryTooLate, retry, retry}, {tooEarly, p.now, lease}}
	for _, k := range kinds {
		if k.from == 0 {
			continue
		}
		rows, found := `state = 0 AND `+k.rows+` ORDER BY (due + 0) LIMIT `, 0
		err := s.row(ctx, s.reader(), `SELECT count(*) FROM (SELECT 1 FROM {p}delivery WHERE `+rows+`1) x`, []any{k.to, k.from}, &found)
		if err != nil {
			return err
		}
		query := `UPDATE {p}delivery SET due = $1 WHERE ` + s.among(rows+`$3`)
		for n := int64(sweepRows * found); n == sweepRows; {
			if n, err = s.run(ctx, query, k.to, k.from, int64(sweepRows)); err != nil {
				return err
			}
			if n > 0 {
				s.watermarks.dropAbove(math.MinInt64)
			}
		}
	}
	if lease == 0 {
		return nil
	}
	return p.clampLeases(ctx, lease)
}

// Statements about leases that end after $1: the first one finds out whether there are any, the
// second removes their rows and returns the lanes, the third shortens the leases of a lane. Its CASE
// keeps PostgreSQL from the index of due times.
const (
	anyLateLease     = `SELECT count(*) FROM (SELECT 1 FROM {p}lease WHERE until > $1 ORDER BY until LIMIT 1) x`
	removeLateLeases = `DELETE FROM {p}lease WHERE until > $1 RETURNING 0, hook, class, scope, webhook, 0`
	shortenLeases    = `UPDATE {p}delivery SET until = $1, due = CASE WHEN due > $1 THEN $1 ELSE due END
 WHERE state = 0 AND hook = $2 AND class = $3 AND CASE WHEN held THEN until ELSE 0 END > $1`
)

// clampLeases shortens leases that end after a time, lane by lane. It removes a lease's row before it
// reads the lane, so that the row of a lease that is committed meanwhile remains for the next sweep.
func (p *sweepRun) clampLeases(ctx context.Context, latest int64) error {
	var late int
	if err := p.s.row(ctx, p.s.reader(), anyLateLease, []any{latest}, &late); err != nil || late == 0 {
		return err
	}
	return p.s.write(ctx, func(c Conn) error {
		var v lanesRead
		err := p.s.each(ctx, c, removeLateLeases, []any{latest}, v.scan)
		slices.SortFunc(v.leaseEnded, byPosition)
		for _, l := range slices.Compact(v.leaseEnded) {
			if err == nil {
				err = p.s.exec(ctx, c, shortenLeases, latest, l.hook, l.Class)
			}
			if err == nil {
				err = p.s.addLease(ctx, c, latest, l.Lane)
			}
		}
		return err
	})
}

// endable is the condition of rows that end may end.
const endable = `state = 0 AND (NOT held OR until <= $1)`

// end ends rows that meet a condition and returns their deliveries. $1 and $2 are now and code; the
// condition's parameters begin at $3. A delivery ends no earlier than it was created.
func (s *Store) end(ctx context.Context, now time.Time, code webhook.Code, where string, args ...any) (ended []webhook.Delivery, err error) {
	err = s.single(ctx, func(c Conn) (err error) {
		ended, err = readAll(ctx, s, c, `UPDATE {p}delivery SET state = 2, held = false, until = 0, alone = false, interrupted = interrupted + CASE WHEN held THEN 1 ELSE 0 END,
 code = $2, finished = CASE WHEN created > $1 THEN created ELSE $1 END, due = CASE WHEN created > $1 THEN created ELSE $1 END
 WHERE `+where+` RETURNING `+columns, append([]any{micros(now), string(code)}, args...), scanHistory)
		return err
	})
	return ended, err
}

// end ends up to the rest of the limit, which is $3; the condition's parameters begin at $4.
func (p *sweepRun) end(ctx context.Context, code webhook.Code, where string, args ...any) error {
	if p.left == 0 {
		return nil
	}
	list, err := p.s.end(ctx, p.w.Now, code, p.s.among(endable+` AND `+where+` LIMIT $3`), append([]any{int64(p.left)}, args...)...)
	if err != nil {
		return err
	}
	p.ended, p.left, p.keys = append(p.ended, list...), p.left-len(list), append(p.keys, keysOf(list)...)
	return nil
}

// endOrphans ends deliveries whose webhook is gone, also at the moment of the end. It walks from webhook
// to webhook along the turn index.
func (p *sweepRun) endOrphans(ctx context.Context) error {
	s := p.s
	type orphaned struct {
		lane
		n int
	}
	list, err := readAll(ctx, s, s.reader(), s.pick(orphansSQLite, orphansPostgres)+`
SELECT x.n, x.hook, x.scope, x.webhook FROM l x WHERE (SELECT w.id FROM {p}webhook w WHERE w.id = x.webhook AND w.scope = x.scope) IS NULL OR x.n = $2`, []any{s.sweep.hook, int64(sweepHooks)},
		func(r Rows) (o orphaned, err error) {
			err = r.Scan(&o.n, &o.hook, &o.Scope, &o.WebhookID)
			return o, err
		})
	if err != nil {
		return err
	}
	for _, o := range list {
		err := p.end(ctx, webhook.CodeCancelled, `hook = $4 AND webhook = $5 AND scope = $6 AND NOT EXISTS (SELECT 1 FROM {p}webhook w WHERE w.id = $5 AND w.scope = $6)`,
			o.hook, o.WebhookID, o.Scope)
		if err != nil {
			return err
		}
		if p.left == 0 {
			return nil // this webhook may have more rows
		}
		if s.sweep.hook = o.hook; o.n == sweepHooks {
			p.more = true
		}
	}
	return nil
}

// endOld ends rows that were queued before a time: first those that are due before it, then those
// that are due later than they were queued. The expression (queued + 0) keeps PostgreSQL, which
// expects few such rows, from reading the whole table for them.
func (p *sweepRun) endOld(ctx context.Context, before int64) error {
	err := p.end(ctx, webhook.CodeExpired, `(due + 0) < $4 AND (queued + 0) < $4 ORDER BY (due + 0), seq`, before)
	if err == nil {
		err = p.end(ctx, webhook.CodeExpired, `due > queued AND queued < $4 ORDER BY queued`, before)
	}
	return err
}
