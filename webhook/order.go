package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// OrderPolicy says whether a webhook receives the events of one key in order, and what happens to a
// key whose event cannot be delivered.
//
// For one webhook and key: if the Dispatch of A returned, or its transaction committed, before the
// Dispatch of B began, the first request of B starts after A has ended. There is one request of a
// key at a time, over all hosts. Dispatch calls that overlap may come in either order. A duplicate
// can arrive late, because a process that was stopped for longer than its lease still sends; the
// sequence number shows this. Redeliveries of ended deliveries are outside the order.
type OrderPolicy string

// The policies. They differ in the treatment of an event that fails for good.
const (
	// OrderNone sends events without an order.
	OrderNone OrderPolicy = ""
	// OrderSkip ends the event as failed, and the next event of the key is sent.
	OrderSkip OrderPolicy = "skip"
	// OrderBlock retries the event, at the interval of the last retry, until it is accepted,
	// cancelled or older than Profile.MaxAge. An event that can never be sent, with CodePayload or
	// CodeConfig, ends.
	OrderBlock OrderPolicy = "block"
	// OrderHold keeps the event pending, with Exhausted set, for a person: [Manager.Held] lists it,
	// Redeliver tries it again, Cancel lets the next one go, and so does Profile.MaxAge.
	OrderHold OrderPolicy = "hold"
)

func (o OrderPolicy) known() bool { return o == OrderSkip || o == OrderBlock || o == OrderHold }

const (
	// maxCoalesceWait is the longest window.
	maxCoalesceWait = 10 * time.Minute
	// blockWait is the distance of retries under OrderBlock where the policy has none.
	blockWait = 30 * time.Second
	maxHeld   = 500
)

// take is how deliveries of the webhook are to be claimed.
func (w *Webhook) take() Take {
	switch {
	case w.Coalesce:
		return TakeNewest
	case w.Order != OrderNone:
		return TakeHeads
	}
	return TakeAny
}

// takesOf lists for the scheduler how to claim from webhooks.
func takesOf(ws []Webhook) []scheduler.HookTake {
	out := make([]scheduler.HookTake, len(ws))
	for i := range ws {
		out[i] = scheduler.HookTake{Scope: ws[i].Scope, WebhookID: ws[i].ID, Take: scheduler.Take(ws[i].take())}
	}
	return out
}

// fits reports whether a delivery with a key was claimed in the way that its webhook, which was
// read in the same call, needs. A webhook without an order accepts any way.
func (c *Claim) fits(dl *Delivery, w *Webhook) bool {
	want := w.take()
	if want == TakeAny {
		return true
	}
	lane := dl.Lane()
	return slices.ContainsFunc(c.Lanes, func(l LaneClaim) bool { return l.Lane == lane && l.Take == want })
}

// expiredAt reports whether the delivery is not worth sending any more.
func (d *Delivery) expiredAt(t time.Time) bool {
	return !d.ExpiresAt.IsZero() && !t.Before(d.ExpiresAt)
}

// applyOrder changes a settlement by the webhook's policy.
func (p *Profile) applyOrder(w *Webhook, d *Delivery, a *Attempt, s Settlement) Settlement {
	if s.State != StateFailed || d.Key == "" {
		return s
	}
	switch w.Order {
	case OrderBlock:
		if a.Code != CodePayload && a.Code != CodeConfig {
			s.State, s.Exhausted, s.Due = StatePending, false, p.lastStep(d, a)
		}
	case OrderHold:
		s = p.hold(d, s)
	}
	return s
}

// hold keeps a failed delivery pending until it is too old.
func (p *Profile) hold(d *Delivery, s Settlement) Settlement {
	if end := d.queued(s.Due).Add(p.maxAge() + time.Millisecond); end.After(s.Due) { // after end it is too old
		s.State, s.Exhausted, s.Due = StatePending, true, end
	}
	return s
}

// lastStep is the time of one more retry, at the interval of the policy's last one.
func (p *Profile) lastStep(d *Delivery, a *Attempt) time.Time {
	f := failure(d, a)
	f.Made = min(f.Made, len(p.Retry.Slots)-1)
	if at, ok := (retry.Policy{Slots: p.Retry.Slots, MaxAfter: p.Retry.MaxAfter}).Next(f); ok && f.Made >= 0 {
		return at
	}
	return a.End().Add(blockWait)
}

// failUnsent is job.fail under the webhook's policy.
func (d *Dispatcher) failUnsent(j *job, w *Webhook, code Code, at time.Time) {
	j.fail(code, at)
	if w != nil && w.Order == OrderHold && j.delivery.Key != "" && (code == CodeInterrupted || code == CodeConfig) {
		j.settlement = d.profile.hold(&j.delivery, j.settlement)
	}
}

// reportHeldBack reports that a delivery, and with it its key, waits for a person.
func (d *Dispatcher) reportHeldBack(ctx context.Context, j *job, s *Settlement) {
	w := j.hook()
	d.log.WarnContext(ctx, "webhook: a delivery failed and holds its key, redeliver or cancel it", "delivery", j.ID, "webhook", w.ID,
		"scope", w.Scope, "code", string(s.Code))
	d.notifyAttention(ctx, *w, s.Code, s.Result)
}

