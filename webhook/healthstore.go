package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// healthTimeout is short, because claimed deliveries wait for the answer while their leases run.
const healthTimeout = 2 * time.Second

// doReadHealth reads the health that other hosts wrote, or this one before a restart.
func (g *engine) doReadHealth() {
	callStore(g, healthTimeout, "Health", func(ctx context.Context) ([]Health, error) {
		return g.d.health.Health(ctx, "", "")
	}, func(_ context.Context, all []Health, err error) {
		e := scheduler.HealthRead{Failed: err != nil, All: make([]scheduler.Health, 0, len(all))}
		for i := range all {
			e.All = append(e.All, all[i].forScheduler())
		}
		g.finish(e)
	})
}

// forScheduler converts a record for the scheduler.
func (h *Health) forScheduler() scheduler.Health {
	return scheduler.Health{Scope: h.Scope, WebhookID: h.WebhookID, FailingSince: h.FailingSince, Failures: h.Failures,
		PausedUntil: h.PausedUntil, OpenUntil: h.OpenUntil, Opened: h.Opened}
}

// healthRecord converts a record of the scheduler for Stores.
func healthRecord(h scheduler.Health) Health {
	return Health{Scope: h.Scope, WebhookID: h.WebhookID, FailingSince: h.FailingSince, Failures: h.Failures,
		PausedUntil: h.PausedUntil, OpenUntil: h.OpenUntil, Opened: h.Opened}
}

// doSaveHealth writes a record. If the stored one is not the expected one, it reads that.
func (g *engine) doSaveHealth(c scheduler.SaveHealth) {
	store, scope, id := g.d.health, c.New.Scope, c.New.WebhookID
	callStore(g, storeTimeout, "SetHealth", func(ctx context.Context) (scheduler.HealthSaved, error) {
		e := scheduler.HealthSaved{Stored: c.New}
		err := store.SetHealth(ctx, scope, id, healthRecord(c.Old), healthRecord(c.New))
		if errors.Is(err, ErrConflict) {
			e.Conflict, e.Stored = true, scheduler.Health{Scope: scope, WebhookID: id}
			var others []Health
			if others, err = store.Health(ctx, scope, id); len(others) > 0 {
				e.Stored = others[0].forScheduler()
			}
		}
		if errors.Is(err, ErrNotFound) {
			err = nil // the webhook is gone, and its record with it
		}
		return e, err
	}, func(_ context.Context, e scheduler.HealthSaved, err error) {
		if err != nil {
			e = scheduler.HealthSaved{Stored: c.New, Failed: true}
		}
		g.finish(e)
	})
}

// closeStoredBreaker closes the breaker in the Store after an accepted test, if this process knows
// no health of the webhook: a process that sends no deliveries may send tests. A pause that the
// endpoint asked for stays.
func (d *Dispatcher) closeStoredBreaker(ctx context.Context, scope, id string) {
	known := false
	d.engine.inspect(func(s *scheduler.Scheduler) { _, known = s.HealthOf(scope, id) })
	if known || d.health == nil {
		return
	}
	err := protect("SetHealth", func() error {
		stored, err := d.health.Health(ctx, scope, id)
		if err != nil || len(stored) == 0 {
			return err
		}
		next := Health{Scope: scope, WebhookID: id, PausedUntil: stored[0].PausedUntil}
		if err = d.health.SetHealth(ctx, scope, id, stored[0], next); errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			err = nil // the record has changed since
		}
		return err
	})
	d.recordCall(ctx, "SetHealth", err)
}

// raiseAttention reports that a job's webhook needs attention.
func (d *Dispatcher) raiseAttention(j *job) {
	ctx := context.Background()
	w, a := j.hook(), &j.attempt
	d.log.WarnContext(ctx, "webhook: a webhook needs attention", "webhook", w.ID, "scope", w.Scope, "code", string(a.Code), "status", a.Status)
	d.notifyAttention(ctx, *w, a.Code, a)
}

func (d *Dispatcher) notifyAttention(ctx context.Context, w Webhook, c Code, a *Attempt) {
	if f := d.o.Observer.Attention; f != nil {
		d.observe(ctx, "Attention", func() { f(ctx, w, c, a) })
	}
}

const maxConflicts = 3

// doSwitchOff switches a webhook off. Its version ensures that only one of several hosts does so
// and reports it.
func (g *engine) doSwitchOff(c scheduler.SwitchOff) {
	d := g.d
	w := c.Job.Value.(*job).hook()
	callStore(g, storeTimeout, "Update", func(ctx context.Context) (*Webhook, error) {
		return d.switchOff(ctx, w, c.Reason)
	}, func(ctx context.Context, off *Webhook, err error) {
		switch {
		case err != nil:
			g.finish(scheduler.SwitchOffFailed{Scope: w.Scope, WebhookID: w.ID})
		case off == nil:
			g.finishSilently()
		default:
			g.finish(scheduler.Edited{Scope: w.Scope, WebhookID: w.ID, At: time.Now()})
			d.log.WarnContext(ctx, "webhook: switched off", "webhook", w.ID, "scope", w.Scope, "reason", c.Reason)
			if f := d.o.Observer.Disabled; f != nil {
				d.observe(ctx, "Disabled", func() { f(ctx, *off) })
			}
		}
	})
}

// switchOff returns the webhook after the change, or nil if it is gone, was off already, leads
// elsewhere by now, or cannot be changed because the Store is no Registry. Errors: ErrConflict if
// others change it all the time.
func (d *Dispatcher) switchOff(ctx context.Context, w *Webhook, reason string) (*Webhook, error) {
	if d.registry == nil {
		return nil, nil
	}
	for range maxConflicts {
		now, err := d.readWebhook(ctx, w.Scope, w.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, nil
		case err != nil:
			return nil, err
		case !now.Active || now.Version != w.Version && now.URL != w.URL: // the URL of one that cannot be opened is not known
			return nil, nil
		}
		now.Active, now.DisabledReason, now.UpdatedAt = false, reason, d.now()
		now.DisabledAt = now.UpdatedAt
		if err = d.registry.Update(ctx, now); err == nil {
			now.Version++
			return &now, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
	}
	return nil, ErrConflict
}
