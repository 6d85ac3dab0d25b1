package customstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// entry is the document of a delivery. Reported are the leases whose attempt is known.
type entry struct {
	webhook.Delivery
	Reported []int64
}

// integration is the document of a webhook. A Webhook encodes itself without its secrets,
// which is right for a log and wrong for a table: hence plain. A host should encrypt it.
type integration struct {
	Plain   plain
	Secrets []string
}

type plain webhook.Webhook

func (in integration) webhook() webhook.Webhook {
	w := webhook.Webhook(in.Plain)
	for _, secret := range in.Secrets {
		w.Secrets = append(w.Secrets, webhook.NewSecret(secret))
	}
	return w
}

// SaveWebhook is what the host's settings page calls.
func (s *Store) SaveWebhook(ctx context.Context, w webhook.Webhook) error {
	in := integration{Plain: plain(w)}
	for _, secret := range w.Secrets {
		in.Secrets = append(in.Secrets, secret.Reveal())
	}
	in.Plain.Secrets = nil
	_, err := s.db.ExecContext(ctx, `INSERT INTO integrations (id, tenant, enabled, expires, doc) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, expires = excluded.expires, doc = excluded.doc`,
		w.ID, w.Scope, w.Active, w.ExpiresAt.UnixMicro(), document{in})
	return err
}

// save writes a delivery, and sets what else is to be set, of an ID that exists.
func (e *entry) save(ctx context.Context, tx *sql.Tx, also string) error {
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET state = $1, due = $2, doc = $3`+also+` WHERE id = $4`,
		e.State, e.Due.UnixMicro(), document{e}, e.ID)
	return err
}

// document is a value that a column holds as JSON.
type document struct{ v any }

func (d document) Value() (driver.Value, error) {
	text, err := json.Marshal(d.v)
	return string(text), err
}

func (d document) Scan(from any) error { return json.Unmarshal(fmt.Append(nil, from), d.v) }

// query returns the only column of a query, decoded.
func query[T any](ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, statement string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(document{&one}); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// transaction holds the write lock of the database from its beginning.
func (s *Store) transaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
