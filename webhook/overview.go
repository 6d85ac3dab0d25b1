package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// Overview is a [History] that answers for all rows of a list at once. It is a capability of a
// Store; without it each row costs a call of its own.
type Overview interface {
	// Latest returns the delivery with the newest CreatedAt of each of these webhooks of a scope,
	// at most 500, without body and in any order. A webhook without deliveries is left out.
	Latest(ctx context.Context, scope string, webhookIDs []string) ([]Delivery, error)
	// LatestAttempts returns the latest attempt of each of these deliveries of a scope, at most
	// 500, by Delivery.ID. A delivery that was never tried is left out.
	LatestAttempts(ctx context.Context, scope string, deliveryIDs []string) (map[string]Attempt, error)
}

// Standing is the state of a webhook, for a row of a list.
type Standing struct {
	Health Health `json:"health"`
	// Latest is the delivery with the newest CreatedAt, without body; nil where there is none,
	// or where the Store has no [History].
	Latest *Delivery `json:"latest"`
}

// Standings returns the state of each of these webhooks of a scope, in the same order. ws are
// webhooks as [Manager.List] returned them, at most 500. With an [Overview] the number of calls to
// the Store does not depend on their number. Errors: [ErrInvalid] for more than 500.
func (m *Manager) Standings(ctx context.Context, scope string, ws []Webhook) ([]Standing, error) {
	if len(ws) > maxPage {
		return nil, fmt.Errorf("webhook: standings of scope %q: %w: %d webhooks, at most %d", scope, ErrInvalid, len(ws), maxPage)
	}
	ids := make([]string, len(ws))
	for i := range ws {
		ids[i] = ws[i].ID
	}
	health, err := m.d.healthsOf(ctx, scope, ids)
	if err != nil {
		return nil, fmt.Errorf("webhook: health of scope %q: %w", scope, err)
	}
	latest, err := m.latest(ctx, scope, ids)
	if err != nil {
		return nil, fmt.Errorf("webhook: latest deliveries of scope %q: %w", scope, err)
	}
	out := make([]Standing, len(ws))
	for i := range ws {
		out[i] = Standing{Health: health[ids[i]], Latest: latest[ids[i]]}
		out[i].Health.Scope, out[i].Health.WebhookID, out[i].Health.DisabledReason = scope, ids[i], ws[i].DisabledReason
	}
	return out, nil
}

// latest returns the newest delivery of each webhook that has one.
func (m *Manager) latest(ctx context.Context, scope string, ids []string) (map[string]*Delivery, error) {
	out := make(map[string]*Delivery, len(ids))
	if m.d.history == nil || len(ids) == 0 {
		return out, nil
	}
	if o, ok := m.d.store.(Overview); ok {
		ds, err := protectRead("Latest", func() ([]Delivery, error) { return o.Latest(ctx, scope, ids) })
		for i := range ds {
			out[ds[i].WebhookID] = &ds[i]
		}
		return out, err
	}
	for _, id := range ids {
		ds, _, err := m.d.history.Deliveries(ctx, Query{Scope: scope, WebhookID: id, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(ds) > 0 {
			ds[0].Body = nil
			out[id] = &ds[0]
		}
	}
	return out, nil
}

// LatestAttempts returns the latest attempt of each of these deliveries of a scope that was
// tried, by Delivery.ID; at most 500. Errors: [ErrInvalid] for more, [ErrUnsupported] when the Store
// has no [History].
func (m *Manager) LatestAttempts(ctx context.Context, scope string, ds []Delivery) (map[string]Attempt, error) {
	h, err := m.history()
	switch {
	case err != nil:
		return nil, fmt.Errorf("webhook: latest attempts: %w", err)
	case len(ds) > maxPage:
		return nil, fmt.Errorf("webhook: latest attempts: %w: %d deliveries, at most %d", ErrInvalid, len(ds), maxPage)
	case len(ds) == 0:
		return map[string]Attempt{}, nil
	}
	if o, ok := m.d.store.(Overview); ok {
		ids := make([]string, len(ds))
		for i := range ds {
			ids[i] = ds[i].ID
		}
		as, err := protectRead("LatestAttempts", func() (map[string]Attempt, error) { return o.LatestAttempts(ctx, scope, ids) })
		if err != nil {
			return nil, fmt.Errorf("webhook: latest attempts: %w", err)
		}
		return as, nil
	}
	out := make(map[string]Attempt, len(ds))
	for i := range ds {
		_, as, err := h.Delivery(ctx, scope, ds[i].ID)
		if err != nil && !errors.Is(err, ErrNotFound) { // pruned meanwhile
			return nil, fmt.Errorf("webhook: latest attempts: %w", err)
		}
		if n := len(as); n > 0 {
			out[ds[i].ID] = as[n-1]
		}
	}
	return out, nil
}

// healthOf is healthsOf for one webhook.
func (d *Dispatcher) healthOf(ctx context.Context, scope, id string) (Health, error) {
	hs, err := d.healthsOf(ctx, scope, []string{id})
	return hs[id], err
}

// healthsOf returns the health of each of these webhooks of a scope that this process knows, or that
// of the Store if this process knows none or a stale one. It calls the Store once at most.
func (d *Dispatcher) healthsOf(ctx context.Context, scope string, ids []string) (map[string]Health, error) {
	out := make(map[string]Health, len(ids))
	ask := make(map[string]bool)
	d.engine.inspect(func(s *scheduler.Scheduler) {
		stale := s.HealthStale(time.Now())
		for _, id := range ids {
			own, known := s.HealthOf(scope, id)
			if d.health != nil && (!known || stale) {
				own, ask[id] = scheduler.Health{Scope: scope, WebhookID: id}, true
			}
			out[id] = healthRecord(own)
		}
	})
	if len(ask) == 0 {
		return out, nil
	}
	only := ""
	if len(ids) == 1 {
		only = ids[0]
	}
	stored, err := protectRead("Health", func() ([]Health, error) { return d.health.Health(ctx, scope, only) })
	if err != nil {
		return nil, err
	}
	for _, h := range stored {
		if ask[h.WebhookID] {
			out[h.WebhookID] = h
		}
	}
	return out, nil
}
