package sqlstore

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// claimSQLite takes rows inside a write transaction, which nobody else is in: one
// SELECT for all queues with the same room, and one UPDATE for all rows. SQLite has no
// lateral join, and a LIMIT that is the same for all. A LIMIT that is a parameter alone
// would be compiled again at each use, because the planner looks at its value.
const claimSQLiteFrom = `SELECT r.key, d.due, d.seq, d.id, d.scope, d.event, d.webhook, d.type, d.extra, d.body, d.lease, d.held, d.tries,
 d.interrupted, d.first_failure, d.created, d.queued, d.code
FROM json_each($1) r CROSS JOIN {p}delivery d WHERE d.seq IN (
 SELECT n.seq FROM {p}delivery n WHERE n.queue = r.value->>0 AND n.state = 0 AND (n.due, n.seq) > (r.value->>1, r.value->>2) AND `

const (
	claimSQLite     = claimSQLiteFrom + `NOT n.held AND n.due <= $2 ORDER BY n.due, n.seq LIMIT $3 + 0)`
	claimSQLiteHeld = claimSQLiteFrom + `n.held AND (n.due + 0) <= $2 ORDER BY n.due + 0, n.seq LIMIT $3 + 0)`
)

func (s *Store) claimSQLite(ctx context.Context, conn Conn, c webhook.Claim, asks []ask) (answer, error) {
	out := answer{rows: make([][]taken, len(asks))}
	now := micros(c.Now)
	hooks, live, err := s.hooksOf(ctx, conn, asks, now)
	if err != nil {
		return out, err
	}
	out.hooks = hooks
	type kind struct {
		room int
		held bool
	}
	byRoom := make(map[kind][]int)
	for i, a := range asks {
		if live[a.queue.webhook] {
			k := kind{a.room, a.queue.held}
			byRoom[k] = append(byRoom[k], i)
		}
	}
	var seqs []int64
	for k, turns := range byRoom {
		list := make([][3]any, len(turns))
		for i, turn := range turns {
			list[i] = [3]any{asks[turn].queue.queue, asks[turn].low.due, asks[turn].low.seq}
		}
		queues, err := json.Marshal(list)
		if err != nil {
			return out, err
		}
		query := claimSQLite
		if k.held {
			query = claimSQLiteHeld
		}
		err = s.each(ctx, conn, query, []any{string(queues), now, int64(k.room)}, func(r Rows) error {
			t := taken{Delivery: webhook.Delivery{Due: fromMicros(micros(c.Until))}}
			var n int
			var code string
			var first, created, queued int64
			err := r.Scan(&n, &t.was.due, &t.was.seq, &t.ID, &t.Scope, &t.EventID, &t.WebhookID, &t.Type, &t.extra, &t.Body,
				&t.Lease, &t.Held, &t.Tries, &t.Interrupted, &first, &created, &queued, &code)
			if err != nil {
				return err
			}
			if t.Held {
				t.Interrupted++
			}
			t.Held = true
			t.Lease++
			t.Lane = asks[turns[n]].lane.name
			t.FirstFailure, t.CreatedAt, t.QueuedAt = fromMicros(first), fromMicros(created), fromMicros(queued)
			t.LastCode = webhook.Code(code)
			out.rows[turns[n]] = append(out.rows[turns[n]], t)
			seqs = append(seqs, t.was.seq)
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	for _, rows := range out.rows {
		slices.SortFunc(rows, oldestFirst)
	}
	if len(seqs) == 0 {
		return out, nil
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return out, err
	}
	return out, s.exec(ctx, conn, `UPDATE`+orRollback+` {p}delivery SET due = $1, lease = lease + 1, interrupted = interrupted + held, held = true
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
