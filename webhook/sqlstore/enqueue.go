package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// Bounds of one INSERT on PostgreSQL, whose text is twice as long as the bodies.
const (
	maxChunkRows  = 1000
	maxChunkBytes = 8 << 20
)

// Enqueue implements [webhook.Enqueuer]. Calls that come while another is being
// written share the next transaction; a lone call starts its own at once. If ctx ends
// while the transaction is under way, the deliveries may have been stored.
func (s *Store) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	if err := checkText(ds); err != nil {
		return nil, err
	}
	if len(ds) == 0 {
		return []bool{}, ctx.Err()
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.group.do(ctx, ds)
}

// flush writes the deliveries of one or more Enqueue calls in one transaction.
func (s *Store) flush(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
	if s.dialect == PostgreSQL && len(chunk(ds)) == len(ds) {
		// One statement is a transaction.
		if added, err = s.insert(ctx, s.reader(), ds); again(err) {
			added, err = s.insert(ctx, s.reader(), ds)
		}
	} else {
		err = s.write(ctx, func(c Conn) (err error) {
			added, err = s.insert(ctx, c, ds)
			return err
		})
	}
	if err != nil {
		return nil, s.fail("enqueue", ds[0].ID, err)
	}
	s.ring.enqueued(ds, added)
	return added, nil
}

func checkText(ds []webhook.Delivery) error {
	for i := range ds {
		d := &ds[i]
		if !storable(d.ID, d.Scope, d.EventID, d.WebhookID, d.Lane, d.Type) {
			return fmt.Errorf("sqlstore: enqueue %q: %w", d.ID, ErrText)
		}
	}
	return nil
}

// insert stores deliveries, in the order given where they are due at the same time.
func (s *Store) insert(ctx context.Context, c Conn, ds []webhook.Delivery) ([]bool, error) {
	stored := make(map[string]bool, len(ds))
	for rest := ds; len(rest) > 0; {
		part := rest
		if s.dialect == PostgreSQL {
			part = chunk(rest)
		}
		rest = rest[len(part):]
		values, err := insertion(part)
		if err == nil {
			err = s.run(ctx, c, insertRows, values, func(r Rows) error {
				var id string
				err := r.Scan(&id)
				stored[id] = true
				return err
			})
		}
		if err != nil {
			return nil, err
		}
	}
	added := make([]bool, len(ds))
	for i := range ds {
		if stored[ds[i].ID] {
			added[i] = true
			delete(stored, ds[i].ID) // a second one of this call is a repetition
		}
	}
	return added, nil
}

// chunk returns as many of ds as fit one statement, at least one.
func chunk(ds []webhook.Delivery) []webhook.Delivery {
	size := 0
	for i := range ds {
		size += len(ds[i].Body)
		if i > 0 && (i == maxChunkRows || size > maxChunkBytes) {
			return ds[:i]
		}
	}
	return ds
}

// insertRows numbers the rows in the order of the list. It inserts them in the order of
// their keys, so that two transactions with common rows cannot deadlock.
var insertRows = newMulti(11, `WITH v AS MATERIALIZED (
 SELECT nextval('{p}delivery_seq') AS seq, u.*
 FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::text[],
  $7::text::text[], $8::text::bytea[], $9::text::int8[], $10::text::int8[], $11::text::int8[])
  AS u(id, scope, event, webhook, queue, type, extra, body, due, created, queued))
INSERT INTO {p}delivery (seq, id, scope, event, webhook, queue, type, extra, body, due, created, queued)
SELECT seq, id, scope, event, webhook, queue, type, extra, body, due, created, queued FROM v
ORDER BY scope, event, webhook, seq
ON CONFLICT DO NOTHING RETURNING id`,
	`INSERT INTO {p}delivery (id, scope, event, webhook, queue, type, extra, body, due, created, queued)
VALUES <rows> ON CONFLICT DO NOTHING RETURNING id`)

func insertion(ds []webhook.Delivery) (values []any, err error) {
	values = make([]any, 0, len(ds)*insertRows.columns)
	for i := range ds {
		d := &ds[i]
		x, err := encodeExtra(d)
		if err != nil {
			return nil, err
		}
		body := d.Body
		if body == nil {
			body = []byte{} // nil would be NULL
		}
		values = append(values, d.ID, d.Scope, d.EventID, d.WebhookID, queueOf(d.WebhookID, d.Lane), d.Type, x,
			body, micros(d.Due), micros(d.CreatedAt), queued(d))
	}
	return values, nil
}

func queued(d *webhook.Delivery) int64 { return cmp.Or(micros(d.QueuedAt), micros(d.CreatedAt)) }

// extra is what nothing is searched by.
type extra struct {
	Vars  map[string]string `json:"vars,omitempty"`
	Carry map[string]string `json:"carry,omitempty"`
}

func encodeExtra(d *webhook.Delivery) (string, error) {
	if len(d.Vars) == 0 && len(d.Carry) == 0 {
		return "", nil
	}
	for _, m := range []map[string]string{d.Vars, d.Carry} {
		for k, v := range m {
			if !storable(k, v) {
				return "", fmt.Errorf("vars or carry: %w", ErrText)
			}
		}
	}
	b, err := json.Marshal(extra{d.Vars, d.Carry})
	return string(b), err
}

func decodeExtra(text string, d *webhook.Delivery) error {
	if text == "" {
		return nil
	}
	var x extra
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		return err
	}
	d.Vars, d.Carry = x.Vars, x.Carry
	return nil
}
