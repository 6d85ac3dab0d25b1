package sqlstore

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// claimPostgres takes rows with one statement, which is a transaction. For each queue
// it goes down the index from where this Store stopped, as far as the queue's room; the
// webhook's state is looked at once per queue, outside of that scan. Rows that another
// host is claiming are skipped. The UPDATE finds rows by their place in the table: its
// estimate does not depend on the length of the queues, so the plan never changes to
// a scan of everything.
const claimPostgres = `WITH r AS MATERIALIZED (
 SELECT u.*, w.id IS NOT NULL AS found, w.active AND (w.expires = 0 OR w.expires > $7) AS live, w.data, w.sealed, w.secret
 FROM unnest($1::text::text[], $2::text::text[], $3::text::int8[], $4::text::int8[], $5::text::int4[], $6::text::bool[])
  WITH ORDINALITY AS u(queue, webhook, due, seq, room, held, turn) LEFT JOIN {p}webhook w ON w.id = u.webhook),
t AS MATERIALIZED (
 SELECT x.*, r.turn FROM r CROSS JOIN LATERAL (
  SELECT d.ctid AS place, d.due, d.seq FROM {p}delivery d
  WHERE r.live AND NOT r.held AND d.queue = r.queue AND d.state = 0 AND NOT d.held AND (d.due, d.seq) > (r.due, r.seq) AND d.due <= $7
  ORDER BY d.due, d.seq LIMIT r.room FOR UPDATE OF d SKIP LOCKED) x
 UNION ALL
 SELECT x.*, r.turn FROM r CROSS JOIN LATERAL (
  SELECT d.ctid AS place, d.due, d.seq FROM {p}delivery d
  WHERE r.live AND r.held AND d.queue = r.queue AND d.state = 0 AND d.held AND (d.due + 0) <= $7 AND (d.due, d.seq) > (r.due, r.seq)
  ORDER BY d.due + 0, d.seq LIMIT r.room FOR UPDATE OF d SKIP LOCKED) x),
c AS (
 UPDATE {p}delivery d SET due = $8, lease = lease + 1, interrupted = interrupted + held::int, held = true
 WHERE d.ctid = ANY(ARRAY(SELECT place FROM t))
 RETURNING seq, id, scope, event, webhook, queue, type, extra, body, lease, tries, interrupted, first_failure, created, queued, code)
SELECT r.turn, r.found, coalesce(r.data, ''), coalesce(r.sealed, false), coalesce(r.secret, ''), 0::int8, 0::int8, '', '', '', '', '', '', '',
 ''::bytea, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, ''
FROM r
UNION ALL
SELECT t.turn, true, '', false, ''::bytea, t.due, t.seq, c.id, c.scope, c.event, c.webhook, c.queue, c.type, c.extra,
 c.body, c.lease, c.tries, c.interrupted, c.first_failure, c.created, c.queued, c.code
FROM c JOIN t ON t.seq = c.seq`

func (s *Store) claimPostgres(ctx context.Context, c webhook.Claim, asks []ask) (answer, error) {
	a := make(arrays, 6)
	for i := range asks {
		q := asks[i].queue
		a.text(0, q.queue)
		a.text(1, q.webhook)
		a.int(2, asks[i].low.due)
		a.int(3, asks[i].low.seq)
		a.int(4, int64(asks[i].room))
		a.bool(5, q.held)
	}
	args := append(a.args(), micros(c.Now), micros(c.Until))
	out := answer{rows: make([][]taken, len(asks)), hooks: make(map[string]stored)}
	err := s.each(ctx, s.reader(), claimPostgres, args, func(r Rows) error {
		var turn int
		var found bool
		var hook stored
		t := taken{Delivery: webhook.Delivery{Held: true, Due: fromMicros(micros(c.Until))}}
		var queue, code string
		var first, created, queued int64
		err := r.Scan(&turn, &found, &hook.data, &hook.sealed, &hook.secret, &t.was.due, &t.was.seq, &t.ID, &t.Scope, &t.EventID,
			&t.WebhookID, &queue, &t.Type, &t.extra, &t.Body, &t.Lease, &t.Tries, &t.Interrupted, &first, &created, &queued, &code)
		if err != nil {
			return err
		}
		if t.was.seq == 0 { // what is known of a queue's webhook
			if found {
				out.hooks[asks[turn-1].queue.webhook] = hook
			}
			return nil
		}
		_, t.Lane = splitQueue(queue)
		t.FirstFailure, t.CreatedAt, t.QueuedAt = fromMicros(first), fromMicros(created), fromMicros(queued)
		t.LastCode = webhook.Code(code)
		out.rows[turn-1] = append(out.rows[turn-1], t)
		return nil
	})
	for _, rows := range out.rows {
		slices.SortFunc(rows, oldestFirst)
	}
	return out, err
}
