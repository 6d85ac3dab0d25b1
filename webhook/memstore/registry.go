package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// Create implements [webhook.Registry].
func (s *Store) Create(ctx context.Context, w webhook.Webhook, max int) error {
	w = w.Clone()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.hooks[w.ID] != nil {
		return fmt.Errorf("memstore: create webhook %s: %w", w.ID, webhook.ErrConflict)
	}
	if sc := s.scopes[w.Scope]; max > 0 && sc != nil && len(sc.hooks) >= max {
		return fmt.Errorf("memstore: create webhook %s: %w", w.ID, webhook.ErrLimit)
	}
	w.Version = 1
	h := &hook{w: w, expires: at(w.ExpiresAt), queues: make(map[string]*queue)}
	s.hooks[w.ID] = h
	sc := s.scope(w.Scope)
	sc.hooks = append(sc.hooks, h)
	return nil
}

// Update implements [webhook.Registry].
func (s *Store) Update(ctx context.Context, w webhook.Webhook) error {
	w = w.Clone()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	h := s.hook(w.Scope, w.ID)
	switch {
	case h == nil:
		return fmt.Errorf("memstore: update webhook %s: %w", w.ID, webhook.ErrNotFound)
	case h.w.Version != w.Version:
		return fmt.Errorf("memstore: update webhook %s: %w", w.ID, webhook.ErrConflict)
	}
	w.Version++
	h.w, h.expires = w, at(w.ExpiresAt)
	s.unpark(h)
	return nil
}

// Delete implements [webhook.Registry]. What is queued and not leased ends at once; what is leased
// ends with its settlement or, if that sends it back, at the next claim.
func (s *Store) Delete(ctx context.Context, scope, id string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	h := s.hook(scope, id)
	if h == nil {
		return fmt.Errorf("memstore: delete webhook %s: %w", id, webhook.ErrNotFound)
	}
	sc := s.scopes[scope]
	sc.hooks = slices.DeleteFunc(sc.hooks, func(o *hook) bool { return o == h })
	s.unhook(h)
	s.trim()
	s.release(sc)
	return nil
}

// unhook removes a webhook and ends what is queued for it.
func (s *Store) unhook(h *hook) {
	var rows []*row
	for _, q := range h.queues {
		rows = append(append(rows, q.ready.items...), q.later.items...)
	}
	delete(s.hooks, h.w.ID)
	delete(s.health, h.w.ID)
	s.expired = slices.DeleteFunc(s.expired, func(o *hook) bool { return o == h })
	now := s.now()
	for _, r := range rows {
		if r.held {
			s.detach(r)
			s.attach(r)
		} else {
			s.finish(r, webhook.StateFailed, webhook.CodeCancelled, max(now, r.created))
		}
	}
	for _, q := range h.queues {
		s.drop(q)
	}
}

// DeleteScope implements [webhook.Registry]. Leases of the scope are lost.
func (s *Store) DeleteScope(ctx context.Context, scope string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	sc := s.scopes[scope]
	if sc == nil {
		return nil
	}
	for _, e := range sc.events {
		s.forget(e)
	}
	for _, h := range sc.hooks {
		s.unhook(h)
	}
	s.marks -= len(sc.marks)
	delete(s.scopes, scope)
	return nil
}

// Webhook implements [webhook.Registry].
func (s *Store) Webhook(ctx context.Context, scope, id string) (webhook.Webhook, error) {
	if err := s.lock(ctx); err != nil {
		return webhook.Webhook{}, err
	}
	defer s.mu.Unlock()
	h := s.hook(scope, id)
	if h == nil {
		return webhook.Webhook{}, fmt.Errorf("memstore: webhook %s: %w", id, webhook.ErrNotFound)
	}
	return h.w.Clone(), nil
}

// Webhooks implements [webhook.Registry] and [webhook.Enqueuer]: those of a scope in the
// order in which they were created, with secrets.
func (s *Store) Webhooks(ctx context.Context, scope string) ([]webhook.Webhook, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	var ws []webhook.Webhook
	if sc := s.scopes[scope]; sc != nil {
		ws = make([]webhook.Webhook, len(sc.hooks))
		for i, h := range sc.hooks {
			ws[i] = h.w
		}
	}
	s.mu.Unlock()
	for i := range ws {
		ws[i] = ws[i].Clone()
	}
	return ws, nil
}