// Held lists deliveries of a webhook that failed under [OrderHold] and hold their keys until a
// person decides: [Manager.Redeliver] or [Manager.Cancel]. It returns at most 500, in the order of
// their Dispatch. An unknown webhook has none. Errors: [ErrUnsupported] when the Store is no
// [KeyOrder].
func (m *Manager) Held(ctx context.Context, scope, webhookID string) (ds []Delivery, err error) {
	k, err := m.keyOrder()
	if err == nil {
		ds, err = k.HeldBack(ctx, scope, webhookID, maxHeld)
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: list held deliveries: %w", err)
	}
	return ds, nil
}

// Orders returns the values of Webhook.Order beside [OrderNone] that both the Profile and the Store
// allow, and whether they allow Webhook.Coalesce.
func (m *Manager) Orders() (orders []OrderPolicy, coalesces bool) {
	if m.d.keys == nil {
		return nil, false
	}
	return slices.Clone(m.d.profile.Form.Orders), m.d.profile.Form.Coalesces
}

func (m *Manager) keyOrder() (KeyOrder, error) {
	if m.d.keys == nil {
		return nil, fmt.Errorf("%w: it is no KeyOrder", ErrUnsupported)
	}
	return m.d.keys, nil
}

// Ahead returns the delivery that a pending one of an ordered webhook waits for, or one with an empty
// ID if it waits for none. Errors: [ErrNotFound] for an unknown delivery, [ErrUnsupported] when the
// Store is no [KeyOrder] or no [History].
func (m *Manager) Ahead(ctx context.Context, scope, id string) (Delivery, error) {
	return m.related(ctx, scope, id, "the one ahead", KeyOrder.Ahead)
}

// Successor returns the latest delivery of the same webhook, key and type as one that ended with
// [CodeSuperseded], or one with an empty ID if there is none later. Errors: those of [Manager.Ahead].
func (m *Manager) Successor(ctx context.Context, scope, id string) (Delivery, error) {
	return m.related(ctx, scope, id, "its successor", KeyOrder.Newest)
}

// related asks for another delivery of the same key. A Store answers ErrNotFound for a delivery
// without one and for an unknown delivery, so the second question tells them apart.
func (m *Manager) related(ctx context.Context, scope, id, what string, ask func(KeyOrder, context.Context, string, string) (Delivery, error)) (d Delivery, err error) {
	k, err := m.keyOrder()
	if err == nil {
		d, err = ask(k, ctx, scope, id)
	}
	if errors.Is(err, ErrNotFound) {
		_, _, err = m.Delivery(ctx, scope, id)
		return Delivery{}, err
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("webhook: read %s of delivery %s: %w", what, id, err)
	}
	return d, nil
}

// explainOrder adds the delivery of the same key that is ahead.
func (d *Dispatcher) explainOrder(ctx context.Context, x *Explanation, of webhookState) error {
	dl := &x.Delivery
	if d.keys == nil || dl.Key == "" {
		return nil
	}
	if dl.Exhausted {
		x.add(ReasonOrder, time.Time{}, false, "It failed and holds its key: redeliver it, or cancel it to let the next one go.")
		return nil
	}
	ahead, err := d.keys.Ahead(ctx, dl.Scope, dl.ID)
	switch {
	case errors.Is(err, ErrNotFound): // it waits for none
	case err != nil:
		return err
	case of.w != nil && of.w.Coalesce && !ahead.Held: // a webhook that coalesces sends no older event first
	case ahead.Exhausted:
		x.add(ReasonOrder, time.Time{}, false, "It waits behind event "+ahead.EventID+" of its key, which failed and is held.")
	default:
		x.add(ReasonOrder, time.Time{}, false, "It waits behind event "+ahead.EventID+" of its key.")
	}
	return nil
}

// validateOrder checks Order, Coalesce and CoalesceWait.
func (m *Manager) validateOrder(w *Webhook, add func(field, rule, message string)) {
	p := &m.d.profile
	switch {
	case w.Order != OrderNone && !w.Order.known():
		add("order", "unknown", "The order can be skip, block or hold.")
	case w.Order != OrderNone && m.d.keys == nil:
		add("order", "unsupported", "The store of this installation cannot keep an order.")
	case w.Order != OrderNone && !slices.Contains(p.Form.Orders, w.Order):
		add("order", "unsupported", "These webhooks cannot have this order.")
	case w.Order != OrderNone && w.Coalesce:
		add("order", "coalesce", "A webhook sends every event in order, or only the latest one: choose one of the two.")
	}
	switch {
	case w.Coalesce && m.d.keys == nil:
		add("coalesce", "unsupported", "The store of this installation cannot send the latest event only.")
	case w.Coalesce && !p.Form.Coalesces:
		add("coalesce", "unsupported", "These webhooks cannot send the latest event only.")
	}
	switch {
	case w.CoalesceWait < 0 || w.CoalesceWait > maxCoalesceWait:
		add("coalesce_wait", "range", fmt.Sprintf("The wait must be between 0 and %v.", maxCoalesceWait))
	case w.CoalesceWait > 0 && !w.Coalesce:
		add("coalesce_wait", "required", "A wait needs the choice to send the latest event only.")
	}
}

// SequenceHeader returns a Profile.Prepare.Header that sends the number of a delivery, as 19 digits that
// compare as text and as a number, where its webhook keeps an order or coalesces. [Standard] has it
// under the name webhook-sequence. The Standard Webhooks signature does not cover it.
func SequenceHeader(name string) func(Webhook, Delivery, http.Header) {
	return func(w Webhook, d Delivery, h http.Header) {
		if d.Sequence > 0 && w.take() != TakeAny {
			h.Set(name, fmt.Sprintf("%019d", d.Sequence))
		}
	}
}
