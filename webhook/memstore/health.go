package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// Health implements [webhook.HealthStore], in the order of the webhooks' IDs.
func (s *Store) Health(ctx context.Context, scope, id string) ([]webhook.Health, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var hs []webhook.Health
	if id != "" {
		if h, ok := s.health[id]; ok && h.Scope == scope {
			hs = append(hs, h)
		}
		return hs, nil
	}
	for _, h := range s.health {
		if scope == "" || h.Scope == scope {
			hs = append(hs, h)
		}
	}
	slices.SortFunc(hs, func(a, b webhook.Health) int { return cmp.Compare(a.WebhookID, b.WebhookID) })
	return hs, nil
}

// SetHealth implements [webhook.HealthStore].
func (s *Store) SetHealth(ctx context.Context, scope, id string, old, new webhook.Health) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.hook(scope, id) == nil {
		return fmt.Errorf("memstore: health of %s: %w", id, webhook.ErrNotFound)
	}
	for _, h := range []*webhook.Health{&old, &new} {
		h.WebhookID, h.Scope, h.DisabledReason = id, scope, ""
	}
	stored, ok := s.health[id]
	if !ok {
		stored = webhook.Health{WebhookID: id, Scope: scope}
	}
	switch {
	case !stored.Equal(old):
		return fmt.Errorf("memstore: health of %s: %w", id, webhook.ErrConflict)
	case new.OK():
		delete(s.health, id)
	default:
		s.health[id] = new
	}
	return nil
}
