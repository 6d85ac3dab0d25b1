package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

const insertWebhook = `INSERT INTO {p}webhook (id, scope, created, active, expires, version, data, sealed, secret)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

// Create implements [webhook.Registry].
func (s *Store) Create(ctx context.Context, w webhook.Webhook, max int) error {
	if !storable(w.ID, w.Scope, w.Name, w.URL, w.Filter, w.Notes, w.Group) {
		return fmt.Errorf("sqlstore: create webhook %q: %w", w.ID, ErrText)
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	w.Version = 1
	in, err := s.encodeWebhook(w)
	if err != nil {
		return s.fail("create webhook", w.ID, err)
	}
	err = s.write(ctx, func(c Conn) error {
		if max > 0 {
			if s.dialect == PostgreSQL { // one Create of a scope counts at a time
				err := s.exec(ctx, c, `SELECT pg_advisory_xact_lock(hashtext('{p}webhook'), hashtext($1))`, w.Scope)
				if err != nil {
					return err
				}
			}
			var n int
			err := s.row(ctx, c, `SELECT count(*) FROM {p}webhook WHERE scope = $1`, []any{w.Scope}, &n)
			if err != nil {
				return err
			}
			if n >= max {
				return webhook.ErrLimit
			}
		}
		n, err := s.changed(ctx, c, insertWebhook, w.ID, w.Scope, micros(w.CreatedAt), w.Active, micros(w.ExpiresAt),
			w.Version, in.data, in.sealed, in.secret)
		if err == nil && n == 0 {
			err = webhook.ErrConflict
		}
		return err
	})
	s.scopes.drop(w.Scope)
	return s.failWrite("create webhook", w.ID, err)
}

// Update implements [webhook.Registry].
func (s *Store) Update(ctx context.Context, w webhook.Webhook) error {
	if !storable(w.ID, w.Scope, w.Name, w.URL, w.Filter, w.Notes, w.Group) {
		return fmt.Errorf("sqlstore: update webhook %q: %w", w.ID, ErrText)
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	expected := w.Version
	w.Version++
	var in webhookRow
	if w.Unreadable == nil {
		var err error
		if in, err = s.encodeWebhook(w); err != nil {
			return s.fail("update webhook", w.ID, err)
		}
	}
	err := s.write(ctx, func(c Conn) (err error) {
		if w.Unreadable != nil {
			if in, err = s.encodeBesideSecrets(ctx, c, w); err != nil {
				return err
			}
		}
		n, err := s.changed(ctx, c, `UPDATE {p}webhook SET active = $1, expires = $2, version = $3, data = $4, sealed = $5,
 secret = $6, created = $7 WHERE id = $8 AND scope = $9 AND version = $10`,
			w.Active, micros(w.ExpiresAt), w.Version, in.data, in.sealed, in.secret, micros(w.CreatedAt), w.ID, w.Scope, expected)
		if err != nil || n > 0 {
			return err
		}
		err = s.row(ctx, c, `SELECT version FROM {p}webhook WHERE id = $1 AND scope = $2`, []any{w.ID, w.Scope}, &w.Version)
		if err == nil {
			err = webhook.ErrConflict
		}
		return orNotFound(err)
	})
	s.scopes.drop(w.Scope)
	if err == nil && w.Order == webhook.OrderNone && !w.Coalesce {
		s.unparkAll(ctx, hookOf(w.Scope, w.ID))
	}
	return s.failWrite("update webhook", w.ID, err)
}

// Delete implements [webhook.Registry].
func (s *Store) Delete(ctx context.Context, scope, id string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.write(ctx, func(c Conn) error {
		n, err := s.changed(ctx, c, `DELETE FROM {p}webhook WHERE id = $1 AND scope = $2`, id, scope)
		if err == nil && n == 0 {
			err = webhook.ErrNotFound
		}
		if err == nil {
			err = s.exec(ctx, c, `DELETE FROM {p}health WHERE webhook = $1`, id)
		}
		return err
	})
	s.scopes.drop(scope)
	return s.failWrite("delete webhook", id, err)
}

// Webhook implements [webhook.Registry]. Of a webhook whose secrets cannot be opened the same parts
// are missing as in the answer of Webhooks, and Unreadable is a [*SealError].
func (s *Store) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	if err := s.readyToRead(ctx); err != nil {
		return webhook.Webhook{}, err
	}
	var in webhookRow
	err := s.row(ctx, s.reader(), `SELECT data, sealed, secret FROM {p}webhook WHERE id = $1 AND scope = $2`,
		[]any{id, scope}, &in.data, &in.sealed, &in.secret)
	if err != nil {
		return webhook.Webhook{}, s.fail("webhook", id, orNotFound(err))
	}
	w, err := s.decodeInScope(scope, id, in)
	var sealed *SealError
	if errors.As(err, &sealed) {
		w.Unreadable, err = sealed, nil
	}
	return w, err
}

// Reseal encrypts the secrets of all webhooks again, under the newest key. It includes
// secrets that were stored before Options.Seal was set, or sealed by an older release,
// unless Options.RequireSealed refuses them. It returns the number of webhooks that it
// wrote. Versions do not change. It may be repeated at any time, while hosts run.
func (s *Store) Reseal(ctx context.Context) (n int, err error) {
	if s.o.Seal == nil {
		return 0, errors.New("sqlstore: reseal: Options.Seal is not set")
	}
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	ids, err := readAll(ctx, s, s.reader(), `SELECT id FROM {p}webhook ORDER BY id`, nil, scanText)
	for _, id := range ids {
		if err := s.write(ctx, func(c Conn) error { return s.reseal(ctx, c, id) }); err != nil {
			return n, s.fail("reseal webhook", id, err)
		}
		n++
	}
	return n, s.fail("reseal", "", err)
}

func (s *Store) reseal(ctx context.Context, c Conn, id string) error {
	in, err := s.lockWebhook(ctx, c, id)
	if notFound(err) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	w, err := s.decodeWebhook(id, in)
	if err != nil {
		return err
	}
	out, err := s.encodeWebhook(w)
	if err != nil {
		return err
	}
	return s.exec(ctx, c, `UPDATE {p}webhook SET sealed = true, secret = $1, data = $2 WHERE id = $3`, out.secret, out.data, id)
}

// lockWebhook reads a webhook's row, which no other transaction changes before the end of this one.
func (s *Store) lockWebhook(ctx context.Context, c Conn, id string) (in webhookRow, err error) {
	err = s.row(ctx, c, `SELECT data, sealed, secret FROM {p}webhook WHERE id = $1`+s.pick("", ` FOR UPDATE`),
		[]any{id}, &in.data, &in.sealed, &in.secret)
	return in, err
}

// shareWebhook finds out whether a webhook exists, which no other transaction deletes before the end of
// this one.
func (s *Store) shareWebhook(ctx context.Context, c Conn, scope, id string) error {
	var found string
	err := s.row(ctx, c, `SELECT id FROM {p}webhook WHERE id = $1 AND scope = $2`+s.pick("", ` FOR KEY SHARE`), []any{id, scope}, &found)
	return orNotFound(err)
}

// encodeBesideSecrets encodes a webhook whose secrets cannot be opened, for the row that holds them.
// They stay as they are, sealed to the version under which they were stored.
func (s *Store) encodeBesideSecrets(ctx context.Context, c Conn, w webhook.Webhook) (webhookRow, error) {
	row, err := s.lockWebhook(ctx, c, w.ID)
	if err != nil {
		return row, orNotFound(err)
	}
	var was webhookData
	if json.Unmarshal([]byte(row.data), &was) != nil || was.Scope != w.Scope {
		return row, fmt.Errorf("its row cannot be read, delete it: %w", w.Unreadable)
	}
	data := dataOf(&w)
	data.SealedVersion = was.sealedVersion()
	data.AuthScheme, data.Certificate, data.RootCAs = was.AuthScheme, was.Certificate, was.RootCAs // sealed beside the secrets
	out, err := json.Marshal(data)
	row.data = string(out)
	return row, err
}

func orNotFound(err error) error {
	if notFound(err) {
		return webhook.ErrNotFound
	}
	return err
}
