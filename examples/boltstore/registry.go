package boltstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
	bolt "go.etcd.io/bbolt"
)

var _ webhook.Registry = (*Store)(nil)

// plain is a webhook that encodes all its fields. A Webhook does not encode its secrets, which is
// right for a log and wrong for a file. Encrypt the file or these records.
type plain webhook.Webhook

type storedHook struct {
	Plain   plain
	Secrets []storedSecret
	Others  credentials
}

// storedSecret is a secret with its ID, its age and its end.
type storedSecret struct {
	Text, ID           string
	CreatedAt, Expires time.Time
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

// hook returns a webhook of a scope, or nil for an unknown ID.
func hook(tx *bolt.Tx, scope, id string) (*webhook.Webhook, error) {
	text := tx.Bucket(hooksBucket).Get([]byte(id))
	if text == nil {
		return nil, nil
	}
	var h storedHook
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("boltstore: webhook %s: %w", id, err)
	}
	w := webhook.Webhook(h.Plain)
	for _, secret := range h.Secrets {
		w.Secrets = append(w.Secrets, webhook.NewSecret(secret.Text).WithLife(secret.ID, secret.CreatedAt, secret.Expires))
	}
	h.Others.fill(&w)
	if w.Scope != scope {
		return nil, nil
	}
	return &w, nil
}

func saveHook(tx *bolt.Tx, w webhook.Webhook) error {
	h := storedHook{Plain: plain(w), Others: credentialsOf(&w)}
	for _, secret := range w.Secrets {
		h.Secrets = append(h.Secrets, storedSecret{secret.Reveal(), secret.ID(), secret.CreatedAt(), secret.ExpiresAt()})
	}
	h.Plain.Secrets, h.Plain.Auth, h.Plain.TLS = nil, webhook.Auth{}, webhook.ClientTLS{}
	return save(tx.Bucket(hooksBucket), w.ID, h)
}

// hooks returns the webhooks of a scope, oldest first.
func hooks(tx *bolt.Tx, scope string) (ws []webhook.Webhook, err error) {
	err = tx.Bucket(hooksBucket).ForEach(func(id, _ []byte) error {
		w, err := hook(tx, scope, string(id))
		if w != nil {
			ws = append(ws, *w)
		}
		return err
	})
	slices.SortFunc(ws, func(a, b webhook.Webhook) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return ws, err
}

// Webhooks implements [webhook.Registry] and [webhook.Enqueuer].
func (s *Store) Webhooks(ctx context.Context, scope string) (ws []webhook.Webhook, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		ws, err = hooks(tx, scope)
		return err
	})
	return ws, err
}

// Webhook implements [webhook.Registry].
func (s *Store) Webhook(ctx context.Context, scope, id string) (w webhook.Webhook, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		found, err := known(tx, scope, id)
		if err == nil {
			w = *found
		}
		return err
	})
	return w, err
}

// known is hook with an error for an unknown ID.
func known(tx *bolt.Tx, scope, id string) (*webhook.Webhook, error) {
	w, err := hook(tx, scope, id)
	if err == nil && w == nil {
		err = fmt.Errorf("boltstore: webhook %s: %w", id, webhook.ErrNotFound)
	}
	return w, err
}

// Create implements [webhook.Registry].
func (s *Store) Create(ctx context.Context, w webhook.Webhook, max int) error {
	return s.update(ctx, func(tx *bolt.Tx) error {
		if tx.Bucket(hooksBucket).Get([]byte(w.ID)) != nil {
			return fmt.Errorf("boltstore: webhook %s: %w", w.ID, webhook.ErrConflict)
		}
		if there, err := hooks(tx, w.Scope); err != nil || max > 0 && len(there) >= max {
			return errors.Join(err, webhook.ErrLimit)
		}
		w.Version = 1
		return saveHook(tx, w)
	})
}

// Update implements [webhook.Registry].
func (s *Store) Update(ctx context.Context, w webhook.Webhook) error {
	return s.update(ctx, func(tx *bolt.Tx) error {
		switch now, err := known(tx, w.Scope, w.ID); {
		case err != nil:
			return err
		case now.Version != w.Version:
			return fmt.Errorf("boltstore: webhook %s: %w", w.ID, webhook.ErrConflict)
		}
		w.Version++
		return saveHook(tx, w)
	})
}

// Delete implements [webhook.Registry].
func (s *Store) Delete(ctx context.Context, scope, id string) error {
	return s.update(ctx, func(tx *bolt.Tx) error {
		if _, err := known(tx, scope, id); err != nil {
			return err
		}
		return tx.Bucket(hooksBucket).Delete([]byte(id))
	})
}

// DeleteScope implements [webhook.Registry]. It reads all rows.
func (s *Store) DeleteScope(ctx context.Context, scope string) error {
	return s.update(ctx, func(tx *bolt.Tx) error {
		ws, err := hooks(tx, scope)
		for _, w := range ws {
			err = errors.Join(err, tx.Bucket(hooksBucket).Delete([]byte(w.ID)))
		}
		var rows []row
		err = errors.Join(err, tx.Bucket(rowsBucket).ForEach(func(_, text []byte) error {
			var r row
			if err := json.Unmarshal(text, &r); err != nil {
				return err
			}
			if r.Scope == scope {
				rows = append(rows, r)
			}
			return nil
		}))
		for _, r := range rows {
			former := r.Due
			r.State = webhook.StateFailed // put removes it from its lane
			err = errors.Join(err, put(tx, &r, former), tx.Bucket(rowsBucket).Delete([]byte(r.ID)),
				tx.Bucket(onceBucket).Delete(name(r.Scope, r.EventID, r.WebhookID)))
		}
		return err
	})
}
