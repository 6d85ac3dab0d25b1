package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"time"

	"github.com/postrider/postrider/payload"
)

// plan makes the deliveries of one event. of lists their webhooks.
func (d *Dispatcher) plan(ctx context.Context, e payload.Event, hooks []Webhook, now time.Time) (ds []Delivery, of []*Webhook, err error) {
	defer contain("Profile", &err)
	live := make([]Webhook, 0, len(hooks))
	for _, w := range hooks {
		if w.Scope == e.Scope && w.Live(now) {
			live = append(live, w)
		}
	}
	route := d.profile.Route
	if route == nil {
		route = Each(nil)
	}
	routed, err := route(live, e)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("route: %w", err)
	case len(routed) == 0:
		return nil, nil, nil
	}
	places := make(map[string]int, len(routed))
	for i, r := range routed {
		places[r.WebhookID] = i // of two with one webhook the first gets no delivery, which is refused below
	}
	ds, of = make([]Delivery, len(routed)), make([]*Webhook, len(routed))
	for i := range hooks { // Route may have changed live
		w := &hooks[i]
		if at, ok := places[w.ID]; ok && w.Scope == e.Scope && w.Live(now) {
			ds[at], of[at] = d.newDelivery(e, w, &routed[at], now), w
			if err := routed[at].Err; err != nil {
				d.reportUnusable(ctx, w, err)
			}
		}
	}
	for i := range ds {
		if ds[i].ID == "" {
			return nil, nil, fmt.Errorf("route: webhook %s is not live in the scope, or has two deliveries", routed[i].WebhookID)
		}
		if routed[i].Err == nil && ds[i].Vars[varUnusable] != "" {
			return nil, nil, fmt.Errorf("%w: the variable %s is reserved, give it another name", ErrInvalid, varUnusable)
		}
	}
	return ds, of, nil
}

// varUnusable marks a delivery with Routed.Err in Delivery.Vars.
const varUnusable = "postrider.unusable"

func (d *Dispatcher) newDelivery(e payload.Event, w *Webhook, r *Routed, now time.Time) Delivery {
	dl := Delivery{
		ID: DeliveryID(e.Scope, e.ID, w.ID), EventID: e.ID, WebhookID: w.ID, Scope: e.Scope, Type: e.Type, Class: r.Class,
		Body: e.Body, Vars: e.Vars, Due: now, CreatedAt: now, QueuedAt: now, Seen: w.Seen,
	}
	if r.Err != nil { // it is outside of any order
		dl.Body, dl.Vars = nil, map[string]string{varUnusable: "true"}
		return dl
	}
	switch {
	case r.NoBody:
		dl.Body = nil
	case r.Body != nil:
		dl.Body = r.Body
	}
	if len(r.Vars) > 0 {
		dl.Vars = make(map[string]string, len(e.Vars)+len(r.Vars))
		maps.Copy(dl.Vars, e.Vars)
		maps.Copy(dl.Vars, r.Vars)
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

// DeliveryID derives the ID of a delivery from the values that make it unique, so that a repeated
// Dispatch yields the same ID. Its first 30 characters are the same for all deliveries of one
// event, so that a Store can find them by prefix. 128 bits of SHA-256 for the event, and 80 for the
// webhook within it, do not collide by chance. It is for Store adapters.
func DeliveryID(scope, event, webhook string) string {
	var buf [256]byte
	b := append(append(buf[:0], scope...), 0)
	b = append(append(b, event...), 0)
	sum := sha256.Sum256(b)
	of := sha256.Sum256(append(b[:0], webhook...))
	b = append(b[:0], "dlv_"...)
	b = idEncoding.AppendEncode(b, sum[:16])
	return string(idEncoding.AppendEncode(b, of[:10]))
}
