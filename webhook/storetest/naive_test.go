package storetest_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// naive is a Store of a map and a slice that reads everything at each call.
type naive struct {
	mu       sync.Mutex
	hooks    map[string]webhook.Webhook
	rows     []*webhook.Delivery // as enqueued
	reported map[string][]int64  // leases with a stored Result, by ID
}

func (s *naive) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := make([]bool, len(ds))
	for i, d := range ds {
		added[i] = !slices.ContainsFunc(s.rows, func(o *webhook.Delivery) bool {
			return o.Scope == d.Scope && o.EventID == d.EventID && o.WebhookID == d.WebhookID
		})
		if added[i] {
			d = clone(d)
			s.rows = append(s.rows, &d)
		}
	}
	return added, nil
}

func clone(d webhook.Delivery) webhook.Delivery {
	d.Body, d.Vars, d.Carry = bytes.Clone(d.Body), maps.Clone(d.Vars), maps.Clone(d.Carry)
	return d
}

func (s *naive) Due(_ context.Context, q webhook.DueQuery) (p webhook.DuePage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.rows {
		w, known := s.hooks[d.WebhookID]
		switch {
		case d.State != webhook.StatePending || q.WebhookID != "" && (d.WebhookID != q.WebhookID || d.Scope != q.Scope):
		case known && w.Scope == d.Scope && !w.Live(q.Now):
		case !d.Due.After(q.Now):
			p.Lanes = append(p.Lanes, d.Lane())
		case p.Next.IsZero() || d.Due.Before(p.Next):
			p.Next = d.Due
		}
	}
	name := func(l webhook.Lane) string { return fmt.Sprintf("%q", l) }
	slices.SortFunc(p.Lanes, func(a, b webhook.Lane) int { return cmp.Compare(name(a), name(b)) })
	p.Lanes = slices.DeleteFunc(slices.Compact(p.Lanes), func(l webhook.Lane) bool { return name(l) <= q.Cursor })
	if len(p.Lanes) > q.Limit {
		p.Lanes, p.Cursor = p.Lanes[:q.Limit], name(p.Lanes[q.Limit-1])
	}
	return p, nil
}

func (s *naive) Claim(_ context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := 0
	for _, l := range c.Lanes {
		w, known := s.hooks[l.WebhookID]
		if known = known && w.Scope == l.Scope; known && !w.Live(c.Now) {
			continue
		}
		var again, free []*webhook.Delivery
		for _, d := range s.rows {
			switch {
			case d.State != webhook.StatePending || d.Lane() != l.Lane:
			case !d.Due.After(c.Now):
				free = append(free, d)
			case d.Held && d.Lease == c.Lease:
				again = append(again, d)
			}
		}
		slices.SortStableFunc(free, func(x, y *webhook.Delivery) int { return x.Due.Compare(y.Due) })
		free = append(again, free...)
		for _, d := range free[:min(len(free), l.Most)] {
			if size += len(d.Body); c.MaxBytes > 0 && size > c.MaxBytes && len(b.Deliveries) > 0 {
				b.Short, size = append(b.Short, l.Lane), size-len(d.Body)
				break
			}
			out := clone(*d)
			if d.Due.After(c.Now) {
				out.Due = c.Now // held under this number
			} else if out.Lease = max(d.Lease+1, c.Lease); d.Held {
				out.Interrupted++
			}
			out.Held = true
			d.Held, d.Due, d.Lease, d.Interrupted = true, c.Until, out.Lease, out.Interrupted
			b.Deliveries = append(b.Deliveries, out)
			if named := slices.ContainsFunc(b.Webhooks, func(o webhook.Webhook) bool { return o.ID == w.ID }); known && !named {
				b.Webhooks = append(b.Webhooks, w.Clone())
			}
		}
	}
	return b, nil
}

func (s *naive) Settle(_ context.Context, ss []webhook.Settlement) (lost []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range ss {
		if i := slices.IndexFunc(s.rows, func(d *webhook.Delivery) bool { return d.ID == x.ID && d.Scope == x.Scope }); i < 0 || !s.settle(s.rows[i], x) {
			lost = append(lost, x.ID)
		}
	}
	return lost, nil
}

// settle reports whether the lease still counts.
func (s *naive) settle(d *webhook.Delivery, x webhook.Settlement) bool {
	latest, pending := x.Lease == d.Lease, d.State == webhook.StatePending
	repeated := slices.Contains(s.reported[d.ID], x.Lease) || x.Result == nil && latest && !d.Held
	if x.Lease < 1 || x.Lease > d.Lease || repeated {
		return x.Lease > 0 && latest && repeated
	}
	if x.Result != nil {
		s.reported[d.ID] = append(s.reported[d.ID], x.Lease)
	}
	counts := latest && (d.Held || !pending)
	if !pending || !counts && x.State != webhook.StateDelivered {
		return counts // a late success ends the delivery: the receiver has it
	}
	if r := x.Result; r != nil {
		d.Tries++
		d.Attempts++
		if !r.OK() && d.FirstFailure.IsZero() {
			d.FirstFailure = r.End()
		}
		if x.Due.IsZero() {
			x.Due = r.End()
		}
	}
	if x.Code != "" || x.State == webhook.StateDelivered {
		d.LastCode = x.Code
	}
	d.State, d.Held, d.Due, d.Exhausted = x.State, false, x.Due, x.Exhausted
	return counts
}
