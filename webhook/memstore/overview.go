package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Latest implements [webhook.Overview]. It reads the scope's log, newest first, until it has found
// a delivery of each webhook.
func (s *Store) Latest(ctx context.Context, scope string, webhookIDs []string) ([]webhook.Delivery, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	sc := s.scopes[scope]
	if sc == nil {
		return nil, nil
	}
	wanted := make(map[string]bool, len(webhookIDs))
	for _, id := range webhookIDs {
		wanted[id] = true
	}
	var ds []webhook.Delivery
	for r := range sc.rows(false, nil) {
		if !wanted[r.webhook] {
			continue
		}
		ds = append(ds, r.bodiless())
		if delete(wanted, r.webhook); len(wanted) == 0 {
			break
		}
	}
	return ds, nil
}

// LatestAttempts implements [webhook.Overview].
func (s *Store) LatestAttempts(ctx context.Context, scope string, deliveryIDs []string) (map[string]webhook.Attempt, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := make(map[string]webhook.Attempt, len(deliveryIDs))
	for _, id := range deliveryIDs {
		if r := s.rows[id]; r != nil && r.event.scope.name == scope && r.latest != nil {
			out[id] = r.latest.clone()
		}
	}
	return out, nil
}

// Counts implements [webhook.Counters].
func (s *Store) Counts(ctx context.Context, scope string, webhookIDs []string, since time.Time) ([]webhook.HourCount, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []webhook.HourCount
	for _, id := range slices.Sorted(slices.Values(webhookIDs)) {
		t := s.hook(scope, id)
		if t == nil {
			continue
		}
		for _, c := range t.counts {
			if !c.Hour.Before(since) {
				c.WebhookID = id
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// tally counts an attempt of a webhook. The first attempt of an hour removes counts that are older
// than [webhook.CountsKept], so a webhook has at most about 200 counts.
func (t *target) tally(a *webhook.Attempt) {
	hour := a.End().UTC().Truncate(time.Hour)
	i, found := slices.BinarySearchFunc(t.counts, hour, func(c webhook.HourCount, h time.Time) int { return c.Hour.Compare(h) })
	if !found {
		t.counts = slices.Insert(t.counts, i, webhook.HourCount{Hour: hour})
		first := t.counts[len(t.counts)-1].Hour.Add(-webhook.CountsKept)
		old := 0
		for t.counts[old].Hour.Before(first) {
			old++
		}
		t.counts = slices.Delete(t.counts, 0, old)
		if i -= old; i < 0 {
			return
		}
	}
	c := &t.counts[i]
	if a.OK() {
		c.Accepted++
	} else {
		c.Failed++
	}
	c.Took, c.Slowest = c.Took+a.Duration, max(c.Slowest, a.Duration)
}
