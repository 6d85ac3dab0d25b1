package main

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
)

// result is the result of an audit. Sent, lost and repeated deliveries are counted for healthy
// webhooks only.
type result struct {
	counts
	events                                 int // accepted
	deliveries, delivered, failed, pending int // stored; by state
	sent                                   int // requests
	lost                                   int // accepted, and neither delivered nor failed on record
	late                                   int // accepted, and failed on record because no answer came in time
	unheard                                int // repeats after an answer that came too late for the sender
	without                                int // repeats without a reason
	mostAtKill                             int // repeats of requests that one killed life had in flight
	faults                                 []string
	moreFaults                             int // faults that were not kept
}

// audit compares the books with the stored deliveries, after the hosts have stopped.
func (s *soak) audit(ctx context.Context) (result, error) {
	b := s.book
	b.mu.Lock()
	defer b.mu.Unlock()
	r := result{counts: b.counted}
	stored := make(map[key]webhook.State)
	now, err := s.field.store.Now(ctx)
	if err != nil {
		return r, err
	}
	err = s.field.each(ctx, webhook.Query{}, func(d webhook.Delivery) error {
		k := key{d.WebhookID, d.EventID}
		stored[k] = d.State
		b.auditStored(&r, d, b.seen[k], now.Store)
		return nil
	})
	if err != nil {
		return r, err
	}
	for id, e := range b.events {
		b.auditEvent(&r, id, e, stored)
	}
	for k := range b.seen {
		if _, ok := stored[k]; !ok {
			b.faulty("event %s was sent to %s, but is not stored", k.event, k.hook)
		}
	}
	for _, d := range b.dead {
		r.mostAtKill = max(r.mostAtKill, d.repeats)
	}
	if r.mostAtKill > atRisk {
		b.faulty("%d deliveries of a killed host were repeated, more than it could have in flight", r.mostAtKill)
	}
	for _, kind := range behaviours {
		if b.outcomes[kind][answers[kind].code] == 0 {
			b.faulty("no attempt at a webhook with the behaviour %q ended with the code %q", kind, answers[kind].code)
		}
	}
	if err := s.explain(ctx, &r); err != nil {
		return r, err
	}
	if r.without > 0 {
		b.faulty("%d deliveries were repeated although their sender was not killed", r.without)
	}
	if r.lost > 0 {
		b.faulty("%d deliveries were accepted and did not arrive", r.lost)
	}
	if r.late > 0 {
		b.faulty("%d deliveries to healthy webhooks were given up after their last try: the machine is too busy for this load", r.late)
	}
	r.sent = r.requests - r.hostile
	r.faults, r.moreFaults = b.faults, b.wrong-len(b.faults)
	return r, nil
}

// auditStored checks a single delivery.
func (b *book) auditStored(r *result, d webhook.Delivery, a *arrival, now time.Time) {
	r.deliveries++
	e := b.events[d.EventID]
	if e == nil || e.scope != d.Scope {
		b.faulty("event %s is stored for %s, but no host dispatched it there", d.EventID, d.WebhookID)
		return
	}
	if a != nil && a.sum != e.sum {
		b.faulty("event %s reached %s with another body than was dispatched", d.EventID, d.WebhookID)
	}
	allowed := d.Tries + d.Interrupted
	if b.hooks[d.WebhookID].Behaviour == reset {
		allowed += d.Tries // a connection that breaks before the answer is repeated once on a fresh one
	}
	switch d.State {
	case webhook.StateDelivered:
		r.delivered++
	case webhook.StateFailed:
		r.failed++
	default:
		r.pending++
		allowed++ // one may have been interrupted when its host stopped
		if age := now.Sub(d.QueuedAt); age > longest {
			b.faulty("event %s is pending for %s since %v, longer than anything may be: held %t, due %v ago, %d tries, %d interruptions",
				d.EventID, d.WebhookID, age.Round(time.Second), d.Held, now.Sub(d.Due).Round(time.Second), d.Tries, d.Interrupted)
		}
		if d.Due.Sub(now) > max(maxAfter, lease) {
			b.faulty("event %s is due at %s in %v only", d.EventID, d.WebhookID, d.Due.Sub(now))
		}
	}
	if d.State != webhook.StatePending && (d.FinishedAt.IsZero() || d.State == webhook.StateFailed && d.LastCode == webhook.CodeOK) {
		b.faulty("the record of event %s for %s does not say how it ended", d.EventID, d.WebhookID)
	}
	if a != nil && a.requests > allowed {
		b.faulty("%d requests of event %s to %s, after %d tries and %d interruptions", a.requests, d.EventID, d.WebhookID, d.Tries, d.Interrupted)
	}
	if d.Tries > len(slots)+1 {
		b.faulty("event %s to %s was tried %d times, want at most %d", d.EventID, d.WebhookID, d.Tries, len(slots)+1)
	}
}

// longest is how long a delivery may be pending: the next sweep after maxAge ends it, or after the
// end of its lease.
const longest = maxAge + 2*lease

// auditEvent looks for missing deliveries of an event.
func (b *book) auditEvent(r *result, id string, e *event, stored map[key]webhook.State) {
	if e.accepted {
		r.events++
	}
	n := 0
	for _, h := range b.scopes[e.scope] {
		k := key{h.ID, id}
		state, ok := stored[k]
		if ok {
			n++
		}
		a := b.seen[k]
		switch {
		case !e.accepted:
		case h.Behaviour == "" && state == webhook.StateFailed:
			r.late++
		case h.Behaviour == "" && (a == nil || a.by == "" || state != webhook.StateDelivered):
			r.lost++
		case !ok:
			b.faulty("event %s was accepted, but is not stored for %s", id, h.ID)
		}
	}
	if n != 0 && n != len(b.scopes[e.scope]) {
		b.faulty("event %s is stored for %d of %d webhooks", id, n, len(b.scopes[e.scope]))
	}
}

// explain looks for the reason of repeats without a kill. There is one: on a machine that is too
// busy, an answer comes after the sender's timeout, and the record says so.
func (s *soak) explain(ctx context.Context, r *result) error {
	for _, k := range s.book.strange {
		var id string
		q := webhook.Query{WebhookID: k.hook, EventID: k.event}
		err := s.field.each(ctx, q, func(d webhook.Delivery) error { id = d.ID; return nil })
		if err != nil {
			return err
		}
		_, attempts, err := s.field.store.Delivery(ctx, s.book.hooks[k.hook].Scope, id)
		if err != nil {
			return errors.Join(errors.New("a repeat has no record"), err)
		}
		unheard := false
		for _, a := range attempts {
			unheard = unheard || a.Code == webhook.CodeTimeout
		}
		if unheard {
			r.unheard++
		} else {
			r.without++
		}
	}
	return nil
}
