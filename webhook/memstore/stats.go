package memstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Totals implements [webhook.Stats]. It reads all pending deliveries.
func (s *Store) Totals(ctx context.Context, now time.Time) (t webhook.Totals, err error) {
	if err := s.lock(ctx); err != nil {
		return t, err
	}
	defer s.mu.Unlock()
	held, retrying, oldest := 0, 0, forever
	for _, l := range s.lanes {
		live := l.t.live(at(now))
		for _, r := range l.rows() {
			switch {
			case r.held:
				held++
				continue
			case r.tries > 0:
				retrying++
			}
			if live && r.due <= at(now) {
				oldest = min(oldest, r.due)
			}
		}
	}
	for _, hook := range s.hooks {
		if !hook.live(at(now)) {
			t.Inactive++
		}
	}
	t.Pending, t.Held, t.Retrying, t.Webhooks = webhook.CountOf(s.pending), webhook.CountOf(held), webhook.CountOf(retrying), len(s.hooks)
	t.OldestDue = oldest.time()
	return t, nil
}

// Backlog implements [webhook.Stats].
func (s *Store) Backlog(ctx context.Context, q webhook.BacklogQuery) (bs []webhook.Backlog, next string, err error) {
	if !q.Valid() {
		return nil, "", fmt.Errorf("memstore: backlog: Limit or Order is out of range: %w", webhook.ErrInvalid)
	}
	from, err := decodeBacklog(q)
	if err != nil {
		return nil, "", err
	}
	if err := s.lock(ctx); err != nil {
		return nil, "", err
	}
	all := make(map[*target]*backlogPlace)
	for _, l := range s.lanes {
		for _, r := range l.rows() {
			if r.held {
				continue
			}
			p := all[l.t]
			if p == nil {
				p = &backlogPlace{Order: q.Order, Scope: l.Scope, Webhook: l.WebhookID, Oldest: r.due}
				all[l.t] = p
			}
			p.Pending++
			p.Oldest = min(p.Oldest, r.due)
		}
	}
	s.mu.Unlock()
	var places []backlogPlace
	for _, p := range all {
		if from == nil || p.compare(*from) > 0 {
			places = append(places, *p)
		}
	}
	slices.SortFunc(places, backlogPlace.compare)
	if limit := q.PageSize(); len(places) > limit {
		places = places[:limit]
		next = places[limit-1].encode()
	}
	for _, p := range places {
		bs = append(bs, webhook.Backlog{Scope: p.Scope, WebhookID: p.Webhook, Pending: webhook.CountOf(p.Pending), OldestDue: p.Oldest.time()})
	}
	return bs, next, nil
}

// backlogPlace is a webhook's place in a list of backlogs; a cursor encodes it.
type backlogPlace struct {
	Order          webhook.BacklogOrder
	Pending        int
	Oldest         instant
	Scope, Webhook string
}

func (p backlogPlace) compare(o backlogPlace) int {
	first := cmp.Compare(p.Oldest, o.Oldest)
	if p.Order == webhook.BacklogLargest {
		first = cmp.Compare(min(o.Pending, webhook.CountLimit+1), min(p.Pending, webhook.CountLimit+1))
	}
	return cmp.Or(first, cmp.Compare(p.Scope, o.Scope), cmp.Compare(p.Webhook, o.Webhook))
}

func (p backlogPlace) encode() string {
	b, _ := json.Marshal(p) // cannot fail for this type
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeBacklog(q webhook.BacklogQuery) (*backlogPlace, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	var p backlogPlace
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &p) != nil || p.Order != q.Order {
		return nil, fmt.Errorf("memstore: backlog: the cursor is damaged, or of another order: %w", webhook.ErrInvalid)
	}
	return &p, nil
}

// Find implements [webhook.Stats].
func (s *Store) Find(ctx context.Context, eventID string, limit int) (ds []webhook.Delivery, err error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for _, sc := range s.scopes {
		if e := sc.events[eventID]; e != nil {
			for r := e.first; r != nil; r = r.nextOfEvent {
				ds = append(ds, r.bodiless())
			}
		}
	}
	slices.SortFunc(ds, func(a, b webhook.Delivery) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.WebhookID, b.WebhookID))
	})
	return ds[:min(len(ds), max(limit, 0))], nil
}
