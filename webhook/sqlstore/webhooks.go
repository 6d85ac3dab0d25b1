package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// Webhooks implements [webhook.Enqueuer] and [webhook.Registry]. It reads the database, so
// it returns every change that was committed before the call. If a webhook's secrets cannot be
// opened, URL, secrets, headers, all of Auth but its Scheme, and the keys of TLS are missing. If
// its row cannot be decoded, everything but ID and Scope is missing. Unreadable holds the cause.
func (s *Store) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if err := s.readyToRead(ctx); err != nil {
		return nil, err
	}
	list, err := s.webhooks(ctx, s.reader(), scope)
	if err != nil {
		return nil, err
	}
	s.scopes.put(scope, list)
	return list, nil
}

// CachedWebhooks returns the webhooks of a scope as this Store's Webhooks last returned them,
// without a query; ok is false if they are not cached. They may be out of date: Enqueue detects
// that by Delivery.Seen and returns [webhook.ErrStale]. So use them only to match an event, and
// call Webhooks if none of them matches. The caller must not change the data that they point to.
func (s *Store) CachedWebhooks(scope string) (list []webhook.Webhook, ok bool) {
	return s.scopes.get(scope)
}

func (s *Store) webhooks(ctx context.Context, c Conn, scope string) ([]webhook.Webhook, error) {
	list, err := readAll(ctx, s, c, `SELECT id, data, sealed, secret, coalesce((SELECT seen FROM {p}scope WHERE scope = $1), 0)
FROM {p}webhook WHERE scope = $1 ORDER BY created, id`, []any{scope},
		func(r Rows) (w webhook.Webhook, err error) {
			var id string
			var in webhookRow
			var seen int64
			if err := r.Scan(&id, &in.data, &in.sealed, &in.secret, &seen); err != nil {
				return w, err
			}
			w, unreadable := s.decodeInScope(scope, id, in)
			w.Scope, w.Seen, w.Unreadable = scope, seen, unreadable
			return w, nil
		})
	return list, s.fail("webhooks of", scope, err)
}

// decodeInScope decodes a row of a scope. It refuses a row that was moved there, because the
// secrets belong to another tenant.
func (s *Store) decodeInScope(scope, id string, in webhookRow) (webhook.Webhook, error) {
	w, err := s.decodeWebhook(id, in)
	var sealed *SealError
	if (err == nil || errors.As(err, &sealed)) && w.Scope != scope {
		return webhook.Webhook{ID: id, Scope: scope}, fmt.Errorf("sqlstore: webhook %s: its row was moved here from another scope", id)
	}
	return w, err
}

// scopeCache holds the webhooks of scopes.
type scopeCache struct {
	mu    sync.Mutex
	known map[string][]webhook.Webhook
	total int
}

func (c *scopeCache) get(scope string) ([]webhook.Webhook, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, ok := c.known[scope]
	return list, ok
}

// put caches a copy of a scope's webhooks, if Enqueue can check their count of changes.
func (c *scopeCache) put(scope string, list []webhook.Webhook) {
	unchecked := func(w webhook.Webhook) bool { return w.Seen == 0 || w.Unreadable != nil }
	if len(list) == 0 || len(list) > maxCachedHooks || slices.ContainsFunc(list, unchecked) {
		c.drop(scope)
		return
	}
	own := make([]webhook.Webhook, len(list))
	for i := range list {
		own[i] = list[i].Clone()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += len(own) - len(c.known[scope])
	if c.known == nil || c.total > maxCachedHooks {
		c.known, c.total = make(map[string][]webhook.Webhook), len(own)
	}
	c.known[scope] = own
}

func (c *scopeCache) drop(scope string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total -= len(c.known[scope])
	delete(c.known, scope)
}
