// Package customstore shows how a host keeps deliveries in its own tables: the four
// methods of a [webhook.Store] over two tables, here in SQLite. Copy it, adapt the statements to
// your database, and find mistakes with package storetest, as the test beside this file does.
package customstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Schema is the host's tables. Fields that statements use are columns. The other fields are in
// a document, so that a new field of Postrider needs no new column. Times are microseconds;
// due of a leased delivery is the end of its lease. A unique key keeps an event from being added twice.
const Schema = `
CREATE TABLE integrations (id text PRIMARY KEY, tenant text NOT NULL, created integer NOT NULL, doc text NOT NULL);
CREATE TABLE outbox (seq integer PRIMARY KEY, id text NOT NULL UNIQUE, tenant text NOT NULL, event text NOT NULL, hook text NOT NULL,
	class text NOT NULL, state integer NOT NULL, due integer NOT NULL, doc text NOT NULL, UNIQUE (tenant, event, hook));
CREATE INDEX outbox_lane ON outbox (tenant, hook, class, due, seq) WHERE state = 0;
CREATE INDEX outbox_due ON outbox (due) WHERE state = 0;`

// Store is safe for concurrent use. Several processes may each have a Store over the same tables.
type Store struct{ db *sql.DB }

var _ webhook.Store = (*Store)(nil)

// New returns a Store over a pool whose transactions take the write lock when they begin:
// modernc.org/sqlite needs "_txlock=immediate" in the DSN. With SetMaxOpenConns(1) calls
// queue in order. With more connections SQLite makes them retry until they time out.
func New(db *sql.DB) *Store { return &Store{db: db} }

// Webhooks implements [webhook.Enqueuer].
func (s *Store) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	return query[webhook.Webhook](ctx, s.db, `SELECT doc FROM integrations WHERE tenant = $1 ORDER BY created, id`, scope)
}

// lookup finds the webhook of a lane; found is empty where it is deleted. live reports whether its deliveries may be claimed.
func lookup(ctx context.Context, q queryer, l webhook.Lane, now time.Time) (found []webhook.Webhook, live bool, err error) {
	found, err = query[webhook.Webhook](ctx, q, `SELECT doc FROM integrations WHERE id = $1 AND tenant = $2`, l.WebhookID, l.Scope)
	return found, len(found) == 0 || found[0].Live(now), err
}

// Enqueue implements [webhook.Enqueuer]. The transaction stores all deliveries or none.
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		for _, d := range ds {
			r, err := tx.ExecContext(ctx, `INSERT INTO outbox (id, tenant, event, hook, class, state, due, doc) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
				ON CONFLICT DO NOTHING`, d.ID, d.Scope, d.EventID, d.WebhookID, d.Class, d.Due.UnixMicro(), document{entry{Delivery: d}})
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

// Due implements [webhook.Store]. The cursor is the name of the last lane that was read.
func (s *Store) Due(ctx context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	const asked = ` FROM outbox WHERE state = 0 AND ($2 = '' OR hook = $2 AND tenant = $3) AND due `
	now := q.Now.UnixMicro()
	names, err := query[json.RawMessage](ctx, s.db, `SELECT DISTINCT json_array(tenant, hook, class) AS lane`+asked+`<= $1 AND due > $4
		AND json_array(tenant, hook, class) > $5 ORDER BY lane LIMIT $6`, now, q.WebhookID, q.Scope, q.Since.UnixMicro(), q.Cursor, q.Limit)
	for _, name := range names {
		var parts [3]string
		err = errors.Join(err, json.Unmarshal(name, &parts))
		lane := webhook.Lane{Scope: parts[0], WebhookID: parts[1], Class: parts[2]}
		_, live, failed := lookup(ctx, s.db, lane, q.Now)
		if err = errors.Join(err, failed); live {
			p.Lanes = append(p.Lanes, lane)
		}
		p.Cursor = string(name)
	}
	if err != nil || len(names) == q.Limit {
		return p, err
	}
	p.Cursor = ""
	next, err := query[int64](ctx, s.db, `SELECT due`+asked+`> $1 ORDER BY due LIMIT 1`, now, q.WebhookID, q.Scope)
	if len(next) > 0 {
		p.Next = time.UnixMicro(next[0])
	}
	return p, err
}

// Claim implements [webhook.Store].
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		for _, l := range c.Lanes {
			found, live, err := lookup(ctx, tx, l.Lane, c.Now)
			if err == nil && live {
				err = claim(ctx, tx, c, l, found, &b)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return b, err
}

// claim leases from one lane. A lease is a later due time and a number: when its process crashes, the
// delivery becomes due again at that time. Deliveries that c.Lease holds already come first: an
// earlier answer was lost.
func claim(ctx context.Context, tx *sql.Tx, c webhook.Claim, l webhook.LaneClaim, found []webhook.Webhook, b *webhook.Batch) error {
	now, size := c.Now.UnixMicro(), 0
	for _, d := range b.Deliveries {
		size += len(d.Body)
	}
	es, err := query[entry](ctx, tx, `SELECT doc FROM outbox WHERE tenant = $1 AND hook = $2 AND class = $3 AND state = 0
		AND (due <= $4 OR doc ->> '$.held' AND doc ->> '$.lease' = $5) ORDER BY due <= $4, due, seq LIMIT $6`,
		l.Scope, l.WebhookID, l.Class, now, c.Lease, l.Most)
	for _, e := range es {
		if size += len(e.Body); c.MaxBytes > 0 && size > c.MaxBytes && len(b.Deliveries) > 0 {
			b.Short = append(b.Short, l.Lane)
			break
		}
		due := e.Due
		if due.UnixMicro() > now {
			due = c.Now
		} else if e.Lease = max(e.Lease+1, c.Lease); e.Held {
			e.Interrupted++ // the previous lease ended without an outcome
		}
		e.Held, e.Due = true, c.Until
		err = errors.Join(err, e.save(ctx, tx))
		e.Due = due
		b.Deliveries = append(b.Deliveries, e.Delivery)
	}
	if len(found) > 0 && len(es) > 0 && !slices.ContainsFunc(b.Webhooks, func(w webhook.Webhook) bool { return w.ID == found[0].ID }) {
		b.Webhooks = append(b.Webhooks, found[0])
	}
	return err
}

// Settle implements [webhook.Store].
func (s *Store) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		for _, x := range ss {
			es, err := query[entry](ctx, tx, `SELECT doc FROM outbox WHERE id = $1 AND tenant = $2`, x.ID, x.Scope)
			e := append(es, entry{})[0] // an empty one for an unknown ID
			if !e.apply(x) {
				lost = append(lost, x.ID)
			}
			if err = errors.Join(err, e.save(ctx, tx)); err != nil {
				return err
			}
		}
		return nil
	})
	return lost, err
}

// apply writes an outcome into a delivery. It reports whether the lease still counts.
func (e *entry) apply(x webhook.Settlement) (counted bool) {
	latest, pending := x.Lease == e.Lease, e.State == webhook.StatePending
	repeated := slices.Contains(e.Reported, x.Lease) || x.Result == nil && latest && !e.Held // an earlier answer was lost
	if x.Lease < 1 || x.Lease > e.Lease || repeated {
		return x.Lease > 0 && latest && repeated
	}
	if x.Result != nil {
		e.Reported = append(e.Reported, x.Lease)
	}
	counted = latest && (e.Held || !pending)
	if !pending || !counted && x.State != webhook.StateDelivered {
		return counted // a late success ends the delivery: the receiver has it
	}
	e.Delivery = x.Apply(e.Delivery)
	return counted
}
