// Package customstore shows how a host keeps deliveries in tables of its own: four methods
// over two tables, here in SQLite. Copy it, fit the statements to your database, and let
// package storetest tell what is wrong; the test beside this file shows how.
//
// What a Store must do is short: never lose what Enqueue took, never give a lease to two,
// and go round the lanes. More, such as a log or waking other hosts, are interfaces to be
// added one at a time. Package sqlstore has them all, and claims that stay fast with a
// million rows waiting; this one looks through all that is due, which is fine for thousands.
package customstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Schema are the host's tables. What statements look at are columns; the rest of a record is
// a document, so that a new field of Postrider needs no new column. Times are microseconds.
const Schema = `
CREATE TABLE integrations (
	id text PRIMARY KEY, tenant text NOT NULL, enabled integer NOT NULL,
	expires integer NOT NULL, -- negative is never
	doc text NOT NULL);
CREATE TABLE outbox (
	seq integer PRIMARY KEY, id text NOT NULL UNIQUE, tenant text NOT NULL, event text NOT NULL, hook text NOT NULL,
	lane text NOT NULL, state integer NOT NULL,
	due integer NOT NULL, -- of a leased delivery: the end of its lease
	turn integer NOT NULL DEFAULT 0, -- counts the claims; the largest of a lane was its latest turn
	doc text NOT NULL,
	UNIQUE (tenant, event, hook)); -- the same event twice adds nothing
CREATE INDEX outbox_due ON outbox (lane, due, seq) WHERE state = 0;
CREATE INDEX outbox_turn ON outbox (lane, turn);
CREATE INDEX outbox_last ON outbox (turn);`

// Store is safe for concurrent use. Several processes may have one over the same tables.
type Store struct{ db *sql.DB }

var _ webhook.Store = (*Store)(nil)

// New returns a Store over a pool whose transactions take the write lock when they begin;
// with modernc.org/sqlite the DSN says "_txlock=immediate". With SetMaxOpenConns(1) calls
// queue in order, where SQLite would let them try again and again until one gives up.
func New(db *sql.DB) *Store { return &Store{db: db} }

// Webhooks implements [webhook.Enqueuer].
func (s *Store) Webhooks(ctx context.Context, scope string) (ws []webhook.Webhook, err error) {
	found, err := query[integration](ctx, s.db, `SELECT doc FROM integrations WHERE tenant = $1 ORDER BY id`, scope)
	for _, in := range found {
		ws = append(ws, in.webhook())
	}
	return ws, err
}

// Enqueue implements [webhook.Enqueuer]. The transaction makes it all or none.
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		for _, d := range ds {
			r, err := tx.ExecContext(ctx, `INSERT INTO outbox (id, tenant, event, hook, lane, state, due, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT DO NOTHING`, d.ID, d.Scope, d.EventID, d.WebhookID, d.Lane, d.State, d.Due.UnixMicro(), document{entry{Delivery: d}})
			if err != nil {
				return err
			}
			n, _ := r.RowsAffected()
			added = append(added, n == 1)
		}
		return nil
	})
	return added, err
}

// ready is what may be claimed: due, and of a live webhook of the same tenant.
const ready = ` FROM outbox o JOIN integrations w ON w.id = o.hook AND w.tenant = o.tenant
	WHERE o.state = 0 AND o.due <= $1 AND w.enabled AND (w.expires < 0 OR w.expires > $1)`

// cancel ends what is due and has no webhook any more.
const cancel = `UPDATE outbox AS o SET state = 2, doc = json_set(doc, '$.State', 2, '$.LastCode', 'cancelled', '$.Held', json('false'))
	WHERE state = 0 AND due <= $1 AND NOT EXISTS (SELECT 1 FROM integrations w WHERE w.id = o.hook AND w.tenant = o.tenant)`

// Claim implements [webhook.Store]. A lease is a later due time and nothing else: when its
// process dies, the delivery is simply due again.
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	now := c.Now.UnixMicro()
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, cancel, now); err != nil {
			return err
		}
		// Whose turn was longest ago comes first.
		lanes, err := query[string](ctx, tx, `SELECT json_quote(o.lane)`+ready+`
			GROUP BY o.lane ORDER BY (SELECT max(turn) FROM outbox p WHERE p.lane = o.lane), min(o.due)`, now)
		if err != nil {
			return err
		}
		var hooks []string
		for _, lane := range lanes {
			room := min(c.RoomFor(lane), c.Limit-len(b.Deliveries))
			es, err := query[entry](ctx, tx, `SELECT o.doc`+ready+` AND o.lane = $2 ORDER BY o.due, o.seq LIMIT $3`, now, lane, room)
			if err != nil {
				return err
			}
			for _, e := range es {
				if e.Held {
					e.Interrupted++ // nobody settled the lease before
				}
				e.Held, e.Due, e.Lease = true, c.Until, e.Lease+1
				b.Deliveries, hooks = append(b.Deliveries, e.Delivery), append(hooks, e.WebhookID)
				if err := e.save(ctx, tx, `, turn = (SELECT max(turn) + 1 FROM outbox)`); err != nil {
					return err
				}
			}
		}
		found, err := query[integration](ctx, tx, `SELECT doc FROM integrations WHERE id IN (SELECT value FROM json_each($1))`, document{hooks})
		if err != nil {
			return err
		}
		for _, in := range found {
			b.Webhooks = append(b.Webhooks, in.webhook())
		}
		next, err := query[int64](ctx, tx, `SELECT due FROM outbox WHERE state = 0 AND due > $1 ORDER BY due LIMIT 1`, now)
		if len(next) > 0 {
			b.Next = time.UnixMicro(next[0])
		}
		return err
	})
	return b, err
}

// Settle implements [webhook.Store].
func (s *Store) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		for _, x := range ss {
			es, err := query[entry](ctx, tx, `SELECT doc FROM outbox WHERE id = $1`, x.ID)
			if err != nil {
				return err
			}
			e := append(es, entry{})[0] // an empty one for an unknown ID
			if !e.apply(x) {
				lost = append(lost, x.ID)
			}
			if err := e.save(ctx, tx, ``); err != nil {
				return err
			}
		}
		return nil
	})
	return lost, err
}

// apply writes an outcome into a delivery. It reports whether the lease still counted.
func (e *entry) apply(x webhook.Settlement) (counted bool) {
	latest, pending := x.Lease == e.Lease, e.State == webhook.StatePending
	repeated := slices.Contains(e.Reported, x.Lease) || x.Result == nil && latest && !e.Held // our answer was not heard
	if x.Lease < 1 || x.Lease > e.Lease || repeated {
		return x.Lease > 0 && latest && repeated
	}
	if x.Result != nil {
		e.Reported = append(e.Reported, x.Lease)
	}
	counted = latest && (e.Held || !pending)
	if !pending || !counted && x.State != webhook.StateDelivered {
		return counted // a late success goes on: the receiver has it
	}
	if r := x.Result; r != nil {
		e.Tries++
		if x.Due.IsZero() {
			x.Due = r.End()
		}
		if !r.OK() && e.FirstFailure.IsZero() {
			e.FirstFailure = r.End()
		}
	}
	if x.Code != "" || x.State == webhook.StateDelivered {
		e.LastCode = x.Code
	}
	e.State, e.Held, e.Due, e.Exhausted = x.State, false, x.Due, x.Exhausted
	if x.State != webhook.StatePending {
		e.FinishedAt = x.Due
	}
	return counted
}
