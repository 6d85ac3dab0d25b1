package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/payload"
)

// plan makes the deliveries of one event: match, group, compose.
func (d *Dispatcher) plan(e payload.Event, hooks []Webhook, now time.Time) (ds []Delivery, err error) {
	defer contain("Profile", &err)
	live := make([]Webhook, 0, len(hooks))
	for _, w := range hooks {
		if w.Scope == e.Scope && w.Live(now) {
			live = append(live, w)
		}
	}
	matched, err := d.match(live, e)
	if err != nil {
		return nil, err
	}
	if len(matched) == 0 {
		return nil, nil
	}
	slices.SortFunc(matched, func(a, b Webhook) int { return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.ID, b.ID)) })
	ds = make([]Delivery, 0, len(matched))
	for start := 0; start < len(matched); {
		end := start + 1
		for matched[start].Group != "" && end < len(matched) && matched[end].Group == matched[start].Group {
			end++
		}
		made, err := d.compose(e, matched[start:end], now)
		if err != nil {
			return nil, fmt.Errorf("compose %s: %w", matched[start].ID, err)
		}
		ds = append(ds, made...)
		start = end
	}
	return ds, nil
}

// match picks the receivers of an event. live is the caller's to give away.
func (d *Dispatcher) match(live []Webhook, e payload.Event) ([]Webhook, error) {
	choose := d.profile.Select
	if choose == nil {
		choose = Each(func(w Webhook, e payload.Event) (bool, error) { return w.Listens(e.Type), nil })
	}
	matched, err := choose(live, e)
	if err != nil {
		return nil, fmt.Errorf("match: %w", err)
	}
	return matched, nil
}

// compose makes one delivery for a group, or one for each where the Profile does not
// compose.
func (d *Dispatcher) compose(e payload.Event, group []Webhook, now time.Time) ([]Delivery, error) {
	if d.profile.Compose == nil {
		ds := make([]Delivery, len(group))
		for i, w := range group {
			ds[i] = d.newDelivery(e, &w, now)
		}
		return ds, nil
	}
	c, err := d.profile.Compose(e, group)
	if err != nil {
		return nil, err
	}
	id := cmp.Or(c.WebhookID, group[0].ID)
	i := slices.IndexFunc(group, func(w Webhook) bool { return w.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("composed for webhook %s, which is not of the group", id)
	}
	dl := d.newDelivery(e, &group[i], now)
	dl.Class = c.Class
	switch {
	case c.NoBody:
		dl.Body = nil
	case c.Body != nil:
		dl.Body = c.Body
	}
	if len(c.Vars) > 0 {
		dl.Vars = maps.Clone(e.Vars)
		if dl.Vars == nil {
			dl.Vars = make(map[string]string, len(c.Vars))
		}
		maps.Copy(dl.Vars, c.Vars)
	}
	return []Delivery{dl}, nil
}

func (d *Dispatcher) newDelivery(e payload.Event, w *Webhook, now time.Time) Delivery {
	dl := Delivery{
		ID: DeliveryID(e.Scope, e.ID, w.ID), EventID: e.ID, WebhookID: w.ID, Scope: e.Scope, Type: e.Type,
		Body: e.Body, Vars: e.Vars, Due: now, CreatedAt: now, QueuedAt: now,
	}
	if d.keys != nil && w.take() != TakeAny {
		dl.Key = e.Key
	}
	if dl.Key != "" && w.Coalesce {
		dl.Due = now.Add(w.CoalesceWait)
	}
	if !e.ExpiresAt.IsZero() {
		dl.ExpiresAt = e.ExpiresAt.Round(0).UTC()
		if end := now.Add(d.profile.maxAge()); end.Before(dl.ExpiresAt) {
			dl.ExpiresAt = end
		}
	}
	return dl
}

var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// DeliveryID names a delivery by what makes it unique, so that a repeated Dispatch
// arrives at the same name. Its first 30 characters are the same for all deliveries of one
// event, so that a Store can find those by the ID's beginning. 128 bits of SHA-256 for the
// event, and 80 for the webhook within it, do not collide by chance. It is for Store adapters.
func DeliveryID(scope, event, webhook string) string {
	var buf [256]byte
	b := append(append(buf[:0], scope...), 0)
	b = append(append(b, event...), 0)
	sum := sha256.Sum256(b)
	of := sha256.Sum256(append(b[:0], webhook...))
	return "dlv_" + idEncoding.EncodeToString(sum[:16]) + idEncoding.EncodeToString(of[:10])
}
