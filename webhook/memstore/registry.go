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
	t := s.target(w.Scope, w.ID)
	t.exists = true
	s.hooks[w.ID] = t
	sc := s.scope(w.Scope)
	sc.hooks = append(sc.hooks, t)
	s.configure(t, w)
	return nil
}

// configure replaces the configuration of a target.
func (s *Store) configure(t *target, w webhook.Webhook) {
	w.Seen, w.Unreadable = 0, nil
	t.w, t.expires = w, at(w.ExpiresAt).orForever()
	s.changed(s.scopes[w.Scope])
	if len(t.keys) > 0 && !t.keyed() {
		s.unparkAll(t)
	}
	for _, l := range t.lanes {
		s.refile(l)
	}
}

// changed counts a change of a scope's webhooks.
func (s *Store) changed(sc *scope) {
	s.changes++
	sc.changes = s.changes
}

// Update implements [webhook.Registry].
func (s *Store) Update(ctx context.Context, w webhook.Webhook) error {
	w = w.Clone()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t := s.hook(w.Scope, w.ID)
	switch {
	case t == nil:
		return fmt.Errorf("memstore: update webhook %s: %w", w.ID, webhook.ErrNotFound)
	case t.w.Version != w.Version:
		return fmt.Errorf("memstore: update webhook %s: %w", w.ID, webhook.ErrConflict)
	}
	if w.Unreadable != nil { // by a Store around this one
		w.URL, w.Secrets, w.Headers, w.Auth, w.TLS = t.w.URL, t.w.Secrets, t.w.Headers, t.w.Auth, t.w.TLS
	}
	w.Version++
	s.configure(t, w)
	return nil
}

// Delete implements [webhook.Registry].
func (s *Store) Delete(ctx context.Context, scope, id string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t := s.hook(scope, id)
	if t == nil {
		return fmt.Errorf("memstore: delete webhook %s: %w", id, webhook.ErrNotFound)
	}
	sc := s.scopes[scope]
	sc.hooks = slices.DeleteFunc(sc.hooks, func(o *target) bool { return o == t })
	s.unhook(t)
	s.changed(sc)
	s.release(sc)
	return nil
}

// unhook removes a webhook. Its lanes stay while something is pending in them.
func (s *Store) unhook(t *target) {
	key := targetKey{t.w.Scope, t.w.ID}
	delete(s.hooks, key.webhook)
	delete(s.health, key.webhook)
	t.exists, t.w = false, webhook.Webhook{ID: key.webhook, Scope: key.scope}
	for _, l := range slices.Clone(t.lanes) {
		if s.refile(l); l.empty() {
			s.drop(l)
		}
	}
	if len(t.lanes) == 0 {
		delete(s.targets, key)
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
	for _, t := range sc.hooks {
		s.unhook(t)
	}
	for _, m := range sc.marks {
		s.marks.remove(m.pos)
	}
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
	w := h.w.Clone()
	w.Seen = s.scopes[scope].changes
	return w, nil
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
			ws[i].Seen = sc.changes
		}
	}
	s.mu.Unlock()
	for i := range ws {
		ws[i] = ws[i].Clone()
	}
	return ws, nil
}
