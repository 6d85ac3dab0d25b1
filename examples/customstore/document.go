package customstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// entry is the document of a delivery. Reported holds the leases whose attempt is stored.
type entry struct {
	webhook.Delivery
	Reported []int64
}

// save writes a delivery whose ID exists.
func (e *entry) save(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET state = $1, due = $2, doc = $3 WHERE id = $4`, e.State, e.Due.UnixMicro(), document{e}, e.ID)
	return err
}

// plain is a webhook that encodes all its fields. A Webhook does not encode its secrets, which is
// right for a log and wrong for a table. A host should encrypt them.
type plain webhook.Webhook

// SaveWebhook stores a webhook; the host's settings page calls it.
func (s *Store) SaveWebhook(ctx context.Context, w webhook.Webhook) error {
	var secrets []string
	for _, secret := range w.Secrets {
		secrets = append(secrets, secret.Reveal())
	}
	others := credentialsOf(&w)
	w.Secrets, w.Auth, w.TLS = nil, webhook.Auth{}, webhook.ClientTLS{}
	_, err := s.db.ExecContext(ctx, `INSERT INTO integrations (id, tenant, created, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`, w.ID, w.Scope, w.CreatedAt.UnixMicro(), document{[]any{plain(w), secrets, others}})
	return err
}

// credentials holds the other fields that a Webhook does not encode.
type credentials struct {
	Scheme             webhook.AuthScheme
	Username, Secret   string
	OAuth              plainOAuth
	Certificate, Roots string
	Key, Pending       string
}

// plainOAuth is an OAuth that encodes all its fields.
type plainOAuth webhook.OAuth

func credentialsOf(w *webhook.Webhook) credentials {
	return credentials{w.Auth.Scheme, w.Auth.Username, w.Auth.Secret.Reveal(), plainOAuth(w.Auth.OAuth),
		w.TLS.Certificate, w.TLS.RootCAs, w.TLS.Key.Reveal(), w.TLS.Pending.Reveal()}
}

func (c *credentials) fill(w *webhook.Webhook) {
	w.Auth = webhook.Auth{Scheme: c.Scheme, Username: c.Username, Secret: webhook.NewSecret(c.Secret), OAuth: webhook.OAuth(c.OAuth)}
	w.TLS = webhook.ClientTLS{Certificate: c.Certificate, Key: webhook.NewSecret(c.Key), RootCAs: c.Roots, Pending: webhook.NewSecret(c.Pending)}
}

// document is a value that a column holds as JSON.
type document struct{ v any }

// Value implements [driver.Valuer].
func (d document) Value() (driver.Value, error) {
	text, err := json.Marshal(d.v)
	return string(text), err
}

// Scan implements [sql.Scanner].
func (d document) Scan(from any) error {
	w, ok := d.v.(*webhook.Webhook)
	if !ok {
		return json.Unmarshal(fmt.Append(nil, from), d.v)
	}
	var secrets []string
	var others credentials
	if err := json.Unmarshal(fmt.Append(nil, from), &[]any{(*plain)(w), &secrets, &others}); err != nil {
		return err
	}
	others.fill(w)
	for _, secret := range secrets {
		w.Secrets = append(w.Secrets, webhook.NewSecret(secret))
	}
	return nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

// query returns the only column of a query, decoded.
func query[T any](ctx context.Context, q queryer, statement string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		err = errors.Join(err, rows.Scan(document{&one}))
		all = append(all, one)
	}
	return all, errors.Join(err, rows.Err())
}

// transaction holds the write lock of the database from its beginning. Only a failed commit
// leaves unknown whether the changes are stored.
func (s *Store) transaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", webhook.ErrUnknown, err)
	}
	return nil
}
