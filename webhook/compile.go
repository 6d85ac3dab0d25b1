package webhook

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/payload"
)

// batch holds the deliveries of one Dispatch before they are stored.
type batch struct {
	deliveries []Delivery
	hooks      []*Webhook // of the deliveries
	read       time.Time  // when the first read of webhooks began
}

// compile reads the webhooks of the events' scopes, or takes them from the cache, and makes the
// deliveries.
func (d *Dispatcher) compile(ctx context.Context, read readScopeFunc, events []payload.Event, cache WebhookCache) (Receipt, batch, error) {
	now, _ := d.timeBounds() // the earliest, so that a claim right after this finds it due
	b := batch{read: time.Now()}
	carry, err := d.carry(ctx)
	if err != nil {
		return Receipt{}, batch{}, err
	}
	receipt := Receipt{Events: make([]EventReceipt, 0, len(events))}
	var scopes map[string][]Webhook // only for several events
	if len(events) > 1 {
		scopes = make(map[string][]Webhook, 1)
	}
	for _, e := range events {
		hooks, known := scopes[e.Scope]
		cached := false
		if !known && cache != nil {
			hooks, cached = cache.CachedWebhooks(e.Scope)
		}
		if !known && !cached {
			if hooks, err = read(ctx, e.Scope); err != nil {
				return Receipt{}, batch{}, fmt.Errorf("webhook: dispatch %s: webhooks: %w", e.ID, err)
			}
			d.reportNoReceivers(ctx, e.Scope, hooks, now)
			d.forgetSealed(e.Scope, func(id string) bool {
				return !slices.ContainsFunc(hooks, func(w Webhook) bool { return w.ID == id })
			})
		}
		made, of, err := d.plan(ctx, e, hooks, now)
		if err != nil {
			return Receipt{}, batch{}, fmt.Errorf("webhook: dispatch %s: %w", e.ID, err)
		}
		if cached && len(made) == 0 {
			return d.compile(ctx, read, events, nil) // without an Enqueue an outdated cache goes unnoticed
		}
		if !known {
			d.markSealedOrOpened(ctx, hooks)
			if scopes != nil {
				scopes[e.Scope] = hooks
			}
		}
		er := EventReceipt{ID: e.ID, Matched: len(made), Deliveries: make([]string, 0, len(made))}
		for i := range made {
			if made[i].Carry = carry; len(made[i].Body) > d.profile.maxBody() {
				return Receipt{}, batch{}, fmt.Errorf("webhook: dispatch %s: %w: composed body of %d bytes, profile %s allows %d", e.ID, ErrTooLarge, len(made[i].Body), d.profile.Name, d.profile.maxBody())
			}
			er.Deliveries = append(er.Deliveries, made[i].ID)
		}
		if b.deliveries == nil {
			b.deliveries, b.hooks = made, of // most calls have one event
		} else {
			b.deliveries, b.hooks = append(b.deliveries, made...), append(b.hooks, of...)
		}
		receipt.Events = append(receipt.Events, er)
	}
	return receipt, b, nil
}

// reportUnusable reports once that the deliveries to a webhook fail because of what is stored of it.
// A change of the webhook makes it report again.
func (d *Dispatcher) reportUnusable(ctx context.Context, w *Webhook, err error) {
	if d.status.firstTime(&d.status.warnedHooks, fmt.Sprintf("%s\x00%s\x00%d", w.Scope, w.ID, w.Version)) {
		d.log.ErrorContext(ctx, "webhook: what is stored of a webhook cannot be used, its deliveries fail until it is changed",
			"webhook", w.ID, "scope", w.Scope, "error", err)
		d.notifyAttention(ctx, w.Clone(), CodeConfig, nil)
	}
}

// reportNoReceivers logs once that a scope has no webhooks: as a rule none was added yet, but the name
// may be misspelt. It also logs once that none of them is active: Active may have been forgotten.
func (d *Dispatcher) reportNoReceivers(ctx context.Context, scope string, hooks []Webhook, now time.Time) {
	switch {
	case slices.ContainsFunc(hooks, func(w Webhook) bool { return w.Live(now) }):
	case len(hooks) == 0 && d.status.firstTime(&d.status.warnedScopes, scope):
		d.log.WarnContext(ctx, "webhook: an event of a scope without webhooks was dispatched, it reaches no receiver", "scope", scope)
	case len(hooks) > 0 && d.status.firstTime(&d.status.inactiveScopes, scope):
		d.log.InfoContext(ctx, "webhook: an event of a scope without active webhooks was dispatched, it reaches no receiver", "scope", scope)
	}
}

// markSealedOrOpened records which webhooks cannot be opened.
func (d *Dispatcher) markSealedOrOpened(ctx context.Context, hooks []Webhook) {
	for i := range hooks {
		if w := &hooks[i]; w.Unreadable != nil {
			d.markSealed(ctx, webhookKey{w.Scope, w.ID}, w.Unreadable)
		}
	}
	d.markOpened(hooks)
}

// carry takes the host's metadata from the context, within bounds.
func (d *Dispatcher) carry(ctx context.Context) (m map[string]string, err error) {
	if d.o.Carry == nil {
		return nil, nil
	}
	defer contain("Options.Carry", &err)
	m = maps.Clone(d.o.Carry(ctx))
	size := 0
	for k, v := range m {
		size += len(k) + len(v)
	}
	if len(m) > maxCarryKeys || size > maxCarrySize {
		return nil, fmt.Errorf("webhook: dispatch: %w: Options.Carry returned more than %d keys or %d bytes", ErrTooLarge, maxCarryKeys, maxCarrySize)
	}
	return m, nil
}

const (
	maxCarryKeys = 20
	maxCarrySize = 4 << 10
)
