package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// healthTimeout is short, because what was claimed waits for the answer and its lease runs.
const healthTimeout = 2 * time.Second

// doReadHealth reads what other hosts, or this one before a restart, have written.
func (g *engine) doReadHealth() {
	d := g.d
	ctx, cancel := d.storeContext(healthTimeout)
	defer cancel()
	var all []Health
	g.ask(healthTimeout, "Health", func() (err error) {
		all, err = d.health.Health(ctx, "", "")
		return err
	}, func(err error) {
		d.answered(ctx, "Health", err)
		e := scheduler.HealthRead{Failed: err != nil, All: make([]scheduler.Health, 0, len(all))}
		for i := range all {
			e.All = append(e.All, all[i].known())
		}
		g.finish(e)
	}, func() {
		d.answered(ctx, "Health", errNoAnswer)
		g.finish(scheduler.HealthRead{Failed: true})
	})
}

// known is a record as the scheduler keeps it.
func (h *Health) known() scheduler.Health {
	return scheduler.Health{Scope: h.Scope, WebhookID: h.WebhookID, FailingSince: h.FailingSince, Failures: h.Failures,
		PausedUntil: h.PausedUntil, OpenUntil: h.OpenUntil, Opened: h.Opened}
}

// record is what the scheduler knows, as Stores keep it.
func record(h scheduler.Health) Health {
	return Health{Scope: h.Scope, WebhookID: h.WebhookID, FailingSince: h.FailingSince, Failures: h.Failures,
		PausedUntil: h.PausedUntil, OpenUntil: h.OpenUntil, Opened: h.Opened}
}

// doSaveHealth writes a record. Where another one is stored than was expected, it reads that.
func (g *engine) doSaveHealth(c scheduler.SaveHealth) {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	e := scheduler.HealthSaved{Stored: c.New}
	g.ask(storeTimeout, "SetHealth", func() error {
		err := d.health.SetHealth(ctx, c.New.Scope, c.New.WebhookID, record(c.Old), record(c.New))
		if !errors.Is(err, ErrConflict) {
			return err
		}
		e.Conflict, e.Stored = true, scheduler.Health{Scope: c.New.Scope, WebhookID: c.New.WebhookID}
		others, err := d.health.Health(ctx, c.New.Scope, c.New.WebhookID)
		if len(others) > 0 {
			e.Stored = others[0].known()
		}
		return err
	}, func(err error) {
		if errors.Is(err, ErrNotFound) {
			err = nil // the webhook is gone, and its record with it
		}
		d.answered(ctx, "SetHealth", err)
		e.Failed = err != nil
		g.finish(e)
	}, func() {
		d.answered(ctx, "SetHealth", errNoAnswer)
		g.finish(scheduler.HealthSaved{Stored: c.New, Failed: true})
	})
}

// recoveredElsewhere closes, in the Store, the breaker of a webhook of which this process knows
// nothing: one that does not send may send tests. What the endpoint asked for stays.
func (d *Dispatcher) recoveredElsewhere(ctx context.Context, scope, id string) {
	known := false
	d.engine.look(func(s *scheduler.Scheduler) { _, known = s.HealthOf(scope, id) })
	if known || d.health == nil {
		return
	}
	stored, err := d.health.Health(ctx, scope, id)
	if err == nil && len(stored) > 0 {
		next := Health{Scope: scope, WebhookID: id, PausedUntil: stored[0].PausedUntil}
		if err = d.health.SetHealth(ctx, scope, id, stored[0], next); errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			err = nil // it has moved on
		}
	}
	d.answered(ctx, "SetHealth", err)
}

// attend tells the owner of a job's webhook that it should be looked at.
func (d *Dispatcher) attend(j *job) {
	ctx := context.Background()
	w, a := j.hook(), &j.attempt
	d.log.WarnContext(ctx, "webhook: a webhook needs attention", "webhook", w.ID, "scope", w.Scope, "code", string(a.Code), "status", a.Status)
	d.tellAttention(ctx, *w, a.Code, a)
}

func (d *Dispatcher) tellAttention(ctx context.Context, w Webhook, c Code, a *Attempt) {
	if f := d.o.Observer.Attention; f != nil {
		d.observe(ctx, "Attention", func() { f(ctx, w, c, a) })
	}
}

const maxConflicts = 3

// doSwitchOff switches a webhook off. The version of its record makes sure that of several
// hosts one does it and tells.
func (g *engine) doSwitchOff(c scheduler.SwitchOff) {
	d := g.d
	w := c.Job.Value.(*job).hook()
	failed := scheduler.SwitchOffFailed{Scope: w.Scope, WebhookID: w.ID}
	if d.registry == nil {
		g.done()
		return
	}
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	var off *Webhook
	g.ask(storeTimeout, "Update", func() (err error) {
		off, err = d.switchOff(ctx, w, c.Reason)
		return err
	}, func(err error) {
		d.answered(ctx, "Update", err)
		switch {
		case err != nil:
			g.finish(failed)
		case off == nil:
			g.done()
		default:
			g.finish(scheduler.Edited{Scope: w.Scope, WebhookID: w.ID, At: time.Now()})
			d.log.WarnContext(ctx, "webhook: switched off", "webhook", w.ID, "scope", w.Scope, "reason", c.Reason)
			if f := d.o.Observer.Disabled; f != nil {
				d.observe(ctx, "Disabled", func() { f(ctx, *off) })
			}
		}
	}, func() {
		d.answered(ctx, "Update", errNoAnswer)
		g.finish(failed)
	})
}

// switchOff returns the webhook as it is then, or nil where it is gone, off already or was
// changed meanwhile.
func (d *Dispatcher) switchOff(ctx context.Context, w *Webhook, reason string) (*Webhook, error) {
	for range maxConflicts {
		now, err := d.readWebhook(ctx, w.Scope, w.ID)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if !now.Active || now.URL != w.URL {
			return nil, nil
		}
		now.Active, now.DisabledReason, now.UpdatedAt = false, reason, d.now()
		now.DisabledAt = now.UpdatedAt
		switch err = d.registry.Update(ctx, now); {
		case errors.Is(err, ErrConflict):
			continue
		case err != nil:
			return nil, err
		}
		now.Version++
		return &now, nil
	}
	return nil, nil
}
