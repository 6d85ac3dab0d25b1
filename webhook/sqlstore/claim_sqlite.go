package sqlstore

import (
	"context"
	"encoding/json"

	"github.com/postrider/postrider/webhook"
)

// claimSQLite takes rows inside a write transaction, which nobody else is in: one
// SELECT for each queue, on a compiled statement, and one UPDATE for all.
func (s *Store) claimSQLite(ctx context.Context, conn Conn, c webhook.Claim, asks []ask) (answer, error) {
	out := answer{rows: make([][]taken, len(asks))}
	now := micros(c.Now)
	hooks, live, err := s.hooksOf(ctx, conn, asks, now)
	if err != nil {
		return out, err
	}
	out.hooks = hooks
	var seqs []int64
	for i, a := range asks {
		if !live[a.queue.webhook] {
			continue
		}
		err := s.each(ctx, conn, `SELECT due, seq, id, scope, event, webhook, type, extra, body, lease, held, tries, interrupted,
 first_failure, created, queued, code FROM {p}delivery
 WHERE queue = $1 AND state = 0 AND (due, seq) > ($2, $3) AND due <= $4 ORDER BY due, seq LIMIT $5`,
			[]any{a.queue.name, a.low.due, a.low.seq, now, a.room}, func(r Rows) error {
				t := taken{Delivery: webhook.Delivery{Lane: a.lane.name, Due: fromMicros(micros(c.Until))}}
				var code string
				var first, created, queued int64
				err := r.Scan(&t.was.due, &t.was.seq, &t.ID, &t.Scope, &t.EventID, &t.WebhookID, &t.Type, &t.extra, &t.Body,
					&t.Lease, &t.Held, &t.Tries, &t.Interrupted, &first, &created, &queued, &code)
				if t.Held {
					t.Interrupted++
				}
				t.Held = true
				t.Lease++
				t.FirstFailure, t.CreatedAt, t.QueuedAt = fromMicros(first), fromMicros(created), fromMicros(queued)
				t.LastCode = webhook.Code(code)
				out.rows[i] = append(out.rows[i], t)
				seqs = append(seqs, t.was.seq)
				return err
			})
		if err != nil {
			return out, err
		}
	}
	if len(seqs) == 0 {
		return out, nil
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return out, err
	}
	return out, s.exec(ctx, conn, `UPDATE {p}delivery SET due = $1, lease = lease + 1, interrupted = interrupted + held, held = true
 WHERE seq IN (SELECT value FROM json_each($2))`, micros(c.Until), string(list))
}

// hooksOf reads the webhooks of queues.
func (s *Store) hooksOf(ctx context.Context, conn Conn, asks []ask, now int64) (hooks map[string]stored, live map[string]bool, err error) {
	var ids []string
	for i := range asks {
		ids = append(ids, asks[i].queue.webhook)
	}
	list, err := s.list(byName(ids))
	if err != nil {
		return nil, nil, err
	}
	hooks, live = make(map[string]stored, len(ids)), make(map[string]bool, len(ids))
	err = s.each(ctx, conn, `SELECT id, active AND (expires = 0 OR expires > $1), data, sealed, secret FROM {p}webhook
 WHERE id IN (SELECT `+s.unlist("$2")+`)`, []any{now, list}, func(r Rows) error {
		var id string
		var in stored
		var on bool
		err := r.Scan(&id, &on, &in.data, &in.sealed, &in.secret)
		hooks[id], live[id] = in, on
		return err
	})
	return hooks, live, err
}
