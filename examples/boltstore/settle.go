package boltstore

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook"
	bolt "go.etcd.io/bbolt"
)

// Settle implements [webhook.Store].
func (s *Store) Settle(ctx context.Context, ss []webhook.Settlement) (lost []string, err error) {
	err = s.update(ctx, func(tx *bolt.Tx) error {
		lost = nil
		for _, x := range ss {
			r, err := load(tx, x.ID)
			if err != nil {
				return err
			}
			if r == nil || r.Scope != x.Scope {
				lost = append(lost, x.ID)
				continue
			}
			former := r.Due
			if !r.settle(x) {
				lost = append(lost, x.ID)
			}
			if err := put(tx, r, former); err != nil {
				return err
			}
		}
		return nil
	})
	return lost, err
}

// settle applies the outcome of a lease that still counts, and reports whether it does.
func (r *row) settle(x webhook.Settlement) (counts bool) {
	latest, pending := x.Lease == r.Lease, r.State == webhook.StatePending
	switch {
	case x.Lease < 1 || x.Lease > r.Lease:
		return false // an unused lease number
	case slices.Contains(r.Reported, x.Lease), x.Result == nil && latest && !r.Held:
		return latest // a repeated settlement
	}
	if x.Result != nil {
		r.Reported = append(r.Reported, x.Lease)
	}
	counts = latest && (r.Held || !pending)
	if pending && (counts || x.State == webhook.StateDelivered) {
		r.Delivery = x.Apply(r.Delivery)
	}
	return counts
}
